/**
 * A clock that a test moves. Between two moves, all resolved promises and all calls of `soon` are handled. Timers fire
 * in the order of their times; timers of one time fire in the order in which they were set.
 */

import { assert } from '../assert.ts';
import type { Clock, Timer } from '../clock.ts';

type Alarm = { readonly atNs: number; readonly call: () => void };

export class ManualClock implements Clock {
  #nowNs: number;
  #alarms: Alarm[] = [];
  #soon: (() => void)[] = [];

  constructor(startNs: number = 1e9) {
    this.#nowNs = startNs;
  }

  /** Timers that are set. */
  get timers(): number {
    return this.#alarms.length;
  }

  nowNs(): number {
    return this.#nowNs;
  }

  after(delayMs: number, call: () => void): Timer {
    const alarm = { atNs: this.#nowNs + delayMs * 1e6, call };
    const at = this.#alarms.findIndex(({ atNs }) => atNs > alarm.atNs);
    this.#alarms.splice(at < 0 ? this.#alarms.length : at, 0, alarm);
    return {
      clear: () => {
        this.#alarms = this.#alarms.filter((other) => other !== alarm);
      },
    };
  }

  soon(call: () => void): void {
    this.#soon.push(call);
  }

  /** Handles everything that needs no time to pass. */
  async settle(): Promise<void> {
    await turn();
    while (this.#soon.length > 0) {
      for (const call of this.#soon.splice(0)) call();
      await turn();
    }
  }

  /** Lets time pass while every process is stopped: no timer fires before the next move. */
  jump(delayMs: number): void {
    this.#nowNs += delayMs * 1e6;
  }

  /** Lets time pass, and fires each timer at its time. */
  async advance(delayMs: number): Promise<void> {
    const endNs = this.#nowNs + delayMs * 1e6;
    await this.settle();
    while (await this.#next(endNs));
    this.#nowNs = Math.max(this.#nowNs, endNs);
    await this.settle();
  }

  /** Lets time pass until `isSo()`; throws when that takes more than `limitMs`. */
  async until(isSo: () => boolean, limitMs: number = 120_000): Promise<void> {
    const endNs = this.#nowNs + limitMs * 1e6;
    await this.settle();
    while (!isSo()) assert(await this.#next(endNs), `it did not happen in ${limitMs} ms: ${isSo.toString()}`);
  }

  async #next(endNs: number): Promise<boolean> {
    const alarm = this.#alarms[0];
    if (alarm === undefined || alarm.atNs > endNs) return false;
    this.#alarms.shift();
    this.#nowNs = Math.max(this.#nowNs, alarm.atNs);
    alarm.call();
    await this.settle();
    return true;
  }
}

/** Resolves when every promise that is resolved now has been handled. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Moves the clock until the promise has settled. */
export async function settled<T>(clock: ManualClock, promise: Promise<T>): Promise<T> {
  let isDone = false;
  const done = (): void => {
    isDone = true;
  };
  promise.then(done, done);
  await clock.until(() => isDone);
  return await promise;
}
