/** Folders of runs for tests of their audits: soaks over fake processes, and histories that a test has made. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { temporaryFolder } from '../../../src/cli/testing/test-process.ts';
import { ManualClock } from '../../../src/core/testing/manual-clock.ts';
import { type RunFile, writeRunFile } from '../../../src/results/run-folder.ts';
import type { HistoryEvent } from '../../guarantee/history.ts';
import { HISTORY_FOLDER } from '../../guarantee/recorded-history.ts';
import type { Verdict } from '../../guarantee/verdict.ts';
import { WHOLE_FOLDER } from '../../guarantee/whole-history.ts';
import { FlightRecorder } from '../../live/flight-recorder.ts';
import { type SoakDependencies, runSoak } from '../../live/run.ts';
import type { SoakOptions } from '../../live/soak-options.ts';
import type { FakePlan } from '../../live/testing/fake-component.ts';
import { fakeDependencies, fakeOptions } from '../../live/testing/fake-run.ts';
import { WholeRecorder } from '../../live/whole-recorder.ts';
import { auditRun } from '../audit-run.ts';
import { writeHolding } from './long-history.ts';

export type Soaked = { readonly folder: string; readonly verdict: Verdict };

/** A soak over fake processes, with its whole history. */
export async function soakIn(
  results: string,
  plan: FakePlan,
  options: Partial<SoakOptions> = {},
  dependencies: Partial<SoakDependencies> = {},
): Promise<Soaked> {
  return runSoak(fakeOptions(results, { history: 'keep', ...options }), { ...fakeDependencies(plan), ...dependencies });
}

export function soak(
  t: ExecutionContext,
  plan: FakePlan,
  options: Partial<SoakOptions> = {},
  dependencies: Partial<SoakDependencies> = {},
): Promise<Soaked> {
  return soakIn(temporaryFolder(t), plan, options, dependencies);
}

export const FAILS: FakePlan = { 'summer-1': { when: 'work', what: 'violation' } };

/** A folder of a run with these events and this verdict. */
export async function folderOf(
  t: ExecutionContext,
  events: readonly HistoryEvent[],
  run: { readonly verdict: string | null; readonly reasons: readonly string[] },
): Promise<string> {
  const folder = temporaryFolder(t);
  await writeHolding(folder);
  await changeRun(folder, (written) => ({ ...written, ...run }));
  const clock = new ManualClock();
  const whole = new WholeRecorder(join(folder, WHOLE_FOLDER), { clock });
  const recorder = new FlightRecorder(join(folder, HISTORY_FOLDER), { clock });
  for (const [index, event] of events.entries()) {
    whole.add({ n: index + 1, event });
    recorder.add({ n: index + 1, event });
  }
  await whole.close();
  recorder.close();
  return folder;
}

/** Written again, with a digest that fits. */
export function changeRun(folder: string, change: (run: RunFile) => object): Promise<void> {
  return writeRunFile(folder, change(JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'))) as RunFile);
}

/** A test of a soak of which a process does something wrong that is no violation. */
export function isInconclusiveAgain(what: 'exit 1' | 'exit 2' | 'abort' | 'idle' | 'ignore'): void {
  test(`a soak of which a process does "${what}" is inconclusive again, for the same reasons`, async (t) => {
    const when = what === 'exit 2' ? 'start' : what === 'ignore' ? 'stop' : 'work';
    const { folder, verdict } = await soak(t, { 'chunker-1': { when, what } }, { slaMs: 2_000 }, { patienceMs: 2_000 });
    const { lines, exitCode, rechecked } = await auditRun(folder);
    t.deepEqual(rechecked.verdict, { ...verdict, exitCode: rechecked.verdict.exitCode }, lines.join('\n'));
    t.is(exitCode, verdict.verdict === 'HOLDS' ? 0 : 3, lines.join('\n'));
  });
}
