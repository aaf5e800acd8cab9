/** What a run comes to: the rows of samples.csv, and the verdict on one screen. Pure. */

import { formatBytes, formatCount, formatDuration } from '../../src/core/units.ts';
import type { LatencyHistogram } from '../../src/measure/histogram.ts';
import { secondsOrNull } from '../../src/results/latency-row.ts';
import { parametersText, type Sample } from '../../src/results/samples.ts';
import { kindsOf } from '../guarantee/fault-kinds.ts';
import type { FaultTally } from '../guarantee/fault-tallies.ts';
import { workloadParameters } from './options.ts';
import type { SoakOptions } from './soak-options.ts';
import type { Phase } from '../guarantee/phase.ts';
import { type PhaseOutcome, RATE_SECONDS_MIN } from './sampler.ts';
import type { Verdict } from '../guarantee/verdict.ts';

export type RunSummary = {
  readonly options: SoakOptions;
  readonly verdict: Verdict;
  readonly elapsedMs: number;
  readonly outcomes: ReadonlyMap<Phase, PhaseOutcome>;
  readonly faults: ReadonlyMap<string, FaultTally>;
  /** Injection to recovery in nanoseconds. */
  readonly recovery: ReadonlyMap<string, LatencyHistogram>;
  /** The same until the first of the partitions that were hit had recovered. */
  readonly firstRecovery: ReadonlyMap<string, LatencyHistogram>;
  /** The least time between two faults; null with fewer than two. */
  readonly faultGapNsMin: number | null;
  readonly violations: number;
  /** How the run was audited. */
  readonly audit: string;
  /** What journals it was about. */
  readonly engine: string;
  /** How that engine was judged; none: as the embedded one. */
  readonly judged: readonly string[];
  readonly filesCompleted: number;
  readonly filesVerified: number;
  readonly sumsOutstanding: number;
  readonly folder: string;
  /** Null: it was removed. */
  readonly keptData: string | null;
};

/** One round of the benchmark `pipeline`, from the steady phase; recoveries from the phase of faults. */
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

/** The verdict, what it rests on, and where to read on; plain text of one screen. */
export function verdictScreen(summary: RunSummary): string {
  const { options, verdict, outcomes } = summary;
  const lines = [
    '',
    `${verdict.verdict}  ${headline(summary)}`,
    ...verdict.reasons.slice(0, REASONS_SHOWN).map((reason) => `  ${reason}`),
  ];
  const hidden = verdict.reasons.length - REASONS_SHOWN;
  if (hidden > 0) lines.push(`  and ${hidden} more in run.json`);
  lines.push(
    '',
    field(
      'run',
      `seed ${options.seed}, ${formatDuration(summary.elapsedMs)}, ${counted(options.chunkers, 'chunker')}, ` +
        `${counted(options.summers, 'summer')}, ${counted(options.partitions, 'partition')}, ${summary.engine}`,
    ),
    ...throughputLines(outcomes.get('steady'), options.rate),
    ...latencyLines([...outcomes.values()]),
    ...faultLines(summary),
    field('audit', summary.audit),
    ...summary.judged.map((line, index) => field(index === 0 ? 'judged' : '', line)),
    field('violations', formatCount(summary.violations)),
    field(
      'files',
      `${formatCount(summary.filesCompleted)} completed, ${formatCount(summary.filesVerified)} verified, ` +
        `${formatCount(summary.sumsOutstanding)} outstanding`,
    ),
    field('results', summary.folder),
  );
  if (summary.keptData !== null) lines.push(field('data', summary.keptData));
  return `${lines.join('\n')}\n`;
}

const REASONS_SHOWN = 12;
/** Wide enough for most names of kinds. */
const KIND_WIDTH = 16;

function field(name: string, text: string): string {
  return `  ${name.padEnd(12)}${text}`;
}

