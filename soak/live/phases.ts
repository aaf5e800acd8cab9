/** The phases of a soak and how long each lasts, from the options alone. */

import { assert } from '../../src/core/assert.ts';
import type { Phase } from '../guarantee/phase.ts';

/** A phase with a duration; drain and audit last until they are done. */
export type TimedPhase = { readonly phase: Phase; readonly durationMs: number };

/** The longest warm-up and heal of a long run. */
const EDGE_MS_MAX = 20_000;
/** The longest steady phase of a long run with faults: enough for stable percentiles. */
const STEADY_MS_MAX = 120_000;

/**
 * With faults: a tenth each for warm-up, steady and heal, bounded, and the rest for faults. Without: a tenth for
 * warm-up, bounded, and the rest is steady. The durations add up to `durationMs`.
 */
export function timedPhases(options: {
  readonly durationMs: number;
  readonly faults: readonly unknown[];
}): TimedPhase[] {
  const { durationMs } = options;
  assert(durationMs > 0, 'a run has a duration');
  const tenthMs = durationMs / 10;
  const edgeMs = Math.min(tenthMs, EDGE_MS_MAX);
  if (options.faults.length === 0) {
    return [
      { phase: 'warm-up', durationMs: edgeMs },
      { phase: 'steady', durationMs: durationMs - edgeMs },
    ];
  }
  const steadyMs = Math.min(tenthMs, STEADY_MS_MAX);
  return [
    { phase: 'warm-up', durationMs: edgeMs },
    { phase: 'steady', durationMs: steadyMs },
    { phase: 'faults', durationMs: durationMs - 2 * edgeMs - steadyMs },
    { phase: 'heal', durationMs: edgeMs },
  ];
}
