/**
 * The crash suite on real Gazette brokers, one scenario after the other: each fault is proven, heals and is recovered
 * from, and the verdict holds. Left out by their names where a cluster cannot run. A scenario takes a minute, so two of
 * them run; with STREAM_SUM_SCENARIOS=all in the environment all do.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { missingForDisks } from '../../soak/cluster/disks.ts';
import { hasNft } from '../../soak/cluster/network-cut.ts';
import { isCutting } from '../../soak/live/faults/cluster/cuts.ts';
import { SCENARIOS } from '../../soak/live/scenarios.ts';
import { EXIT } from '../../src/core/errors.ts';
import { MAIN, temporaryFolder } from '../../src/cli/testing/test-process.ts';
import { clusterPrograms } from './testing/real-cluster.ts';

const TIMEOUT_MS = 300_000;
const WORK = ['--rate', '2000', '--files', '20', '--chunks', '20', '--partitions', '4', '--seed', '5'];

type Ran = { readonly code: number | null; readonly output: string; readonly run: Record<string, unknown> };

async function soak(t: ExecutionContext, ...words: string[]): Promise<Ran> {
  const results = temporaryFolder(t);
  const argv = [MAIN, 'soak', '--engine', 'gazette', ...words, ...WORK, '--results', results];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  t.teardown(() => child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (output += bytes.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  t.log(output);
  const [folder = ''] = readdirSync(results);
  const run = JSON.parse(readFileSync(join(results, folder, 'run.json'), 'utf8')) as Record<string, unknown>;
  return { code, output, run };
}

const programs = clusterPrograms();
/** A member of etcd dies; the kernel cuts brokers off from each other. */
const USUAL = ['crash-one-etcd', 'partition-brokers'];
const asked = SCENARIOS.filter(({ name }) => process.env['STREAM_SUM_SCENARIOS'] === 'all' || USUAL.includes(name));

for (const { name, fault, isLossy = false } of asked) {
  const title = `a soak on a cluster ${isLossy ? 'names the loss of' : 'holds through'} ${name}`;
  const isCut = isCutting(fault.kind);
  const isPowerCut = fault.kind.startsWith('power-');
  const noCut = isCut && !hasNft() ? 'nft is missing' : null;
  const isWithoutStore = fault.kind === 'network-store' && !('missing' in programs) && programs.gofakes3 === undefined;
  const noStore = isWithoutStore ? 'gofakes3 is missing: `npm run cluster -- build` builds it' : null;
  const noPower = isPowerCut ? missingForDisks() : null;
  const missing = 'missing' in programs ? programs.missing : (noCut ?? noStore ?? noPower);
  if (missing !== null) {
    test.skip(`left out: ${title} (${missing})`, () => {});
    continue;
  }
  test.serial(title, async (t) => {
    t.timeout(TIMEOUT_MS);
    const { code, output, run } = await soak(t, '--scenario', name, '--duration', '30s');
    t.is(code, isLossy ? EXIT.violation : EXIT.holds);
    if (isLossy) t.regex(String(run['reasons']), /acknowledged-loss/);
    if (isLossy) return;
    // Hit once, and recovered from once.
    t.regex(output, new RegExp(`${fault.kind} +1 +1 `));
    t.regex(String(run['judged']), /^late by the clock of each reader.*records stood twice in the journals/);
  });
}
