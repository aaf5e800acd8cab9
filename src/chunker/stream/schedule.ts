/**
 * The open-loop schedule: step `n` is intended at `anchor + n / rate`, whatever the system does. A generator that was
 * blocked or dead catches up, and the latency of late records counts from their intended times.
 *
 * Without a rate everything is due at once, and is intended when it is generated.
 *
 * Rule P-STREAM-2 of docs/protocol.md.
 */

/** The resolution of Node's timers; a shorter wait would not wait at all. */
const WAIT_MS_MIN = 1;

/**
 * Steps that are reserved ahead of the generator: a part of a second at the highest rate, some seconds on a schedule. A
 * killed chunker that is told to drain ends no earlier than its predecessor's reservation.
 */
const RESERVED_STEPS_MIN = 64;
const RESERVED_STEPS_MAX = 512 * 1024;
const RESERVED_SECONDS = 2;

/** How many steps are reserved at a time; `rate` in steps a second, or null. */
export function stepsToReserve(rate: number | null): number {
  const wanted = rate === null ? RESERVED_STEPS_MAX : rate * RESERVED_SECONDS;
  return Math.ceil(Math.min(RESERVED_STEPS_MAX, Math.max(RESERVED_STEPS_MIN, wanted)));
}

export class Schedule {
  readonly #intervalNs: number | null;
  readonly #anchorNs: number;

  constructor(options: { rate: number | null; anchorNs: number }) {
    this.#intervalNs = options.rate === null ? null : 1e9 / options.rate;
    this.#anchorNs = options.anchorNs;
  }

  /** The anchor by which this step is due now, for a schedule that begins or goes on after a stop. */
  static anchorAt(rate: number | null, step: number, nowNs: number): number {
    return rate === null ? nowNs : nowNs - (step * 1e9) / rate;
  }

  get isPaced(): boolean {
    return this.#intervalNs !== null;
  }

  /** Steps that should have been taken by now. */
  dueSteps(nowNs: number): number {
    if (this.#intervalNs === null) return Number.POSITIVE_INFINITY;
    return Math.floor((nowNs - this.#anchorNs) / this.#intervalNs) + 1;
  }

  intendedNs(step: number, nowNs: number): number {
    return this.#intervalNs === null ? nowNs : this.#anchorNs + step * this.#intervalNs;
  }

  /** How long to wait for the next step. */
  waitMs(step: number, nowNs: number): number {
    return Math.max(WAIT_MS_MIN, (this.intendedNs(step, nowNs) - nowNs) / 1e6);
  }
}
