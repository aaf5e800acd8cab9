/**
 * Notices when this process did not run although it should have, by a timer that is due every 50 ms and came late.
 * Everything else on the machine is then late too, so a run can say of a late sum whether the host stood still.
 */

import type { Clock, Timer } from '../../src/core/clock.ts';

const LOOK_MS = 50;
/** A timer that is late by less than this does not count. */
export const OWN_DELAY_MS_MIN: number = 200;

/** The process did not run from `fromNs` until now, and used this much processor time meanwhile. */
export type OwnDelay = { readonly fromNs: number; readonly cpuNs: number };

export class OwnDelays {
  readonly #clock: Clock;
  readonly #cpuNs: () => number;
  readonly #onDelay: (delay: OwnDelay) => void;
  #timer: Timer | null = null;
  #dueNs = 0;
  #cpuBeforeNs = 0;

  /** `cpuNs`: the processor time of this process so far. */
  constructor(options: {
    readonly clock: Clock;
    readonly onDelay: (delay: OwnDelay) => void;
    readonly cpuNs?: () => number;
  }) {
    this.#clock = options.clock;
    this.#onDelay = options.onDelay;
    this.#cpuNs = options.cpuNs ?? cpuOfThisProcess;
  }

  /** Begins to look. */
  start(): void {
    this.#dueNs = this.#clock.nowNs() + LOOK_MS * 1e6;
    this.#cpuBeforeNs = this.#cpuNs();
    this.#timer = this.#clock.after(LOOK_MS, () => this.#look());
  }

  close(): void {
    this.#timer?.clear();
    this.#timer = null;
  }

  #look(): void {
    const [fromNs, nowNs, cpuNs] = [this.#dueNs, this.#clock.nowNs(), this.#cpuNs() - this.#cpuBeforeNs];
    if (nowNs - fromNs >= OWN_DELAY_MS_MIN * 1e6) this.#onDelay({ fromNs, cpuNs: Math.min(cpuNs, nowNs - fromNs) });
    if (this.#timer !== null) this.start();
  }
}

function cpuOfThisProcess(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1e3;
}
