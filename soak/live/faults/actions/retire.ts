/**
 * A chunker dies for good (SIGKILL), its producer is ended in every journal, and a new chunker with a new folder takes
 * its place. The proof is the exit of its pid and the output of `stream-sum retire`. The fault is over when the new
 * chunker is ready as another producer. The checkers judge the files of the dead one (soak/FAULTS.md).
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
  /** How it was retired, in words; null: that was not seen. */
  #retired: string | null = null;
  #proof: Sight | null = null;
  #joined: Sight | null = null;
  /** An error of the harness meanwhile; it is thrown to whoever asks next. */
  #error: unknown = null;

  constructor(target: FaultTarget, retirement: Retirement) {
    this.#target = target;
    this.#retirement = retirement;
  }

  inject(): void {
    this.#pid = this.#target.pid;
    this.#retirement.kill();
  }

  proven(nowNs: number): Sight | null {
    this.#check();
    if (this.#retired !== null)
      this.#proof ??= { atNs: nowNs, saw: `exit signal SIGKILL of pid ${this.#pid}, ${this.#retired}` };
    return this.#proof;
  }

  heal(): void {
    this.#isHealing = true;
    if (!this.#isUnderWay && this.#retired === null) this.#retirement.comeBack();
  }

  /** Given up: a chunker is there in its place, the old one or a new one. */
  isOver(): boolean {
    this.#check();
    return !this.#isUnderWay && this.#target.ready;
  }

  healed(): Sight | null {
    return this.#joined;
  }

  onExit({ name, pid, signal }: SeenExit): boolean {
    if (name !== this.#target.name || pid !== this.#pid || signal !== 'SIGKILL' || this.#isDead) return false;
    this.#isDead = true;
    if (!this.#isHealing) void this.#retire().catch((error: unknown) => (this.#error ??= error));
    return true;
  }

  #check(): void {
    if (this.#error !== null) throw this.#error;
  }

  onReady({ name, pid, producer, nowNs }: SeenReady): void {
    if (name !== this.#target.name || this.#retired === null || producer === this.#retirement.producer) return;
    this.#joined ??= { atNs: nowNs, saw: `pid ${pid} is ready as producer ${producer}` };
  }

  async #retire(): Promise<void> {
    this.#isUnderWay = true;
    const retired = await this.#retirement.retire();
    this.#isUnderWay = false;
    // The retirement was not seen, so the chunker was only killed.
    if (retired === null) return this.#retirement.comeBack();
    this.#retired = retired;
    this.#retirement.join();
  }
}