/** `1 summer`, `3 summers`. */
function counted(count: number, thing: string): string {
  return `${formatCount(count)} ${thing}${count === 1 ? '' : 's'}`;
}

/**
 * What the verdict rests on, in its own line: which faults hit, how often and how close, and how many files were
 * checked.
 */
function coverage({ options, faults, faultGapNsMin, filesVerified }: RunSummary): string {
  const files = `${formatCount(filesVerified)} file${filesVerified === 1 ? '' : 's'}`;
  if (options.faults.length === 0) return `no faults, ${files}`;
  const tallies = [...faults.values()];
  const kinds = tallies.filter(({ proven }) => proven > 0).length;
  const hits = tallies.reduce((total, { proven }) => total + proven, 0);
  const apart = faultGapNsMin === null ? '' : ` at least ${durationText(faultGapNsMin)} apart`;
  return `${kinds} of ${kindsOf(options.faults, options).length} fault kinds, ${formatCount(hits)} hits${apart}, ${files}`;
}

function headline(summary: RunSummary): string {
  const { verdict } = summary.verdict;
  switch (verdict) {
    case 'HOLDS':
      return `${coverage(summary)}: each got exactly one right sum in time`;
    case 'VIOLATED':
      return `a guarantee broke (${coverage(summary)})`;
    case 'INCONCLUSIVE':
      return `the run does not show that the guarantee holds (${coverage(summary)})`;
    default:
      return verdict satisfies never;
  }
}

/**
 * What was offered beside what was achieved. Chunks of verified files are not shown: a file may be older than the
 * phase.
 */
function throughputLines(steady: PhaseOutcome | undefined, offered: number | 'max'): string[] {
  if (steady === undefined || steady.window.seconds < RATE_SECONDS_MIN) return [];
  const { counts, seconds } = steady.window;
  const perSecond = (count: number): string => formatCount(count / seconds);
  return [
    field(
      'steady',
      `${perSecond(counts.chunksPublished)} chunks/s${offered === 'max' ? '' : ` of ${formatCount(offered)} offered`}, ` +
        `${formatBytes(counts.bytesPublished / seconds)}/s, ${perSecond(counts.sumsVerified)} sums/s`,
    ),
  ];
}

function latencyLines(outcomes: readonly PhaseOutcome[]): string[] {
  const shown = outcomes.filter(({ sum }) => sum.count > 0);
  return shown.map(({ phase, sum, censoredSums }, index) =>
    field(
      index === 0 ? 'latency' : '',
      `${phase.padEnd(8)} p50 ${durationText(sum.p50Ns)}, p99 ${durationText(sum.p99Ns)}, ` +
        `max ${durationText(sum.maxNs)}, ${formatCount(sum.count)} sums` +
        (censoredSums > 0 ? `, ${formatCount(censoredSums)} without a sample` : ''),
    ),
  );
}

function faultLines({ options, faults, recovery, firstRecovery }: RunSummary): string[] {
  if (options.faults.length === 0) return [field('faults', 'none asked for')];
  if (faults.size === 0) return [field('faults', '0')];
  const width = Math.max(KIND_WIDTH, ...[...faults.keys()].map(({ length }) => length));
  return [...faults].map(([kind, tally], index) => {
    const histogram = recovery.get(kind);
    const times =
      tally.recovered === 0
        ? ''
        : ` in ${durationText(histogram?.percentileNs(50) ?? null)} (median), ` +
          `${durationText(histogram?.percentileNs(100) ?? null)} (longest); a first partition in ` +
          durationText(firstRecovery.get(kind)?.percentileNs(50) ?? null);
    const text = `${kind.padEnd(width)} ${tally.proven} hit, ${tally.recovered} recovered${times}`;
    return field(index === 0 ? 'faults' : '', text);
  });
}

/** Null is shown as such: it lies among the samples that were lost. */
export function durationText(ns: number | null): string {
  return ns === null ? '-' : formatDuration(ns / 1e6);
}
