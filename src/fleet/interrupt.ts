/** The user's wish to end a command. */

import type { EventEmitter } from 'node:events';

export type InterruptSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';
const SIGNALS: readonly InterruptSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
/** One Ctrl-C can arrive more than once: from the terminal, and from npm, which forwards it. */
const REPEAT_MS = 500;

/**
 * Calls back with the signal for each Ctrl-C, for a service manager's SIGTERM, and when the terminal is closed. Returns
 * a function that undoes it.
 */
export function onInterrupt(
  interrupt: (signal: InterruptSignal) => void,
  source: EventEmitter = process,
  nowMs: () => number = () => performance.now(),
): () => void {
  let lastMs = Number.NEGATIVE_INFINITY;
  const listener = (signal: InterruptSignal): void => {
    const atMs = nowMs();
    if (atMs - lastMs >= REPEAT_MS) interrupt(signal);
    lastMs = atMs;
  };
  for (const signal of SIGNALS) source.on(signal, listener);
  return () => {
    for (const signal of SIGNALS) source.off(signal, listener);
  };
}
