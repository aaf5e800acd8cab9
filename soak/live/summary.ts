/** The results of a run, and the rows of samples.csv. Pure. */

import { formatDuration } from '../../src/core/units.ts';
import type { LatencyHistogram } from '../../src/measure/histogram.ts';
import { secondsOrNull } from '../../src/results/latency-row.ts';
import type { RunFile } from '../../src/results/run-folder.ts';
import { parametersText, type Sample } from '../../src/results/samples.ts';
import type { FaultTally } from '../guarantee/fault-tallies.ts';
import { workloadParameters } from './options.ts';
import type { JudgedExpectation } from './judged-expectations.ts';
import type { SoakOptions } from './soak-options.ts';
import type { Phase } from '../guarantee/phase.ts';
import type { Lateness } from '../guarantee/story/story-facts.ts';
import type { ViolationStory } from '../guarantee/story/violation-stories.ts';
import type { PhaseOutcome } from './sampler.ts';
import type { Verdict } from '../guarantee/verdict.ts';

export type RunSummary = {
  readonly options: SoakOptions;
  readonly verdict: Verdict;
  readonly elapsedMs: number;
  readonly outcomes: ReadonlyMap<Phase, PhaseOutcome>;
  readonly faults: ReadonlyMap<string, FaultTally>;
  /** Times from injection to recovery, in nanoseconds. */
  readonly recovery: ReadonlyMap<string, LatencyHistogram>;
  /** Times from injection until the first of the hit partitions had recovered. */
  readonly firstRecovery: ReadonlyMap<string, LatencyHistogram>;
  /** By two families, how often faults of them were open together. */
  readonly overlaps: ReadonlyMap<string, number>;
  /** The least time between two faults; null with fewer than two. */
  readonly faultGapNsMin: number | null;
  readonly violations: number;
  /** How the run was audited. */
  readonly audit: string;
  /** The journals of the run. */
  readonly engine: string;
  /** How that engine was judged; empty: like the embedded engine. */
  readonly judged: readonly string[];
  readonly filesCompleted: number;
  readonly filesVerified: number;
  readonly sumsOutstanding: number;
  readonly folder: string;
  /** Null: the data was removed. */
  readonly keptData: string | null;
};

/** A run with everything that a screen, a document or a CI is told about it. */
export type ToldRun = RunSummary & {
  /** The exit code of the verdict or of an unmet expectation. */
  readonly exitCode: number;
  readonly stories: readonly ViolationStory[];
  /** Reasons that no story tells: processes that failed, doubts, what could not be written. */
  readonly otherReasons: readonly string[];
  /** By story, the last lines of logs that belong to it. */
  readonly logLines: readonly (readonly string[])[];
  readonly expectations: readonly JudgedExpectation[];
  /** Times are counted from here. */
  readonly startNs: number;
  readonly latenesses: readonly Lateness[];
  /** The command that repeats the run, as words for a shell. */
  readonly command: readonly string[];
  /** The file to begin with when there is evidence. */
  readonly evidence: string | null;
  readonly run: RunFile;
  /** Kinds of faults that had a turn in the time of this run. */
  readonly scheduled: readonly string[];
};

/** One round of the benchmark `pipeline`, from the steady phase; recoveries come from the phase of faults. */
export function samplesOf(summary: Pick<RunSummary, 'options' | 'outcomes' | 'faults' | 'recovery'>): Sample[] {
  const workload = workloadParameters(summary.options);
  const samples: Sample[] = [];
  const add = (
    sample: Pick<Sample, 'metric' | 'unit' | 'better' | 'value'>,
    extra: Readonly<Record<string, string>> = {},
  ): void => {
    const parameters = parametersText({ ...workload, ...extra });
    samples.push({ suite: 'soak', benchmark: 'pipeline', parameters, round: 1, ...sample });
  };
  const steady = summary.outcomes.get('steady');
  if (steady !== undefined) {
    const { counts, seconds, cpuSeconds } = steady.window;
    const rate = (metric: string, unit: string, count: number): void =>
      add({ metric, unit, better: 'higher', value: count / seconds });
    rate('chunks_per_s', '1/s', counts.chunksVerified);
    rate('chunks_published_per_s', '1/s', counts.chunksPublished);
    rate('bytes_per_s', 'B/s', counts.bytesVerified);
    rate('bytes_published_per_s', 'B/s', counts.bytesPublished);
    rate('sums_per_s', '1/s', counts.sumsVerified);
    const latency = (metric: string, ns: number | null): void =>
      add({ metric, unit: 's', better: 'lower', value: secondsOrNull(ns) });
    latency('sum_latency_p50_s', steady.sum.p50Ns);
    latency('sum_latency_p99_s', steady.sum.p99Ns);
    latency('sum_latency_p99_9_s', steady.sum.p99_9Ns);
    latency('acknowledgement_latency_p50_s', steady.acknowledgement.p50Ns);
    latency('acknowledgement_latency_p99_s', steady.acknowledgement.p99Ns);
    for (const [process, cpu] of cpuSeconds) {
      const value = counts.chunksPublished === 0 ? null : cpu / (counts.chunksPublished / 1e6);
      add({ metric: 'cpu_s_per_million_chunks', unit: 's', better: 'lower', value }, { process });
    }
  }
  for (const [kind] of summary.faults) {
    const value = secondsOrNull(summary.recovery.get(kind)?.percentileNs(50) ?? null);
    add({ metric: 'recovery_median_s', unit: 's', better: 'lower', value }, { fault: kind });
  }
  return samples;
}

/** Null is shown as such: the value lies among the lost samples. */
export function durationText(ns: number | null): string {
  return ns === null ? '-' : formatDuration(ns / 1e6);
}
