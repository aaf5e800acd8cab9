/**
 * Keeps calls apart that could follow each other at once, so that what comes meanwhile goes with the next one. A call
 * costs a client, brokers and etcd as much as thousands of records do. The slower calls are, the farther apart they
 * begin: calls are slow on a machine that has too many of them. The first call after a while waits for nothing.
 */

import { type Clock, delay } from '../../core/clock.ts';

/** From the begin of a call to the begin of the next, in calls as long as the last one. */
const APART = 4;
/** The least and the most of that time. */
const APART_MS = { least: 10, most: 50 } as const;

export class Pace {
  readonly #clock: Clock;
  #nextNs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when the next call is due. */
  async due(signal: AbortSignal): Promise<void> {
    const leftMs = (this.#nextNs - this.#clock.nowNs()) / 1e6;
    if (leftMs > 0) await delay(this.#clock, leftMs, signal);
  }

  /** Makes the call, due or not. Rejects as it does. */
  async call<T>(call: () => Promise<T>): Promise<T> {
    const begunNs = this.#clock.nowNs();
    try {
      return await call();
    } finally {
      const callMs = (this.#clock.nowNs() - begunNs) / 1e6;
      this.#nextNs = begunNs + Math.min(Math.max(APART * callMs, APART_MS.least), APART_MS.most) * 1e6;
    }
  }
}
