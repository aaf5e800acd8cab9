/**
 * A summer's shards go to a successor (`summer --take-over`), from an owner that runs, is stopped or is dead. Proven
 * when the successor is ready and says that it owns all of the shards, while a stopped owner is still stopped. Then the
 * old owner wakes, or is started again. Over when the old owner has ended with exit 12. The checkers find any trace
 * that it leaves.
 */

import { EXIT } from '../../../../src/core/errors.ts';
import type { FaultAction, SeenExit, SeenReady, Sight } from './action.ts';
import type { FaultTarget, Handover } from './target.ts';

/** The state of the old owner when its successor comes. */
export type OldOwner = 'running' | 'paused' | 'dead';

/** A stopped owner is continued after this time, whatever its successor does. */
const PAUSE_LIMIT_MS = 60_000;
const STOPPED = 'T';

export class Takeover implements FaultAction {
  /** The owner that is replaced. As long as this fault is open, its name is the name of the plan. */
  readonly #target: FaultTarget;
  readonly #old: OldOwner;
  readonly #handover: Handover;
  readonly #isElsewhere: boolean;
  #oldPid: number | null = null;
  #isTaking = false;
  #isHealing = false;
  #hasSuccessor = false;
  #proof: Sight | null = null;
  #replaced: Sight | null = null;

  /** `isElsewhere`: proven only by a successor that does not find the folder of the old owner. */
  constructor(
    target: FaultTarget,
    of: { readonly old: OldOwner; readonly handover: Handover; readonly isElsewhere?: boolean },
  ) {
    this.#isElsewhere = of.isElsewhere ?? false;
    this.#target = target;
    this.#old = of.old;
    this.#handover = of.handover;
  }

  inject(): void {
    this.#oldPid = this.#target.pid;
    if (this.#old === 'running') this.#take();
    else if (this.#old === 'paused') this.#target.pause(PAUSE_LIMIT_MS);
    else this.#handover.killOld();
  }

  /** A stopped owner is replaced once it is seen to be stopped. */
  proven(): Sight | null {
    if (this.#old === 'paused' && !this.#isTaking && this.#target.state === STOPPED) this.#take();
    return this.#proof;
  }

  heal(): void {
    this.#isHealing = true;
    if (this.#old === 'paused') this.#target.resume();
    else if (this.#old === 'dead') this.#handover.returnOld();
  }

  /**
   * When the fault was given up while the successor was on its way, the successor still comes, and the old owner ends.
   * Until both were seen, the old owner can succeed nobody. When the fault was given up before that, the old owner is
   * still the owner, and runs again.
   */
  isOver(): boolean {
    const { pid, state } = this.#target;
    if (this.#isTaking) return this.#hasSuccessor && pid === null;
    return this.#old === 'dead' ? pid !== null && pid !== this.#oldPid : state !== STOPPED;
  }

  healed(): Sight | null {
    return this.#replaced;
  }

  onExit({ name, pid, code, signal, nowNs }: SeenExit): boolean {
    if (name !== this.#handover.old) return false;
    if (this.#old === 'dead' && pid === this.#oldPid && signal === 'SIGKILL') this.#killed();
    else if (code === EXIT.fenced) this.#replaced ??= { atNs: nowNs, saw: `exit 12 of ${name}, pid ${pid}` };
    else return false;
    return true;
  }

  onReady({ name, pid, shards = [], nowNs }: SeenReady): void {
    const { old, successor } = this.#handover;
    const hasAll = this.#target.partitions.every((partition) => shards.includes(partition));
    if (name !== successor || !this.#isTaking || !hasAll) return;
    const was = { running: 'was running', paused: 'is in state T', dead: 'was killed' }[this.#old];
    this.#hasSuccessor = true;
    if (this.#old === 'paused' && this.#target.state !== STOPPED) return;
    if (this.#isElsewhere && !this.#handover.isElsewhere(pid)) return;
    const elsewhere = this.#isElsewhere ? `, and finds an empty folder in the place of that of ${old}` : '';
    const of = `the shards ${this.#target.partitions.join(' ')} of ${old}, which ${was}`;
    this.#proof ??= { atNs: nowNs, saw: `${successor}, pid ${pid}, is ready with ${of}${elsewhere}` };
  }

  /** The fault may have been given up by then. Then nobody has taken the shards, and the old owner goes on. */
  #killed(): void {
    if (this.#isHealing) this.#handover.returnOld();
    else this.#take();
  }

  #take(): void {
    if (this.#isTaking) return;
    this.#isTaking = true;
    this.#handover.takeOver();
  }
}
