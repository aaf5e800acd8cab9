/** Compares the expectations of a run with what was measured. An expectation that was not measured is not met. Pure. */

import { formatCount, formatDuration } from '../../src/core/units.ts';
import type { LatencyHistogram } from '../../src/measure/histogram.ts';
import type { FaultTally } from '../guarantee/fault-tallies.ts';
import type { Phase } from '../guarantee/phase.ts';
import { type Expectation, latencyOf } from './expectation.ts';
import { type PhaseOutcome, RATE_SECONDS_MIN } from './sampler.ts';

export type JudgedExpectation = Expectation & {
  readonly isMet: boolean;
  /** The measured value in the unit of the bound; null: it was not measured. */
  readonly value: number | null;
  /** The measured value in words. */
  readonly measured: string;
};

const OPERATORS: Readonly<Record<string, (measured: number, bound: number) => boolean>> = {
  '<': (measured, bound) => measured < bound,
  '<=': (measured, bound) => measured <= bound,
  '>': (measured, bound) => measured > bound,
  '>=': (measured, bound) => measured >= bound,
};

export type Measured = {
  readonly outcomes: ReadonlyMap<Phase, PhaseOutcome>;
  readonly faults: ReadonlyMap<string, FaultTally>;
  /** The time from injection to recovery in nanoseconds, by kind. */
  readonly recovery: ReadonlyMap<string, LatencyHistogram>;
};

type Value = { readonly value: number | null; readonly why: string };

export function judgeExpectations(expectations: readonly Expectation[], run: Measured): JudgedExpectation[] {
  return expectations.map((expectation) => {
    const { metric, operator, bound } = expectation;
    const { value, why } = measure(metric, run);
    const isMet = value !== null && OPERATORS[operator]?.(value, bound) === true;
    return { ...expectation, isMet, value, measured: value === null ? `not measured: ${why}` : inWords(metric, value) };
  });
}

function inWords(metric: string, value: number): string {
  return metric === 'rate' ? `${formatCount(value)} chunks/s` : formatDuration(value / 1e6);
}

/** `why`: the reason that it could not be measured. */
function measure(metric: string, run: Measured): Value {
  if (metric === 'rate') return measureRate(run);
  if (metric.startsWith('recovery')) return measureRecovery(metric.slice('recovery.'.length), run);
  const { phase, of } = latencyOf(metric) ?? { phase: 'steady', of: 'p50Ns' };
  const outcome = run.outcomes.get(phase);
  if (outcome === undefined || outcome.sum.count === 0) return { value: null, why: `no sum in the phase ${phase}` };
  // A greatest value means nothing when some samples are missing.
  const value = of === 'maxNs' && outcome.censoredSums > 0 ? null : outcome.sum[of];
  return { value, why: `the phase ${phase} has sums without a sample` };
}

function measureRate({ outcomes }: Measured): Value {
  const steady = outcomes.get('steady');
  if (steady === undefined || steady.window.seconds < RATE_SECONDS_MIN) {
    return { value: null, why: 'the phase steady was too short' };
  }
  return { value: steady.window.counts.chunksPublished / steady.window.seconds, why: '' };
}

/**
 * The longest recovery of those that no next fault overtook. A fault that was seen to hit and has not recovered takes
 * longer than any.
 */
function measureRecovery(kind: string, { faults, recovery }: Measured): Value {
  const asked = [...faults].filter(([name, { proven }]) => (kind === '' || name === kind) && proven > 0);
  if (asked.length === 0) return { value: null, why: `no fault${kind === '' ? '' : ` ${kind}`} hit` };
  const open = asked.find(([, { proven, recovered }]) => recovered < proven);
  if (open !== undefined) return { value: null, why: `a fault ${open[0]} has not recovered` };
  const own = asked.flatMap(([name]) => recovery.get(name)?.percentileNs(100) ?? []);
  if (own.length === 0) return { value: null, why: 'the next fault overtook each recovery' };
  return { value: Math.max(...own), why: '' };
}
