/**
 * Several faults as one: each begins when the one before is proven and its time has come. Proven when all are, and over
 * when all are. They end together, the last one first.
 */

import { type FaultAction, type SeenExit, type SeenReady, type Sight, lastSight } from '../actions/action.ts';

export type Step = {
  /** The least time since the beginning of the step before. */
  readonly afterMs: number;
  readonly action: FaultAction;
};

export class Sequence implements FaultAction {
  readonly #steps: readonly Step[];
  #begun = 0;
  #lastNs = 0;
  #isHealing = false;

  constructor(steps: readonly Step[]) {
    this.#steps = steps;
  }

  inject(nowNs: number): void {
    this.#begin(nowNs);
  }

  proven(nowNs: number): Sight | null {
    const sights = this.#actions.map((action) => action.proven(nowNs));
    const next = this.#steps[this.#begun];
    if (next === undefined) return lastSight(sights, (saw) => saw.join(', then '));
    const isDue = nowNs >= this.#lastNs + next.afterMs * 1e6;
    if (!this.#isHealing && isDue && sights.every((sight) => sight !== null)) this.#begin(nowNs);
    return null;
  }

  heal(nowNs: number): void {
    this.#isHealing = true;
    for (const action of this.#actions.toReversed()) action.heal(nowNs);
  }

  isOver(): boolean {
    return this.#actions.every((action) => action.isOver?.() !== false);
  }

  healed(nowNs: number): Sight | null {
    return lastSight(
      this.#actions.map((action) => action.healed(nowNs)),
      (saw) => saw.filter((each) => each !== '').join(', '),
    );
  }

  onExit(exit: SeenExit): boolean {
    return this.#actions.some((action) => action.onExit?.(exit) === true);
  }

  onReady(ready: SeenReady): void {
    for (const action of this.#actions) action.onReady?.(ready);
  }

  get #actions(): readonly FaultAction[] {
    return this.#steps.slice(0, this.#begun).map(({ action }) => action);
  }

  #begin(nowNs: number): void {
    const step = this.#steps[this.#begun];
    this.#begun += 1;
    this.#lastNs = nowNs;
    step?.action.inject(nowNs);
  }
}
