/**
 * A chunker dies for good (SIGKILL), its producer is ended in every journal, and a new chunker with a new folder joins
 * in its place. Proven by the exit of its pid and by what `stream-sum retire` says; over when the new one is ready, as
 * another producer. What becomes of the dead one's files is for the checkers (soak/FAULTS.md).
 */

import type { FaultAction, SeenExit, SeenReady, Sight } from './action.ts';
import type { FaultTarget, Retirement } from './target.ts';

export class Retire implements FaultAction {
  readonly #target: FaultTarget;
  readonly #retirement: Retirement;
  #pid: number | null = null;
  #isDead = false;
  #isHealing = false;
  #isUnderWay = false;
  /** How it was retired, in words; null: nobody has seen it. */
  #retired: string | null = null;
  #proof: Sight | null = null;
  #joined: Sight | null = null;

  constructor(target: FaultTarget, retirement: Retirement) {
    this.#target = target;
    this.#retirement = retirement;
  }

  inject(): void {
    this.#pid = this.#target.pid;
    this.#retirement.kill();
  }

  proven(nowNs: number): Sight | null {
    if (this.#retired !== null)
      this.#proof ??= { atNs: nowNs, saw: `exit signal SIGKILL of pid ${this.#pid}, ${this.#retired}` };
    return this.#proof;
  }

  heal(): void {
    this.#isHealing = true;
    if (!this.#isUnderWay && this.#retired === null) this.#retirement.comeBack();
  }

  /** Given up: somebody is there in its place, itself or a new one. */
  isOver(): boolean {
    return !this.#isUnderWay && this.#target.ready;
  }

  healed(): Sight | null {
    return this.#joined;
  }

  onExit({ name, pid, signal }: SeenExit): boolean {
    if (name !== this.#target.name || pid !== this.#pid || signal !== 'SIGKILL' || this.#isDead) return false;
    this.#isDead = true;
    if (!this.#isHealing) void this.#retire();
    return true;
  }

  onReady({ name, pid, producer, nowNs }: SeenReady): void {
    if (name !== this.#target.name || this.#retired === null || producer === this.#retirement.producer) return;
    this.#joined ??= { atNs: nowNs, saw: `pid ${pid} is ready as producer ${producer}` };
  }

  /** Nothing in it rejects. */
  async #retire(): Promise<void> {
    this.#isUnderWay = true;
    const retired = await this.#retirement.retire();
    this.#isUnderWay = false;
    // Nobody has seen that it was retired: then it is no more than a chunker that was killed.
    if (retired === null) return this.#retirement.comeBack();
    this.#retired = retired;
    this.#retirement.join();
  }
}
