/**
 * What ends a soak early: the user, in two steps, or something after which the run cannot go on. It keeps the two
 * signals that all phases wait on, and knows afterwards how far the user went.
 */

import type { Clock, Timer } from '../../src/core/clock.ts';
import type { InterruptSignal } from '../../src/fleet/interrupt.ts';
import type { Display } from './display.ts';

/** A service manager waits for some seconds between SIGTERM and SIGKILL. */
const TERMINATED_MS = 5_000;

/** How the user ended the run. */
export type Interrupted = 'drained' | 'at once';

export class Interruption {
  readonly #clock: Clock;
  readonly #display: Pick<Display, 'say'>;
  readonly #onInterrupted: (how: Interrupted) => void;
  readonly #halt: AbortController = new AbortController();
  readonly #hurry: AbortController = new AbortController();
  /** Ends the timed phases early. */
  readonly early: AbortSignal = AbortSignal.any([this.#halt.signal, this.#hurry.signal]);
  #count = 0;
  /** Ends the run at once when the drain of a terminated run takes too long. */
  #patience: Timer | null = null;

  constructor(options: {
    readonly clock: Clock;
    readonly display: Pick<Display, 'say'>;
    readonly onInterrupted?: (how: Interrupted) => void;
  }) {
    this.#clock = options.clock;
    this.#display = options.display;
    this.#onInterrupted = options.onInterrupted ?? (() => undefined);
  }

  /** Ends the run at once. */
  get halted(): AbortSignal {
    return this.#halt.signal;
  }

  /** How the user ended the run, if at all. A run that halts for another reason was not interrupted. */
  get kind(): 'no' | Interrupted {
    if (this.#count === 0) return 'no';
    return this.#count === 1 ? 'drained' : 'at once';
  }

  /**
   * The user wants to end: the first time with a drain and a verdict, the second time at once. After a SIGTERM a
   * SIGKILL comes soon, so the drain may then take only seconds.
   */
  interrupt(signal: InterruptSignal): void {
    this.#count += 1;
    this.#onInterrupted(this.#count === 1 ? 'drained' : 'at once');
    if (this.#count > 1) return this.halt();
    if (signal === 'SIGTERM') {
      this.#patience = this.#clock.after(TERMINATED_MS, () => {
        this.#count += 1;
        this.#onInterrupted('at once');
        this.halt();
      });
      this.#display.say(`terminated: draining for at most ${TERMINATED_MS / 1e3} s, then the verdict`);
    } else this.#display.say('interrupted: draining, then the verdict; once more to stop at once');
    this.#hurry.abort();
  }

  /** Ends the run at once, for whatever reason. */
  halt(): void {
    this.#halt.abort();
  }

  /** The run is over: nothing is timed any more. */
  close(): void {
    this.#patience?.clear();
  }
}
