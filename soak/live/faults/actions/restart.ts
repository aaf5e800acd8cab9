/**
 * SIGTERM of all targets at once, or of one after the other. Proven when each has ended with exit 0 under its old pid.
 * Over when all are ready again.
 */

import { EXIT } from '../../../../src/core/errors.ts';
import { type FaultAction, type SeenExit, type SeenReady, type Sight, lastSight } from './action.ts';
import type { FaultTarget } from './target.ts';
import { pidText } from './words.ts';

type Restarted = { readonly target: FaultTarget; pid: number | null; ended: Sight | null; again: Sight | null };

export class Restart implements FaultAction {
  readonly #restarted: readonly Restarted[];
  readonly #isRolling: boolean;

  /** `rolling`: each target is asked to end when the one before it is ready again. */
  constructor(targets: readonly FaultTarget[], { rolling }: { readonly rolling: boolean }) {
    this.#restarted = targets.map((target) => ({ target, pid: null, ended: null, again: null }));
    this.#isRolling = rolling;
  }

  inject(): void {
    for (const one of this.#isRolling ? this.#restarted.slice(0, 1) : this.#restarted) ask(one);
  }

  proven(): Sight | null {
    return lastSight(
      this.#restarted.map(({ ended }) => ended),
      (pids) => `exit 0 of ${pidText(pids)} after SIGTERM`,
    );
  }

  heal(): void {}

  healed(): Sight | null {
    return lastSight(
      this.#restarted.map(({ again }) => again),
      (pids) => `ready again as ${pidText(pids)}`,
    );
  }

  onExit({ name, pid, code, nowNs }: SeenExit): boolean {
    const one = this.#restarted.find((candidate) => candidate.target.name === name && candidate.pid === pid);
    if (one === undefined || one.ended !== null || code !== EXIT.holds) return false;
    one.ended = { atNs: nowNs, saw: String(pid) };
    return true;
  }

  onReady({ name, pid, nowNs }: SeenReady): void {
    const at = this.#restarted.findIndex(({ target }) => target.name === name);
    const one = this.#restarted[at];
    if (!one?.ended || one.again !== null) return;
    one.again = { atNs: nowNs, saw: String(pid) };
    const next = this.#restarted[at + 1];
    if (this.#isRolling && next !== undefined) ask(next);
  }
}

function ask(one: Restarted): void {
  one.pid = one.target.pid;
  one.target.restart();
}
