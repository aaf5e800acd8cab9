/**
 * The verdict of a soak as one JSON document (`--json`), of a shape that scripts may rely on: fields are added, never
 * renamed or removed. results/README.md describes each field. Times are seconds; a value that was not measured is null.
 * Pure.
 */

import { secondsOrNull } from '../../src/results/latency-row.ts';
import { kindsOf } from '../guarantee/fault-kinds.ts';
import { adviceOn } from '../guarantee/story/advice.ts';
import { storyFields, storyTitle } from '../guarantee/story/story-lines.ts';
import { type ViolationStory, hostDelay } from '../guarantee/story/violation-stories.ts';
import { RATE_SECONDS_MIN } from './sampler.ts';
import type { ToldRun } from './summary.ts';

export const DOCUMENT_SCHEMA_VERSION = 1;

/** A story of a violation, as run.json and `--json` have it. */
export type StoryDocument = {
  readonly title: string;
  readonly kinds: Readonly<Record<string, number>>;
  readonly fileCount: number;
  readonly fromSeconds: number;
  readonly toSeconds: number;
  readonly firstFoundSeconds: number;
  readonly finders: readonly string[];
  readonly slaSeconds: number | null;
  readonly partitions: readonly number[];
  /** By summer, the partitions that it owned. */
  readonly holders: Readonly<Record<string, readonly number[]>>;
  readonly faults: readonly object[];
  readonly hostLate: { readonly count: number; readonly totalSeconds: number; readonly longestSeconds: number };
  readonly example: object;
  /** The lines on the screen. */
  readonly lines: readonly string[];
};

export function storyDocument(story: ViolationStory, startNs: number): StoryDocument {
  const at = (ns: number): number => seconds(ns - startNs);
  const { kinds, fileCount, slaMs, partitions, holders, faults, host, example } = story;
  const { process, kind, partition, journal, offset, file, index, detail, waitedNs, atNs } = example;
  return {
    title: storyTitle(story),
    kinds: Object.fromEntries(kinds),
    fileCount,
    fromSeconds: at(story.fromNs),
    toSeconds: at(story.toNs),
    firstFoundSeconds: at(story.firstFoundNs),
    finders: story.finders,
    slaSeconds: slaMs === null ? null : slaMs / 1e3,
    partitions,
    holders: Object.fromEntries(holders),
    faults: faults.map(({ id, kind: faultKind, target, when, fromNs, healedNs, recoveredNs }) => ({
      id,
      kind: faultKind,
      target,
      when,
      injectedSeconds: at(fromNs),
      healedSeconds: healedNs === null ? null : at(healedNs),
      recoveredSeconds: recoveredNs === null ? null : at(recoveredNs),
    })),
    hostLate: { count: host.count, totalSeconds: seconds(host.totalNs), longestSeconds: seconds(host.longestNs) },
    example: {
      kind,
      foundBy: process,
      foundSeconds: at(atNs),
      file: file ?? null,
      partition,
      journal: journal ?? null,
      offset: offset ?? null,
      index: index ?? null,
      waitedSeconds: secondsOrNull(waitedNs),
      detail,
    },
    lines: storyFields(story, startNs).map(([name, text]) => `${name}: ${text}`),
  };
}

export function verdictDocument(run: ToldRun): object {
  const { commit, dirty, startedAt } = run.run;
  const { verdict, options, exitCode, elapsedMs, stories, startNs, latenesses } = run;
  const host = hostDelay(latenesses, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
  const advice = adviceOn(verdict.reasons, { ...options, waitedNs: host.totalNs, waitedNsMax: host.longestNs });
  return {
    schemaVersion: DOCUMENT_SCHEMA_VERSION,
    kind: 'soak',
    verdict: verdict.verdict,
    exitCode,
    reasons: verdict.reasons,
    advice: verdict.verdict === 'INCONCLUSIVE' ? advice.flatMap(({ advice: text }) => text ?? []) : [],
    violations: { count: run.violations, stories: stories.map((story) => storyDocument(story, startNs)) },
    expectations: run.expectations.map(({ text, metric, operator, isMet, value, measured, bound }) => {
      const inUnit = (number: number | null): number | null => (metric === 'rate' ? number : secondsOrNull(number));
      return { text, metric, operator, bound: inUnit(bound), value: inUnit(value), isMet, measured };
    }),
    coverage: {
      kindsAsked: kindsOf(options.faults, options),
      faults: [...run.faults].map(([kind, tally]) => ({ kind, ...tally })),
      faultsAtOnce: options.faultsAtOnce,
      overlaps: [...run.overlaps].map(([families, count]) => ({ families, count })),
      shortestGapSeconds: secondsOrNull(run.faultGapNsMin),
      filesCompleted: run.filesCompleted,
      filesVerified: run.filesVerified,
      sumsOutstanding: run.sumsOutstanding,
      audit: run.audit,
    },
    rate: rateOf(run),
    latency: latencyOf(run),
    recovery: [...run.faults.keys()].map((kind) => ({
      kind,
      count: run.recovery.get(kind)?.count ?? 0,
      medianSeconds: secondsOrNull(run.recovery.get(kind)?.percentileNs(50) ?? null),
      longestSeconds: secondsOrNull(run.recovery.get(kind)?.percentileNs(100) ?? null),
      firstPartitionMedianSeconds: secondsOrNull(run.firstRecovery.get(kind)?.percentileNs(50) ?? null),
    })),
    hostLate: { count: host.count, totalSeconds: seconds(host.totalNs), longestSeconds: seconds(host.longestNs) },
    seed: options.seed,
    commit,
    dirty,
    startedAt,
    elapsedSeconds: elapsedMs / 1e3,
    folder: run.folder,
    data: run.keptData,
    evidence: run.evidence,
    command: run.command.join(' '),
  };
}

/** The rate of the phase steady. A shorter phase has none. */
function rateOf({ outcomes, options }: ToldRun): object {
  const { window } = outcomes.get('steady') ?? {};
  const perSecond = (count: number | undefined): number | null =>
    window === undefined || count === undefined || window.seconds < RATE_SECONDS_MIN ? null : count / window.seconds;
  return {
    offeredChunksPerSecond: options.rate === 'max' ? null : options.rate,
    chunksPerSecond: perSecond(window?.counts.chunksPublished),
    bytesPerSecond: perSecond(window?.counts.bytesPublished),
    sumsPerSecond: perSecond(window?.counts.sumsVerified),
  };
}

/** The latency of sums, by phase. */
function latencyOf({ outcomes }: ToldRun): object[] {
  return [...outcomes.values()].map(({ phase, sum, censoredSums }) => ({
    phase,
    count: sum.count,
    censored: censoredSums,
    p50Seconds: secondsOrNull(sum.p50Ns),
    p90Seconds: secondsOrNull(sum.p90Ns),
    p99Seconds: secondsOrNull(sum.p99Ns),
    p99_9Seconds: secondsOrNull(sum.p99_9Ns),
    maxSeconds: secondsOrNull(sum.maxNs),
  }));
}

function seconds(ns: number): number {
  return Math.round(ns / 1e3) / 1e6;
}
