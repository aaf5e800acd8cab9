/** The user's wish to end a command. */

import type { EventEmitter } from 'node:events';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** One Ctrl-C can arrive more than once: from the terminal, and from npm, which hands it on. */
const REPEAT_MS = 500;

/**
 * Calls for each Ctrl-C, a service manager's SIGTERM, and a terminal that is closed: all ask for the same. Returns what
 * undoes it.
 */
export function onInterrupt(
  interrupt: () => void,
  source: EventEmitter = process,
  nowMs: () => number = () => performance.now(),
): () => void {
  let lastMs = Number.NEGATIVE_INFINITY;
  const listener = (): void => {
    const atMs = nowMs();
    if (atMs - lastMs >= REPEAT_MS) interrupt();
    lastMs = atMs;
  };
  for (const signal of SIGNALS) source.on(signal, listener);
  return () => {
    for (const signal of SIGNALS) source.off(signal, listener);
  };
}
