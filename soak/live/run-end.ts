/**
 * Writes the end of a run into its folder, and decides the verdict. What cannot be written takes HOLDS away: a first
 * time in run.json, and once more when run.json itself is such a file.
 */

import { join } from 'node:path';
import { digestFiles, type RunFile, writeRunFile } from '../../src/results/run-folder.ts';
import type { StoryFacts } from '../guarantee/story/story-facts.ts';
import { decideVerdict, type Verdict, withUnwritten } from '../guarantee/verdict.ts';
import { type Judged, exitCodeWith, fieldsOf, judge } from './conclusion.ts';
import type { ConductorOptions } from './conductor-options.ts';
import { judgedLines } from './engine.ts';
import { SOAK_FILES } from './soak-files.ts';
import type { ResourceRow } from './resources/resource-watch.ts';
import type { RunOutcome } from './run-outcome.ts';
import type { SoakOptions } from './soak-options.ts';
import { type RunSummary, samplesOf } from './summary.ts';

type Ended = {
  readonly verdict: Verdict;
  readonly ending: Judged;
  /** How its engine was judged. */
  readonly judged: readonly string[];
};

/** Closes the recorders. Throws only an error that the system did not cause. */
export async function writeEnd(
  folder: string,
  of: Pick<ConductorOptions, 'files' | 'flightRecorder' | 'wholeRecorder'> & {
    readonly options: SoakOptions;
    readonly outcome: RunOutcome;
    readonly facts: StoryFacts;
    readonly run: RunFile;
    readonly startNs: number;
    readonly resources: readonly ResourceRow[];
    readonly say: (line: string) => void;
  },
): Promise<Ended> {
  const { files, flightRecorder, wholeRecorder, options, outcome, facts, run, startNs, resources, say } = of;
  for (const sample of samplesOf(partsOf(options, outcome))) files.sample(sample);
  files.resources(resources);
  files.close();
  flightRecorder.close();
  const judged = judgedLines(options, flightRecorder.reader);
  await wholeRecorder?.close();
  const unwritten = [...files.unwritten, ...flightRecorder.unwritten, ...(wholeRecorder?.unwritten ?? [])];
  const remarks = wholeRecorder?.remarks ?? [];
  for (const remark of remarks) say(remark);
  const decided = decideVerdict(outcome.findings, { othersIn: 'violations.csv' });
  const digests = await orUnwritten(unwritten, folder, () => digestFiles(folder, SOAK_FILES));
  const written = withUnwritten(decided, unwritten);
  const ending = judge(options, outcome, facts);
  await orUnwritten(unwritten, join(folder, 'run.json'), () =>
    writeRunFile(folder, {
      ...run,
      endedAt: new Date().toISOString(),
      verdict: written.verdict,
      exitCode: exitCodeWith(written, ending),
      reasons: written.reasons,
      ...fieldsOf(ending, startNs),
      audit: outcome.audit,
      ...(judged.length === 0 ? {} : { judged }),
      ...crashesOf(outcome),
      ...(remarks.length === 0 ? {} : { remarks }),
      resources,
      ...(options.faultsAtOnce > 1 ? { overlaps: Object.fromEntries(outcome.overlaps.pairs) } : {}),
      ...(outcome.moments === null ? {} : { moments: outcome.moments }),
      digests: digests ?? {},
    }),
  );
  return { verdict: withUnwritten(decided, unwritten), ending, judged };
}

/** The parts of a summary that the faults and phases decide. */
export function partsOf(
  options: SoakOptions,
  { outcomes, tallies, overlaps, injector }: RunOutcome,
): Pick<RunSummary, 'options' | 'outcomes' | 'faults' | 'overlaps' | 'recovery' | 'firstRecovery' | 'faultGapNsMin'> {
  const { recovery, firstRecovery, gapNsMin: faultGapNsMin } = injector;
  return {
    options,
    outcomes,
    faults: tallies.tallies,
    overlaps: overlaps.pairs,
    recovery,
    firstRecovery,
    faultGapNsMin,
  };
}

/** The result of the work; null when the system refuses it, which adds a line to the unwritten files. */
async function orUnwritten<T>(lines: string[], path: string, work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (typeof (error as { code?: unknown } | null)?.code !== 'string') throw error;
    lines.push(`cannot write ${path}: ${String(error)}`);
    return null;
  }
}

/** Crashes by process; empty when there were none. */
function crashesOf({ findings }: RunOutcome): { crashes?: Record<string, number> } {
  const crashed = findings.flatMap(({ crashes = [] }) => crashes);
  const crashes: Record<string, number> = {};
  for (const { process } of crashed) crashes[process] = (crashes[process] ?? 0) + 1;
  return crashed.length === 0 ? {} : { crashes };
}
