/**
 * Latencies of both sides. The histograms of a side's runs are merged, and percentiles come from the merged histogram,
 * in which the censored values of all runs count as slower than every known value. Percentiles themselves are never
 * averaged. Latencies are not tested, because the values of one run depend on each other; samples.csv has the rounds or
 * runs to test.
 */

import { LatencyHistogram, type LatencySummary } from '../../src/measure/histogram.ts';
import type { LatencyRow } from './latency-file.ts';
import type { LoadedRun } from './loading.ts';

export type SideLatency = LatencySummary & {
  /** Null: the stage does not count censored values. */
  readonly censored: number | null;
};

export type LatencyComparison = {
  /** The columns of latency.csv before `unit`: `steady sum`. */
  readonly name: string;
  readonly old: SideLatency;
  readonly new: SideLatency;
};

export type Latencies = {
  readonly rows: readonly LatencyComparison[];
  /** Single lines. */
  readonly problems: readonly string[];
};

export function compareLatencies(old: readonly LoadedRun[], next: readonly LoadedRun[]): Latencies {
  const problems: string[] = [];
  const [left, right] = [mergeSide(old, problems), mergeSide(next, problems)];
  const rows = [...new Set([...left.keys(), ...right.keys()])].flatMap((name): LatencyComparison[] => {
    const [before, after] = [left.get(name), right.get(name)];
    if (before === undefined || after === undefined) {
      problems.push(`latency only in ${before === undefined ? 'NEW' : 'OLD'}: ${name}`);
      return [];
    }
    const isEmpty = [before, after].every(({ count, censored }) => count === 0 && (censored ?? 0) === 0);
    return isEmpty ? [] : [{ name, old: before, new: after }];
  });
  return { rows, problems };
}

function mergeSide(runs: readonly LoadedRun[], problems: string[]): Map<string, SideLatency> {
  const merged = new Map<string, { histogram: LatencyHistogram; censored: number | null }>();
  for (const run of runs) {
    for (const row of run.latency) {
      const name = nameOf(row);
      const side = merged.get(name) ?? { histogram: new LatencyHistogram(), censored: null };
      const problem = addRow(side, row);
      if (problem !== null) problems.push(`${run.path}: latency.csv, ${name}: ${problem}`);
      merged.set(name, side);
    }
  }
  return new Map(
    Array.from(merged, ([name, { histogram, censored }]) => [name, { ...histogram.summary(censored ?? 0), censored }]),
  );
}

function nameOf(row: LatencyRow): string {
  const columns = Object.keys(row);
  const keys = columns.slice(0, columns.indexOf('unit'));
  return keys.map((column) => row[column] ?? '').join(' ');
}

/** The fault of the row; null when the row was added. */
function addRow(side: { histogram: LatencyHistogram; censored: number | null }, row: LatencyRow): string | null {
  const censored = row['censored'] ?? '';
  if (!/^\d*$/.test(censored)) return `not a count of censored values: ${censored}`;
  if (censored !== '') side.censored = (side.censored ?? 0) + Number(censored);
  const encoded = row['hdr'] ?? '';
  if (encoded === '') return Number(row['count']) === 0 ? null : 'values but no histogram';
  try {
    const histogram = LatencyHistogram.decode(encoded);
    if (histogram.count !== Number(row['count'])) return 'the histogram has another count than its row';
    side.histogram.add(histogram);
    return null;
  } catch {
    return 'malformed histogram';
  }
}
