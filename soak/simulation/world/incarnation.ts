/**
 * One incarnation of a simulated process, from its start to its end. Everything that reaches its code comes through
 * `enter`, and everything that its code asks of the world counts as a call, so the incarnation can be stopped, or die,
 * at any of them. After its end, the rest of it in memory runs on and reaches nobody.
 *
 * When a stopped process goes on, its due timers fire before its sockets are read, as in Node.
 */

import type { Clock, Timer } from '../../../src/core/clock.ts';
import type { Kernel } from './kernel.ts';
import type { Reason } from './reason.ts';

/** `exitCode` null: the process was killed. */
export type IncarnationEnd = { readonly exitCode: number | null; readonly error: unknown };

/** What a stopped process does when it goes on, and why. */
type Waiting = { readonly call: () => void; readonly reason: Reason; readonly from: number };

export class Incarnation {
  readonly name: string;
  /** Counted from 1. */
  readonly number: number;
  readonly clock: Clock;
  readonly #kernel: Kernel;
  readonly #onEnd: (end: IncarnationEnd) => void;
  readonly #timer: Reason;
  #isOver = false;
  #isPaused = false;
  #callsLeft = Number.POSITIVE_INFINITY;
  #calls = 0;
  readonly #whenOver: ((end: IncarnationEnd) => void)[] = [];
  #timersDue: Waiting[] = [];
  #arrived: Waiting[] = [];
  /** Why it dies in a later call. */
  #doom: Pick<Waiting, 'reason' | 'from'> | null = null;

  /** `onError` gets the errors of its code; `onEnd` is called once. */
  constructor(options: {
    readonly name: string;
    readonly number: number;
    readonly kernel: Kernel;
    readonly onError: (error: unknown) => void;
    readonly onEnd: (end: IncarnationEnd) => void;
  }) {
    this.name = options.name;
    this.number = options.number;
    this.#kernel = options.kernel;
    this.#timer = { kind: 'timer', process: options.name };
    this.#onEnd = options.onEnd;
    this.#onError = options.onError;
    this.clock = {
      nowNs: () => this.#kernel.nowNs,
      after: (delayMs, call) => this.#after(delayMs, call),
      soon: (call) => void this.#after(0, call),
    };
  }

  readonly #onError: (error: unknown) => void;

  get isOver(): boolean {
    return this.#isOver;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** How many requests it has made of the world so far. */
  get calls(): number {
    return this.#calls;
  }

  /** Whether a request of it now takes place: it may be dead, or die of this very call. */
  isAlive(): boolean {
    if (this.#isOver) return false;
    this.#calls += 1;
    this.#callsLeft -= 1;
    if (this.#callsLeft > 0) return true;
    const { reason, from } = this.#doom ?? this.#kernel;
    this.#kernel.because(reason, from, () => this.kill());
    return false;
  }

  /** Calls back when it has ended, after its keeper has acted. */
  onceOver(call: (end: IncarnationEnd) => void): void {
    this.#whenOver.push(call);
  }

  /** A socket or the disk has something for it. */
  enter(call: () => void): void {
    if (this.#isOver) return;
    if (this.#isPaused) this.#arrived.push(this.#waiting(call));
    else this.#run(call);
  }

  /** Ends in its n-th call from now, before that call takes effect. */
  killAtCall(n: number): void {
    this.#callsLeft = n;
    const { reason, from } = this.#kernel;
    this.#doom = { reason, from };
  }

  kill(): void {
    this.#end({ exitCode: null, error: null });
  }

  exit(exitCode: number, error: unknown = null): void {
    this.#end({ exitCode, error });
  }

  pause(): void {
    this.#isPaused = true;
  }

  /** Returns how many calls were waiting. */
  resume(): number {
    if (!this.#isPaused) return 0;
    this.#isPaused = false;
    const waiting = [...this.#timersDue, ...this.#arrived];
    this.#timersDue = [];
    this.#arrived = [];
    for (const { call, reason, from } of waiting) {
      this.#kernel.because(reason, from, () => this.#kernel.after(0, () => this.enter(call)));
    }
    return waiting.length;
  }

  #end(end: IncarnationEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timersDue = [];
    this.#arrived = [];
    this.#onEnd(end);
    for (const call of this.#whenOver.splice(0)) call(end);
  }

  #after(delayMs: number, call: () => void): Timer {
    if (!this.isAlive()) return { clear: () => {} };
    let isCleared = false;
    const fire = (): void => {
      if (!isCleared) this.#run(call);
    };
    const entry = this.#kernel.after(
      delayMs * 1e6,
      () => {
        if (this.#isOver) return;
        if (this.#isPaused) this.#timersDue.push(this.#waiting(fire));
        else fire();
      },
      this.#timer,
    );
    return {
      clear: () => {
        isCleared = true;
        this.#kernel.cancel(entry);
      },
    };
  }

  #waiting(call: () => void): Waiting {
    const { reason, from } = this.#kernel;
    return { call, reason, from };
  }

  #run(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#onError(error);
    }
  }
}
