// Runs of the pipeline suite that end early. `bench.deep.test.ts` has a whole one.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { parseBenchOptions } from '../../bench/options.ts';
import { runBench } from '../../bench/run.ts';
import type { FakePlan } from '../../soak/live/testing/fake-component.ts';
import { MAIN, temporaryFolder } from '../../src/cli/testing/test-process.ts';
import { OperatingError, ViolationError } from '../../src/core/errors.ts';
import { componentLaunch } from '../../src/fleet/component-process.ts';
import { readCsv } from '../../src/results/csv.ts';
import { DEPENDENCIES, SMOKE } from './testing/smoke-bench.ts';

const FAKE = join(import.meta.dirname, '../../soak/live/testing/fake-component.js');

/** The result of a throughput run over components that do as planned, and its run.json. */
async function runPlanned(
  t: ExecutionContext,
  plan: FakePlan,
): Promise<{ error: unknown; run: Record<string, unknown> }> {
  const results = temporaryFolder(t);
  const launch = { command: process.execPath, argv: [FAKE, JSON.stringify(plan)] };
  const options = parseBenchOptions({ ...SMOKE, only: ['throughput'], results });
  const error = await t.throwsAsync(runBench(options, { ...DEPENDENCIES, launch }));
  const [folder = ''] = readdirSync(results);
  return { error, run: JSON.parse(readFileSync(join(results, folder, 'run.json'), 'utf8')) };
}

test('a violation that a component finds ends the run, which is violated and has no figure of it', async (t) => {
  const { error, run } = await runPlanned(t, { 'summer-0': { when: 'work', what: 'violation' } });
  t.true(error instanceof ViolationError && error.kind === 'mismatched');
  t.like(run, { verdict: 'VIOLATED', exitCode: 10 });
  t.regex(String(run['reasons']), /^violation=mismatched journal=sums offset=7 summer-0: planted$/);
});

test('a sum that was never verified is a violation, found when the pipeline drains', async (t) => {
  const { error, run } = await runPlanned(t, { 'chunker-0': { when: 'drain', what: 'unverified' } });
  t.true(error instanceof ViolationError && error.kind === 'lost');
  t.like(run, { verdict: 'VIOLATED', exitCode: 10 });
});

test('a process that cannot do its part ends the run, which says so and is no figure', async (t) => {
  const results = temporaryFolder(t);
  const launch = { command: process.execPath, argv: ['-e', 'process.exit(1)'] };
  const options = parseBenchOptions({ ...SMOKE, only: ['throughput'], results });
  await t.throwsAsync(runBench(options, { ...DEPENDENCIES, launch }), {
    instanceOf: OperatingError,
    message: /broker: pid \d+ exited unexpectedly with 1/,
  });
});

/** The command lines of processes with this text in their arguments; none where there is no /proc. */
function commandLinesWith(text: string): string[] {
  if (!existsSync('/proc')) return [];
  const lines = readdirSync('/proc').map((name) => {
    try {
      return /^\d+$/.test(name) ? readFileSync(join('/proc', name, 'cmdline'), 'utf8') : '';
    } catch {
      return '';
    }
  });
  return lines.filter((line) => line.includes(text));
}

test('an interrupted pipeline leaves no process and no data, and keeps what was recorded', async (t) => {
  const results = temporaryFolder(t);
  const interrupted = new AbortController();
  let wasRunning: string[] = [];
  const interrupt = (): void => {
    wasRunning = commandLinesWith(results);
    interrupted.abort();
  };
  const progress = {
    ...DEPENDENCIES.progress,
    // The second turn begins: its processes are being started.
    update: (text: string) => {
      if (text.includes(', 2 of ')) setTimeout(interrupt, 300);
    },
  };
  const { signal } = interrupted;
  const options = parseBenchOptions({ ...SMOKE, only: ['throughput', 'latency'], results });
  const launch = componentLaunch(MAIN);
  await t.throwsAsync(runBench(options, { ...DEPENDENCIES, progress, launch, signal }), { code: 'ERR_INTERRUPTED' });
  const [name = ''] = readdirSync(results);
  const folder = join(results, name);
  t.like(JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')), {
    verdict: 'INCONCLUSIVE',
    reasons: ['interrupted'],
  });
  t.true(wasRunning.length > 0 || process.platform !== 'linux');
  t.deepEqual(commandLinesWith(results), []);
  t.false(existsSync(join(folder, 'data')));
  t.true(readCsv(join(folder, 'samples.csv')).length > 0);
});
