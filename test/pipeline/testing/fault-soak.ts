/** Soaks of real processes with the faults of some families. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { type LiveFamily, kindsOf } from '../../../soak/guarantee/fault-kinds.ts';
import { makeAudit } from '../../../soak/live/audit/end-audit.ts';
import { type OlderBuild, olderBuild } from '../../../soak/live/older-build.ts';
import { runSoak } from '../../../soak/live/run.ts';
import { fakeDependencies, fakeOptions } from '../../../soak/live/testing/fake-run.ts';
import { connectJournals } from '../../../src/cli/connection.ts';
import { MAIN } from '../../../src/cli/testing/test-process.ts';
import { componentLaunch } from '../../../src/fleet/component-process.ts';
import { readCsv } from '../../../src/results/csv.ts';

/** Milliseconds for each fault in the plan. On a busy machine a fault waits for the end of the one before it. */
const TURN_MS = 1_500;

/** This very build in another folder, as a build of another commit is. */
async function anotherBuild(t: ExecutionContext): Promise<OlderBuild> {
  const folder = mkdtempSync(join(tmpdir(), 'stream-sum-build-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'dist/src/cli'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
  writeFileSync(join(folder, 'dist/src/cli/main.js'), `await import(${JSON.stringify(MAIN)});`);
  const signal = new AbortController().signal;
  const built = await olderBuild({ from: folder, sourceRoot: '/', say: (line) => t.fail(line), signal });
  t.is(built.commit, null);
  return built;
}

/** Every kind of fault of these families hits, ends and is recovered from, and the run holds. */
export async function everyFaultIsSurvived(t: ExecutionContext, families: readonly LiveFamily[]): Promise<void> {
  const results = mkdtempSync(join(tmpdir(), 'stream-sum-soak-'));
  t.teardown(() => rmSync(results, { recursive: true, force: true }));
  const kinds = kindsOf(families, { summers: 2 });
  // Seven tenths of a run are for the faults.
  const durationMs = Math.ceil((Math.max(2, kinds.length) * TURN_MS) / 0.7) + 10;
  const said: string[] = [];
  const options = fakeOptions(results, {
    durationMs,
    seed: 3,
    faults: families,
    faultIntervalMs: TURN_MS,
    audit: 'follow',
    retentionBytes: 64 * 1024 * 1024,
  });
  const older = families.includes('upgrade') ? { older: await anotherBuild(t) } : {};
  const { verdict, folder } = await runSoak(options, {
    ...fakeDependencies({}, said),
    ...older,
    audit: makeAudit((endpoint) => connectJournals(endpoint, 'audit')),
    connect: (endpoint) => connectJournals(endpoint, 'auditor'),
    launch: componentLaunch(MAIN),
  });
  t.is(verdict.verdict, 'HOLDS', said.join('\n'));
  const faults = readCsv(join(folder, 'faults.csv'));
  t.deepEqual([...new Set(faults.map((row) => row['kind'] ?? ''))].toSorted(), kinds.toSorted());
  for (const row of faults) {
    const at = ['injected_s', 'proven_s', 'healed_s', 'recovered_s'].map((column) => Number(row[column] || Number.NaN));
    t.true(at.every(Number.isFinite), JSON.stringify(row));
    t.deepEqual(
      at,
      at.toSorted((a, b) => a - b),
      JSON.stringify(row),
    );
  }
}
