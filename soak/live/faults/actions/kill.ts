/** SIGKILL. Proven by the exit of each pid that was there, by that signal. Over when all targets are ready again. */

import { type FaultAction, type SeenExit, type SeenReady, type Sight, lastSight } from './action.ts';
import type { FaultTarget } from './target.ts';
import { pidText } from './words.ts';

/** What became of one target. */
type Victim = { readonly target: FaultTarget; pid: number | null; ended: Sight | null; again: Sight | null };

export class Kill implements FaultAction {
  readonly #victims: readonly Victim[];

  constructor(targets: readonly FaultTarget[]) {
    this.#victims = targets.map((target) => ({ target, pid: null, ended: null, again: null }));
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

  heal(): void {}

  healed(): Sight | null {
    return lastSight(
      this.#victims.map(({ again }) => again),
      (pids) => `ready again as ${pidText(pids)}`,
    );
  }

  onExit({ name, pid, signal, nowNs }: SeenExit): boolean {
    const victim = this.#victims.find((candidate) => candidate.target.name === name && candidate.pid === pid);
    if (victim === undefined || victim.ended !== null || signal !== 'SIGKILL') return false;
    victim.ended = { atNs: nowNs, saw: String(pid) };
    return true;
  }

  onReady({ name, pid, nowNs }: SeenReady): void {
    const victim = this.#victims.find(({ target }) => target.name === name);
    if (victim?.ended && victim.again === null) victim.again = { atNs: nowNs, saw: String(pid) };
  }
}
