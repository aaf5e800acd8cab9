/** The figures of a window of a pipeline's time. Pure. */

import type { Measurement, Outcome, StageLatencies } from '../harness/task.ts';
import { seconds, secondsOrNull } from '../../src/results/latency-row.ts';
import { NOT_TO_BE_TRUSTED } from '../distrust.ts';
import { ALL, CPU_METRIC, RATE_METRIC } from '../possible.ts';
import { type FlowWindow, total } from './flow-window.ts';
import { type Steadiness, unsteadyText } from './steadiness.ts';

/**
 * A latency is distrusted when the schedule itself lagged by more than this, or by more than a share of the latency.
 */
export const LAG_NS_MAX = 5e6;
export const LAG_PART_MAX = 0.25;

export function higher(metric: string, unit: string, value: number | null): Measurement {
  return { metric, unit, better: 'higher', value };
}

export function lower(metric: string, unit: string, value: number | null, process?: string): Measurement {
  return { metric, unit, better: 'lower', value, ...(process === undefined ? {} : { process }) };
}

function lowerSeconds(metric: string, ns: number | null): Measurement {
  return lower(metric, 's', secondsOrNull(ns));
}

/**
 * Throughput and its cost, over the chunks that were both published and folded in the window. Files whose sum was
 * verified may have been published before the window. Their chunks are `chunks_verified_per_s`, by which nothing is
 * judged.
 */
export function flowMeasurements(window: FlowWindow): [Measurement, ...Measurement[]] {
  const { seconds: elapsed, counts, writtenBytes } = window;
  const { chunksPublished, bytesPublished, chunksFolded, chunksVerified } = counts;
  const cpu = [...window.cpuSeconds, [ALL, total(window.cpuSeconds)] as const];
  const perByte = (bytes: number | null): number | null =>
    bytes === null || bytesPublished === 0 ? null : bytes / bytesPublished;
  const perMillion = (value: number): number | null => (chunksPublished === 0 ? null : (value / chunksPublished) * 1e6);
  const chunks = Math.min(chunksPublished, chunksFolded);
  // All chunks of a pipeline have one size.
  const bytes = chunksPublished === 0 ? 0 : (chunks / chunksPublished) * bytesPublished;
  return [
    higher(RATE_METRIC, '1/s', chunks / elapsed),
    higher('chunks_published_per_s', '1/s', chunksPublished / elapsed),
    higher('bytes_per_s', 'B/s', bytes / elapsed),
    { metric: 'chunks_verified_per_s', unit: '1/s', better: 'none', value: chunksVerified / elapsed },
    ...cpu.map(([process, value]) => lower(CPU_METRIC, 's', perMillion(value), process)),
    lower('written_bytes_per_payload_byte', 'B/B', perByte(writtenBytes)),
    ...growthOf(window, perByte),
    ...[...window.rssBytes].map(([process, value]) => lower('rss_bytes', 'B', value, process)),
    ...[...window.eventLoopLagNs].map(([process, value]) =>
      lower('event_loop_lag_max_s', 's', seconds(value), process),
    ),
  ];
}

/** No row where a cluster keeps the journals. */
function growthOf({ journalGrowthBytes }: FlowWindow, perByte: (bytes: number) => number | null): Measurement[] {
  if (journalGrowthBytes === null) return [];
  return [lower('journal_growth_per_payload_byte', 'B/B', perByte(journalGrowthBytes))];
}

/** Latencies from the intended send time, and the lag of the schedule itself. */
export function latencyMeasurements(window: FlowWindow): [Measurement, ...Measurement[]] {
  const sum = window.sum.summary(window.censoredSums);
  const acknowledgement = window.acknowledgement.summary(window.censoredAcknowledgements);
  return [
    lowerSeconds('sum_latency_p50_s', sum.p50Ns),
    lowerSeconds('sum_latency_p99_s', sum.p99Ns),
    lowerSeconds('sum_latency_p99_9_s', sum.p99_9Ns),
    lowerSeconds('acknowledgement_latency_p50_s', acknowledgement.p50Ns),
    lowerSeconds('acknowledgement_latency_p99_s', acknowledgement.p99Ns),
    lowerSeconds('schedule_lag_p99_s', window.scheduleLag.percentileNs(99)),
  ];
}

export function latencyStages(window: FlowWindow): StageLatencies[] {
  return [
    { stage: 'sum', histogram: window.sum, censored: window.censoredSums },
    { stage: 'acknowledgement', histogram: window.acknowledgement, censored: window.censoredAcknowledgements },
    { stage: 'schedule-lag', histogram: window.scheduleLag, censored: null },
  ];
}

/** The same figures, for information only. */
export function unjudged([first, ...rest]: Outcome['measurements']): [Measurement, ...Measurement[]] {
  return [{ ...first, better: 'none' }, ...rest.map((one): Measurement => ({ ...one, better: 'none' }))];
}

/** Why a latency is distrusted, or null: the schedule itself lagged, or its lag was never seen. */
export function distrust(lagP99Ns: number | null, sumP99Ns: number | null): string | null {
  if (lagP99Ns === null) return `${NOT_TO_BE_TRUSTED}: the lag of the schedule is unknown`;
  const lag = `${NOT_TO_BE_TRUSTED}: the schedule itself lagged ${(lagP99Ns / 1e6).toPrecision(3)} ms (p99)`;
  if (lagP99Ns > LAG_NS_MAX) return `${lag}, more than ${LAG_NS_MAX / 1e6} ms`;
  if (sumP99Ns !== null && lagP99Ns > sumP99Ns * LAG_PART_MAX) {
    return `${lag}, more than a quarter of the latency's p99 of ${(sumP99Ns / 1e6).toPrecision(3)} ms`;
  }
  return null;
}

/** Remarks of a saturated row on its warm-up, and on the generations of files that ended with its window. */
export function steadinessRemarks(warmedUp: Steadiness, seen: Steadiness): string[] {
  const unsteady = unsteadyText(seen);
  return [...journalRemarks(warmedUp), ...(unsteady === null ? [] : [unsteady])];
}

function journalRemarks({ reusesPages }: Steadiness): string[] {
  if (reusesPages === null) return [];
  return [
    reusesPages
      ? 'the journal reused its pages when the warm-up ended'
      : 'the journal still grew when the warm-up ended, which is slower than reusing its pages',
  ];
}
