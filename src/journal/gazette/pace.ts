/**
 * Keeps calls apart that could follow each other at once, so that what comes meanwhile goes with the next one. A call
 * costs a client, brokers and etcd as much as thousands of records do. The slower calls are, the farther apart they
 * begin: calls are slow on a machine that has too many of them. A call that carries much is followed later still. The
 * first call after a while waits for nothing, and so does one for which enough waits (`hurry`).
 */

import { type Clock, delay } from '../../core/clock.ts';

/** From the begin of a call to the begin of the next, in calls as long as the last one. */
const APART = 4;
/** The least and the most of that time, and what it is behind a call that carried much. */
const APART_MS = { least: 10, most: 50, behindMuch: 150 } as const;
/** So many bytes are much for one call. */
const MUCH_BYTES = 64 * 1024;

export class Pace {
  readonly #clock: Clock;
  #nextNs = Number.NEGATIVE_INFINITY;
  #waiting: AbortController | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when the next call is due. One wait at a time. */
  async due(signal: AbortSignal): Promise<void> {
    const leftMs = (this.#nextNs - this.#clock.nowNs()) / 1e6;
    if (leftMs <= 0 || signal.aborted) return;
    const waiting = new AbortController();
    this.#waiting = waiting;
    const stop = (): void => waiting.abort();
    signal.addEventListener('abort', stop, { once: true });
    await delay(this.#clock, leftMs, waiting.signal);
    signal.removeEventListener('abort', stop);
    this.#waiting = null;
  }

  /** Whoever waits for the next call waits no longer. */
  hurry(): void {
    this.#waiting?.abort();
  }

  /** Makes the call, due or not, for so many bytes. Rejects as it does. */
  async call<T>(bytes: number, call: () => Promise<T>): Promise<T> {
    const begunNs = this.#clock.nowNs();
    try {
      return await call();
    } finally {
      const callMs = (this.#clock.nowNs() - begunNs) / 1e6;
      const apartMs = Math.min(Math.max(APART * callMs, APART_MS.least), APART_MS.most);
      this.#nextNs = begunNs + (bytes >= MUCH_BYTES ? APART_MS.behindMuch : apartMs) * 1e6;
    }
  }
}
