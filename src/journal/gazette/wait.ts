/** A wait for the cluster that is not silent: the log says what is waited for, and why, from the fifth second on. */

import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';

/** Without an answer for so long it is said for the first time. */
const SAID_MS = 5_000;
/** It is said again after so long. */
const AGAIN_MS = 30_000;
/** Refusals by code 2 (UNKNOWN) in a row, without another answer in between, that end a request. */
const REFUSALS = 3;

export type WaitOptions = {
  readonly clock: Clock;
  readonly log: Log | undefined;
  /** `a barrier in sums`: stands in the line, and in the error. */
  readonly what: string;
};

export class Wait {
  readonly #options: WaitOptions;
  #sinceNs: number | null = null;
  #saidNs: number | null = null;
  #refusals = 0;

  constructor(options: WaitOptions) {
    this.#options = options;
  }

  /** One more try has failed. */
  failed(why: string): void {
    const { clock, log, what } = this.#options;
    const nowNs = clock.nowNs();
    this.#sinceNs ??= nowNs;
    const isDue =
      this.#saidNs === null ? nowNs - this.#sinceNs >= SAID_MS * 1e6 : nowNs - this.#saidNs >= AGAIN_MS * 1e6;
    if (!isDue) return;
    this.#saidNs = nowNs;
    const seconds = Math.round((nowNs - this.#sinceNs) / 1e9);
    log?.warn({ why, seconds }, `the cluster has not answered ${what} for ${seconds} s`);
  }

  /**
   * Takes whether a try was refused by code 2. That is how brokers answer what is not valid, and may answer once while
   * they change. True: it was refused so often that it never will succeed.
   */
  refused(isRefused: boolean): boolean {
    this.#refusals = isRefused ? this.#refusals + 1 : 0;
    return this.#refusals >= REFUSALS;
  }

  /** It was answered. What was said to fail is said to go on. */
  over(): void {
    if (this.#saidNs !== null) this.#options.log?.info({}, `the cluster answers ${this.#options.what} again`);
    this.#sinceNs = null;
    this.#saidNs = null;
    this.#refusals = 0;
  }
}
