/**
 * SIGKILL. Proven by the exit of each pid that was there, by that signal. Over when all targets are ready again.
 *
 * A process of the fleet is started again as soon as it has ended. A member of a cluster stays down as long as planned,
 * and `revive` starts it when the fault heals, or as soon as it has ended after that.
 */

import { type FaultAction, type SeenExit, type SeenReady, type Sight, lastSight } from './action.ts';
import type { FaultTarget } from './target.ts';
import { pidText } from './words.ts';

/** What became of one target. */
type Victim<Target> = { readonly target: Target; pid: number | null; ended: Sight | null; again: Sight | null };

/** The part of a target that a kill needs. */
export type Mortal = Pick<FaultTarget, 'name' | 'pid' | 'ready' | 'kill'>;

/** How a target returns that stays down: what starts it, and the words for that it was seen. */
export type Return<Target> = { readonly start: (target: Target) => void; readonly words: string };

export class Kill<Target extends Mortal> implements FaultAction {
  readonly #victims: readonly Victim<Target>[];
  readonly #returns: Return<Target> | null;
  #isHealing = false;

  /** `returns`: absent: targets are started again by whoever hears of their end. */
  constructor(targets: readonly Target[], returns: Return<Target> | null = null) {
    this.#victims = targets.map((target) => ({ target, pid: null, ended: null, again: null }));
    this.#returns = returns;
  }

  inject(): void {
    for (const victim of this.#victims) victim.pid = victim.target.pid;
    for (const { target } of this.#victims) target.kill();
  }

  proven(): Sight | null {
    return lastSight(
      this.#victims.map(({ ended }) => ended),
      (pids) => `exit signal SIGKILL of ${pidText(pids)}`,
    );
  }

  heal(): void {
    this.#isHealing = true;
    for (const { target } of this.#victims) if (target.pid === null) this.#returns?.start(target);
  }

  /** Given up: each target is there. A target that stays down must have ended first, because its end is yet to come. */
  isOver(): boolean {
    return this.#victims.every(({ target, pid }) => target.ready && (this.#returns === null || target.pid !== pid));
  }

  healed(): Sight | null {
    return lastSight(
      this.#victims.map(({ again }) => again),
      (pids) => `${this.#returns?.words ?? 'ready again'} as ${pidText(pids)}`,
    );
  }

  onExit({ name, pid, signal, nowNs }: SeenExit): boolean {
    const victim = this.#victims.find((candidate) => candidate.target.name === name && candidate.pid === pid);
    if (victim === undefined || victim.ended !== null) return false;
    if (this.#isHealing) this.#returns?.start(victim.target);
    if (signal !== 'SIGKILL') return false;
    victim.ended = { atNs: nowNs, saw: String(pid) };
    return true;
  }

  onReady({ name, pid, nowNs }: SeenReady): void {
    const victim = this.#victims.find(({ target }) => target.name === name);
    if (victim?.ended && victim.again === null) victim.again = { atNs: nowNs, saw: String(pid) };
  }
}
