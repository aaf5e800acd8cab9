/** Latency by percentile: histograms of a group are merged, and percentiles are never averaged. Pure. */

import { LatencyHistogram } from '../measure/histogram.ts';
import type { LatencyRow } from '../results/latency-row.ts';
import type { Chart } from './chart.ts';

const PERCENTILES = [0, 50, 75, 90, 95, 99, 99.5, 99.9, 99.99];

export type LatencyGroup = { readonly name: string; readonly rows: readonly LatencyRow[] };

/** One histogram of all these rows, and how many latencies are censored. */
export function mergedLatency(rows: readonly LatencyRow[]): { histogram: LatencyHistogram; censored: number } {
  const histogram = new LatencyHistogram();
  let censored = 0;
  for (const row of rows) {
    if (row.hdr !== null) histogram.add(LatencyHistogram.decode(row.hdr));
    censored += row.censored ?? 0;
  }
  return { histogram, censored };
}

/** A line for each group. Percentiles among the censored latencies are not drawn. Null: there is nothing to draw. */
export function percentilesChart(title: string, groups: readonly LatencyGroup[]): Chart | null {
  const series = groups.map(({ name, rows }) => {
    const { histogram, censored } = mergedLatency(rows);
    const values = PERCENTILES.flatMap((percent): [number, number][] => {
      const ns = histogram.percentileNs(percent, censored);
      return ns === null ? [] : [[100 / (100 - percent), ns / 1e9]];
    });
    return { name, values };
  });
  if (series.every(({ values }) => values.length === 0)) return null;
  return {
    title,
    kind: 'line',
    xName: 'percentile',
    xScale: 'logarithmic',
    xUnit: 'percentile',
    yName: 'latency',
    yScale: 'logarithmic',
    yUnit: 'seconds',
    series,
  };
}
