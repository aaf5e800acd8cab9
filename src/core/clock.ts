/**
 * Time as an argument. Protocol logic never asks the system for the time: it is handed a `Clock`, so that a whole run
 * can use a virtual clock.
 */

/** A timer that was set and can be cleared. */
export type Timer = { clear(): void };

export interface Clock {
  /**
   * Monotonic nanoseconds (CLOCK_MONOTONIC), comparable between processes of one machine and one boot. The double is
   * exact to the nanosecond for 104 days of uptime, and to a few nanoseconds after that.
   */
  nowNs(): number;
  /** Calls once, not before `delayMs` have passed. The timer keeps the process alive. */
  after(delayMs: number, call: () => void): Timer;
  /** Calls once, as soon as everything that has already arrived is handled. */
  soon(call: () => void): void;
}

/** The machine's clock. */
export const systemClock: Clock = {
  nowNs: () => Number(process.hrtime.bigint()),
  after(delayMs, call) {
    const handle = setTimeout(call, delayMs);
    return { clear: () => clearTimeout(handle) };
  },
  soon: (call) => {
    setImmediate(call);
  },
};

/** Resolves after `delayMs`, or at once when the signal is aborted. */
export function delay(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      timer.clear();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.after(delayMs, done);
    signal?.addEventListener('abort', done, { once: true });
  });
}

/** The promise, or a rejection with the error of `late` when it has not settled within `limitMs`. */
export function inTime<T>(
  promise: Promise<T>,
  { clock, limitMs, late }: { clock: Clock; limitMs: number; late: () => Error },
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(limitMs, () => reject(late()));
    promise.then(resolve, reject).finally(() => timer.clear());
  });
}
