/** The rows of latency.csv: percentiles in seconds and the whole histogram, in the same form for every kind of run. */

import type { LatencyHistogram } from '../measure/histogram.ts';

/** Times in seconds; null: there is no such value, or it lies among the censored values. */
export type LatencyRow = {
  readonly phase: string;
  readonly stage: string;
  readonly unit: 's';
  readonly count: number;
  /** Null: no sample of this stage can be censored. */
  readonly censored: number | null;
  readonly min: number | null;
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p99: number | null;
  readonly p99_9: number | null;
  readonly p99_99: number | null;
  readonly max: number | null;
  /** In nanoseconds, HdrHistogram V2 compressed, base64. */
  readonly hdr: string | null;
};

export const LATENCY_COLUMNS: readonly (keyof LatencyRow)[] = [
  'phase',
  'stage',
  'unit',
  'count',
  'censored',
  'min',
  'p50',
  'p90',
  'p99',
  'p99_9',
  'p99_99',
  'max',
  'hdr',
];

export function latencyRow(
  of: { readonly phase: string; readonly stage: string },
  histogram: LatencyHistogram,
  censored: number | null,
): LatencyRow {
  const summary = histogram.summary(censored ?? 0);
  return {
    ...of,
    unit: 's',
    count: summary.count,
    censored,
    min: secondsOrNull(summary.minNs),
    p50: secondsOrNull(summary.p50Ns),
    p90: secondsOrNull(summary.p90Ns),
    p99: secondsOrNull(summary.p99Ns),
    p99_9: secondsOrNull(summary.p99_9Ns),
    p99_99: secondsOrNull(summary.p99_99Ns),
    max: secondsOrNull(summary.maxNs),
    hdr: histogram.encode(),
  };
}

/** A row as it was written. Text that is not a number becomes null. */
export function parseLatencyRow(text: Readonly<Record<string, string>>): LatencyRow {
  const number = (column: keyof LatencyRow): number | null => {
    const value = text[column];
    return value === undefined || value === '' || !Number.isFinite(Number(value)) ? null : Number(value);
  };
  return {
    phase: text['phase'] ?? '',
    stage: text['stage'] ?? '',
    unit: 's',
    count: number('count') ?? 0,
    censored: number('censored'),
    min: number('min'),
    p50: number('p50'),
    p90: number('p90'),
    p99: number('p99'),
    p99_9: number('p99_9'),
    p99_99: number('p99_99'),
    max: number('max'),
    hdr: text['hdr'] === '' ? null : (text['hdr'] ?? null),
  };
}

/** Nanoseconds to seconds, rounded to a microsecond. */
export function seconds(ns: number): number {
  return Math.round(ns / 1e3) / 1e6;
}

export function secondsOrNull(ns: number | null): number | null {
  return ns === null ? null : seconds(ns);
}
