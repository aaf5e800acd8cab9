/**
 * What a pipeline did in a window of time, between two marks. Waiting sums and batches are not left out: those
 * outstanding at the end, beyond those at the begin, are censored and count as slower than all that came. Pure.
 */

import { LatencyHistogram } from '../../src/measure/histogram.ts';
import { type Totals, totalsBetween } from '../../src/fleet/meter.ts';
import type { Steadiness } from './steadiness.ts';

export type FlowWindow = {
  readonly seconds: number;
  /** Counts of the window; gauges at its end. */
  readonly counts: Totals;
  /** By process. */
  readonly cpuSeconds: ReadonlyMap<string, number>;
  /** Bytes that all processes wrote to disk; null when unknown. */
  readonly writtenBytes: number | null;
  /** The growth of the broker's file; null where a cluster keeps the journals. */
  readonly journalGrowthBytes: number | null;
  /** By process: the highest value at any look. */
  readonly rssBytes: ReadonlyMap<string, number>;
  /** By process: the longest delay of its event loop. */
  readonly eventLoopLagNs: ReadonlyMap<string, number>;
  readonly sum: LatencyHistogram;
  readonly acknowledgement: LatencyHistogram;
  /** For every record: the time it was sent minus the time it was intended. Empty without a schedule. */
  readonly scheduleLag: LatencyHistogram;
  readonly censoredSums: number;
  readonly censoredAcknowledgements: number;
  /** Over the generations of files that ended with the window. */
  readonly steadiness: Steadiness;
};

/** The state of a pipeline at one moment. */
export type Mark = {
  readonly atNs: number;
  readonly totals: Totals;
  /** Batches that were sent and not acknowledged. */
  readonly batchesUnderWay: number;
  readonly cpuSeconds: ReadonlyMap<string, number>;
  readonly writtenBytes: ReadonlyMap<string, number>;
  readonly brokerDiskBytes: number | null;
};

/** Values recorded since the window's begin. */
export type Recorded = Pick<
  FlowWindow,
  'rssBytes' | 'eventLoopLagNs' | 'sum' | 'acknowledgement' | 'scheduleLag' | 'censoredSums'
>;

export function flowWindow(
  [begin, end]: readonly [Mark, Mark],
  recorded: Recorded,
  { processes, steadiness }: { readonly processes: number; readonly steadiness: Steadiness },
): FlowWindow {
  const written = difference(end.writtenBytes, begin.writtenBytes);
  return {
    seconds: (end.atNs - begin.atNs) / 1e9,
    counts: totalsBetween(begin.totals, end.totals),
    cpuSeconds: difference(end.cpuSeconds, begin.cpuSeconds),
    journalGrowthBytes:
      end.brokerDiskBytes === null || begin.brokerDiskBytes === null
        ? null
        : end.brokerDiskBytes - begin.brokerDiskBytes,
    writtenBytes: written.size < processes ? null : total(written),
    rssBytes: new Map(recorded.rssBytes),
    eventLoopLagNs: new Map(recorded.eventLoopLagNs),
    sum: copyOf(recorded.sum),
    acknowledgement: copyOf(recorded.acknowledgement),
    scheduleLag: copyOf(recorded.scheduleLag),
    censoredSums: recorded.censoredSums + added(begin.totals.sumsOutstanding, end.totals.sumsOutstanding),
    censoredAcknowledgements: added(begin.batchesUnderWay, end.batchesUnderWay),
    steadiness,
  };
}

/** How many wait at the end of a window beyond those at its begin: as many of the window's own never came. */
function added(before: number, after: number): number {
  return Math.max(0, after - before);
}

function copyOf(histogram: LatencyHistogram): LatencyHistogram {
  const copy = new LatencyHistogram();
  copy.add(histogram);
  return copy;
}

export function total(values: ReadonlyMap<string, number>): number {
  return [...values.values()].reduce((sum, value) => sum + value, 0);
}

/** What was added to each value since the begin. */
export function difference(end: ReadonlyMap<string, number>, begin: ReadonlyMap<string, number>): Map<string, number> {
  return new Map([...end].map(([name, value]) => [name, value - (begin.get(name) ?? 0)]));
}
