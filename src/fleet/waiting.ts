/** Waits for a moment, or for a condition within a bound, on a clock that is handed in. */

import { type Clock, delay } from '../core/clock.ts';

const POLL_MS = 20;

/** A timer of Node holds at most 2^31 - 1 ms; longer waits are made of several. */
const TIMER_MS_MAX = 86_400_000;

/** Resolves at `atNs`, or when the signal is aborted. */
export async function sleepUntil(clock: Clock, atNs: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const leftMs = (atNs - clock.nowNs()) / 1e6;
    if (leftMs <= 0) return;
    await delay(clock, Math.min(Math.ceil(leftMs), TIMER_MS_MAX), signal);
  }
}

/** True once the condition holds; false after `timeoutMs`, or when the signal is aborted first. */
export async function until(
  condition: () => boolean,
  bound: { readonly clock: Clock; readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<boolean> {
  const { clock, timeoutMs, signal } = bound;
  const endNs = clock.nowNs() + timeoutMs * 1e6;
  for (;;) {
    if (condition()) return true;
    if (signal?.aborted === true || clock.nowNs() >= endNs) return false;
    await delay(clock, POLL_MS, signal);
  }
}
