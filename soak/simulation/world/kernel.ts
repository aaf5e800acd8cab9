/**
 * Virtual time: one queue of events, ordered by time and then by the order of asking. Between two events every resolved
 * promise has been handled, so a run depends only on the order of this queue.
 *
 * `process.nextTick` from a microtask runs when no microtask is left. That drains the microtasks at a tenth of the cost
 * of `setImmediate`.
 */

import { START_OF_ALL, type Reason } from './reason.ts';

/** Something that was asked for and can be taken back. */
export type Entry = {
  readonly atNs: number;
  readonly order: number;
  /** Why it takes place, and the number of the last event of the history that led to it; 0: no event did. */
  readonly reason: Reason;
  readonly from: number;
  call: (() => void) | null;
};

export class Kernel {
  /** Settles when no kernel of this thread runs, so a stray error belongs to the kernel that runs. */
  static #turn: Promise<unknown> = Promise.resolve();
  #nowNs: number;
  #asked = 0;
  #events = 0;
  /** Why the present event takes place. */
  reason: Reason = START_OF_ALL;
  /** Number of the last event of the history that led to the present one; 0: no event did. */
  from = 0;
  /** A binary heap: the earliest entry is at the front. */
  readonly #heap: Entry[] = [];
  readonly #onStray: (error: unknown) => void;

  /** `onStray` gets errors that no caller can catch, such as those of a microtask. */
  constructor(startNs: number, onStray: (error: unknown) => void) {
    this.#nowNs = startNs;
    this.#onStray = onStray;
  }

  get nowNs(): number {
    return this.#nowNs;
  }

  /** The number of events that took place. */
  get events(): number {
    return this.#events;
  }

  /** `reason`: why it will take place; absent: for the reason of the present event, which it continues. */
  after(delayNs: number, call: () => void, reason: Reason = this.reason): Entry {
    const atNs = this.#nowNs + Math.max(0, Math.round(delayNs));
    const entry: Entry = { atNs, order: this.#asked, reason, from: this.from, call };
    this.#asked += 1;
    this.#push(entry);
    return entry;
  }

  /** The entry will not take place, if it has not yet. */
  cancel(entry: Entry): void {
    entry.call = null;
  }

  /** Calls at once, for another reason than that of the present event. */
  because(reason: Reason, from: number, call: () => void): void {
    const { reason: before, from: fromBefore } = this;
    this.reason = reason;
    this.from = from;
    try {
      call();
    } finally {
      this.reason = before;
      this.from = fromBefore;
    }
  }

  /**
   * Lets events take place until `isOver()`, or until none is left. Rejects with the error of an event. One kernel at a
   * time.
   */
  run(isOver: () => boolean): Promise<void> {
    const done = Kernel.#turn.then(() => this.#run(isOver));
    Kernel.#turn = done.catch(() => undefined);
    return done;
  }

  async #run(isOver: () => boolean): Promise<void> {
    const release = this.#catchStrays();
    try {
      await this.#runEvents(isOver);
      // Node reports unhandled rejections when no event is left for this turn.
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      release();
    }
  }

  #runEvents(isOver: () => boolean): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const again = (): void => process.nextTick(step);
      const step = (): void => {
        try {
          if (isOver() || !this.#next()) return resolve();
        } catch (error) {
          return reject(error);
        }
        queueMicrotask(again);
      };
      again();
    });
  }

  /** While this is active, no other listener gets them. Returns a function that ends it. */
  #catchStrays(): () => void {
    const others = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection');
    process.on('unhandledRejection', this.#onStray);
    process.setUncaughtExceptionCaptureCallback(this.#onStray);
    return () => {
      process.setUncaughtExceptionCaptureCallback(null);
      process.off('unhandledRejection', this.#onStray);
      for (const listener of others) process.on('unhandledRejection', listener);
    };
  }

  #next(): boolean {
    for (let entry = this.#pop(); entry !== undefined; entry = this.#pop()) {
      if (entry.call === null) continue;
      this.#nowNs = entry.atNs;
      this.#events += 1;
      this.reason = entry.reason;
      this.from = entry.from;
      entry.call();
      return true;
    }
    return false;
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, entry)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): Entry | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || first === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      const left = heap[child];
      if (left === undefined) break;
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, left)) child += 1;
      const below = heap[child];
      if (below === undefined || isBefore(last, below)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.atNs < b.atNs || (a.atNs === b.atNs && a.order < b.order);
}
