/**
 * What a user expects of a run in addition to its guarantee (`--expect`): bounds of latency, recovery and rate. They
 * decide the exit code of a run that holds, and never its verdict. Pure.
 *
 * | what | of |
 * | --- | --- |
 * | `p50`, `p90`, `p99`, `p99.9`, `p99.99`, `max` | sums of the phase steady; `faults.p99` of another phase |
 * | `recovery` | the longest recovery from any fault; `recovery.kill-broker` from those of one kind |
 * | `rate` | chunks a second that were published and acknowledged in the phase steady |
 */

import { UsageError } from '../../src/core/errors.ts';
import { parseDuration } from '../../src/core/units.ts';
import type { LatencySummary } from '../../src/measure/histogram.ts';
import { FAULT_KINDS } from '../guarantee/fault-kinds.ts';
import type { Phase } from '../guarantee/phase.ts';

const PERCENTILES: Readonly<Record<string, Exclude<keyof LatencySummary, 'count'>>> = {
  p50: 'p50Ns',
  p90: 'p90Ns',
  p99: 'p99Ns',
  'p99.9': 'p99_9Ns',
  'p99.99': 'p99_99Ns',
  max: 'maxNs',
};
/** Phases in which sums are verified. */
const PHASES: readonly Phase[] = ['warm-up', 'steady', 'faults', 'heal', 'drain'];

export type Expectation = {
  /** As it was typed. */
  readonly text: string;
  readonly metric: string;
  readonly operator: string;
  /** Nanoseconds, or chunks a second. */
  readonly bound: number;
};

const EXAMPLES = "'p99<50ms', 'recovery<2s' or 'rate>1900'";
const EXPECTATION = /^\s*(?<metric>[\w.-]+?)\s*(?<operator><=|>=|<|>)\s*(?<bound>\S+)\s*$/;

/** Throws a UsageError of one line. */
export function parseExpectation(text: string, option: string): Expectation {
  const { metric, operator, bound } = EXPECTATION.exec(text)?.groups ?? {};
  if (metric === undefined || operator === undefined || bound === undefined) {
    throw new UsageError(`${option} ${JSON.stringify(text)}: expected a bound such as ${EXAMPLES}`);
  }
  checkMetric(metric, text, option);
  return { text: text.trim(), metric, operator, bound: parseBound(metric, bound, `${option} ${JSON.stringify(text)}`) };
}

function checkMetric(metric: string, text: string, option: string): void {
  if (metric === 'rate' || metric === 'recovery') return;
  const kind = /^recovery\.(?<kind>.+)$/.exec(metric)?.groups?.['kind'];
  if (kind !== undefined) {
    if (FAULT_KINDS.some((known) => known === kind)) return;
    throw new UsageError(`${option} ${JSON.stringify(text)}: ${kind} is not a kind of fault, such as kill-broker`);
  }
  if (latencyOf(metric) !== null) return;
  const names = `${Object.keys(PERCENTILES).join(', ')}, recovery, rate`;
  throw new UsageError(
    `${option} ${JSON.stringify(text)}: expected one of ${names}; a phase may stand before a latency: faults.p99`,
  );
}

/** A number with a unit of time; for a rate without a unit. */
function parseBound(metric: string, bound: string, option: string): number {
  if (metric !== 'rate') return parseDuration(bound, option) * 1e6;
  const value = /^\d+(?:\.\d+)?$/.test(bound) ? Number(bound) : Number.NaN;
  if (!Number.isFinite(value)) throw new UsageError(`${option}: expected chunks a second, such as 1900`);
  return value;
}

/** The phase and the percentile that a metric names; null: it is not a latency. */
export function latencyOf(
  metric: string,
): { readonly phase: Phase; readonly of: Exclude<keyof LatencySummary, 'count'> } | null {
  const phase = PHASES.find((known) => metric.startsWith(`${known}.`)) ?? null;
  const name = phase === null ? metric : metric.slice(phase.length + 1);
  const of = Object.hasOwn(PERCENTILES, name) ? PERCENTILES[name] : undefined;
  return of === undefined ? null : { phase: phase ?? 'steady', of };
}
