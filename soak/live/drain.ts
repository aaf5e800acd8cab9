/** How long a drain is waited for: as long as something moves, and never beyond its bound. */

import type { Clock } from '../../src/core/clock.ts';
import { formatDuration } from '../../src/core/units.ts';
import { until } from '../../src/fleet/waiting.ts';

/** Resolves with null when the drain is over or the signal has aborted, otherwise with the reason for giving it up. */
export async function untilDrained(drain: {
  readonly isOver: () => boolean;
  /** A number that changes with everything that brings the drain nearer to its end. */
  readonly progress: () => number;
  readonly clock: Clock;
  /** Without any progress for so long the drain is given up. */
  readonly stallMs: number;
  readonly drainMsMax: number;
  readonly signal: AbortSignal;
}): Promise<string | null> {
  const { isOver, progress, clock, stallMs, drainMsMax, signal } = drain;
  const endNs = clock.nowNs() + drainMsMax * 1e6;
  for (;;) {
    if (isOver() || signal.aborted) return null;
    const before = progress();
    const leftMs = (endNs - clock.nowNs()) / 1e6;
    if (leftMs <= 0) return `it was given up after ${formatDuration(drainMsMax)}`;
    const timeoutMs = Math.min(stallMs, leftMs);
    const moved = await until(() => isOver() || progress() !== before, { clock, timeoutMs, signal });
    if (!moved && !signal.aborted && clock.nowNs() < endNs) return `nothing moved for ${formatDuration(stallMs)}`;
  }
}
