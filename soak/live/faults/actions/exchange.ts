/**
 * Processes are replaced by another build, one after the other: SIGTERM, and a start of the other build on the same
 * folder. Proven when each has ended with exit 0 and the kernel has the command line of the other build for the process
 * that is ready in its place; over when the last one is. Of the processes that are upgraded, one at least must have run
 * the older build. Otherwise nothing was upgraded, and `isMoot` says so before the fault begins.
 *
 * An older build may refuse what a newer one has written, with an exit that says so before it is ready. Then its last
 * line is the proof, and the newer build goes on.
 */

import { EXIT } from '../../../../src/core/errors.ts';
import type { FaultKind } from '../../../guarantee/fault-kinds.ts';
import { type FaultAction, type SeenExit, type SeenReady, type Sight, lastSight } from './action.ts';
import type { Build, FaultTarget } from './target.ts';

type Exchanged = {
  readonly target: FaultTarget;
  pid: number | null;
  /** By which build it ran before. */
  before: Build | null;
  hasEnded: boolean;
  /** Why the older build does not take it. */
  refusal: string | null;
  again: Sight | null;
};

/** Exits by which a build refuses a folder. */
const REFUSALS: readonly (number | null)[] = [EXIT.usage, EXIT.internal];

/** Whether all of these processes run the newer build: an upgrade of them would only restart them. */
export function isMoot(kind: FaultKind, targets: readonly Pick<FaultTarget, 'build'>[]): boolean {
  return kind.startsWith('upgrade-') && targets.every(({ build }) => build === 'newer');
}

export class Exchange implements FaultAction {
  readonly #exchanged: readonly Exchanged[];
  readonly #build: Build;
  #isHealing = false;

  constructor(targets: readonly FaultTarget[], build: Build) {
    const nothing = { pid: null, before: null, hasEnded: false, refusal: null, again: null };
    this.#exchanged = targets.map((target) => ({ target, ...nothing }));
    this.#build = build;
  }

  inject(): void {
    this.#ask(this.#exchanged[0]);
  }

  proven(): Sight | null {
    const others: Build = this.#build === 'newer' ? 'older' : 'newer';
    if (!this.#exchanged.some(({ before }) => before === others)) return null;
    return lastSight(
      this.#exchanged.map(({ again }) => again),
      (saw) => saw.join('; '),
    );
  }

  heal(): void {
    this.#isHealing = true;
  }

  /** Given up: whoever was asked to end is there again, by whichever build. */
  isOver(): boolean {
    return this.#exchanged.every(({ target }) => target.ready);
  }

  healed(): Sight | null {
    return lastSight(
      this.#exchanged.map(({ again }) => again),
      () => 'each is ready again',
    );
  }

  onExit({ name, pid, code, signal }: SeenExit): boolean {
    const one = this.#exchanged.find(({ target }) => target.name === name);
    if (one === undefined || one.again !== null || signal !== null) return false;
    if (!one.hasEnded && pid === one.pid && code === EXIT.holds) one.hasEnded = true;
    else if (this.#build === 'older' && one.hasEnded && one.refusal === null && REFUSALS.includes(code))
      one.refusal = `pid ${pid} refused with exit ${code}: ${one.target.lastLine}`;
    else return false;
    return true;
  }

  onReady({ name, pid, nowNs }: SeenReady): void {
    const at = this.#exchanged.findIndex(({ target }) => target.name === name);
    const one = this.#exchanged[at];
    if (!one?.hasEnded || one.again !== null) return;
    const build = one.refusal === null ? this.#build : 'newer';
    // Who was there already cannot go back.
    if (one.target.build !== build || (this.#build === 'older' && one.before !== 'newer')) return;
    const refused = one.refusal === null ? '' : `, ${one.refusal}`;
    const ended = `exit 0 of pid ${one.pid}, which ran the ${one.before ?? 'unknown'} build`;
    one.again = { atNs: nowNs, saw: `${ended}${refused}, pid ${pid} runs the ${build} build` };
    if (!this.#isHealing) this.#ask(this.#exchanged[at + 1]);
  }

  #ask(one: Exchanged | undefined): void {
    if (one === undefined) return;
    one.pid = one.target.pid;
    one.before = one.target.build;
    one.target.exchange(this.#build);
  }
}
