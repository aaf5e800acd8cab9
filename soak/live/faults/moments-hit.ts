/**
 * Counts at which moments faults have hit, by component, and chooses the next aim: the moment that faults have hit or
 * missed least often. The seed decides between equals. A hit counts by what the page of the target said when the target
 * could no longer move.
 */

import { assert } from '../../../src/core/assert.ts';
import { Prng } from '../../../src/core/prng.ts';
import type { Component } from '../../../src/component/protocol.ts';
import { type Moment, momentsToHit } from '../../../src/moments/moment.ts';
import { COMPONENTS, type SeenMoments } from '../../../src/moments/page-layout.ts';
import type { FrozenMoments } from './frozen-moments.ts';
import type { PlannedFault } from './planned-fault.ts';

/** The first word of this purpose's random stream: ASCII `aims`. */
const PURPOSE = 0x6169_6d73;

/** The fields of run.json. */
export type MomentCoverage = {
  /** By component and moment, how many processes were hit there. A process that is in two moments counts in both. */
  readonly hits: Readonly<Record<Component, Readonly<Record<string, number>>>>;
  /** Processes that were hit at an unknown moment. */
  readonly unknown: number;
  /** Faults that were aimed at a moment, and those that hit it. */
  readonly aimed: number;
  readonly reached: number;
};

export class MomentsHit {
  readonly #prng: Prng;
  readonly #hits = new Map<Component, Map<Moment, number>>();
  /** How often each moment was aimed at in vain. */
  readonly #misses = new Map<Component, Map<Moment, number>>();
  /** Moments in the order in which the seed prefers them. */
  readonly #order = new Map<Component, readonly Moment[]>();
  /** Contradictions in the pages, one line each. */
  readonly doubts: Set<string> = new Set();
  #unknown = 0;
  #aimed = 0;
  #reached = 0;

  constructor(seed: number) {
    this.#prng = Prng.fromSeed(seed, PURPOSE);
    for (const component of COMPONENTS) {
      const moments = momentsToHit(component);
      this.#hits.set(component, new Map(moments.map((moment) => [moment, 0])));
      this.#misses.set(component, new Map());
      this.#order.set(component, this.#shuffled(moments));
    }
  }

  #shuffled(moments: readonly Moment[]): Moment[] {
    const left = [...moments];
    return moments.flatMap(() => left.splice(this.#prng.below(left.length), 1));
  }

  /** The next aim of a fault that stops or kills a process of this component. */
  aimAt(component: Component): Moment {
    const tried = (moment: Moment): number =>
      (this.#hits.get(component)?.get(moment) ?? 0) + (this.#misses.get(component)?.get(moment) ?? 0);
    const [first, ...others] = this.#order.get(component) ?? [];
    assert(first !== undefined, 'every component has moments');
    return others.reduce((least, moment) => (tried(moment) < tried(least) ? moment : least), first);
  }

  /** Counts a fault that has hit. */
  add({ aim }: Pick<PlannedFault, 'aim'>, moments: Pick<FrozenMoments, 'hit' | 'contradiction'>): void {
    const { hit, contradiction } = moments;
    for (const { seen } of hit) this.#count(seen);
    if (contradiction !== null) this.doubts.add(contradiction);
    const [first] = hit;
    if (first === undefined || aim === undefined) return;
    this.#aimed += 1;
    if (first.seen !== null && isIn(first.seen, aim)) this.#reached += 1;
    else if (first.seen !== null) this.#miss(first.seen.component, aim);
  }

  #count(seen: SeenMoments | null): void {
    if (seen === null) {
      this.#unknown += 1;
      return;
    }
    const hits = this.#hits.get(seen.component);
    for (const moment of momentsOf(seen)) hits?.set(moment, (hits.get(moment) ?? 0) + 1);
  }

  #miss(component: Component, aim: Moment): void {
    const misses = this.#misses.get(component);
    misses?.set(aim, (misses.get(aim) ?? 0) + 1);
  }

  get coverage(): MomentCoverage {
    const of = (component: Component): Record<string, number> => Object.fromEntries(this.#hits.get(component) ?? []);
    const hits = { broker: of('broker'), summer: of('summer'), chunker: of('chunker') };
    return { hits, unknown: this.#unknown, aimed: this.#aimed, reached: this.#reached };
  }
}

function momentsOf({ moments }: SeenMoments): readonly Moment[] {
  return moments.length === 0 ? ['idle'] : moments;
}

export function isIn(seen: SeenMoments, moment: Moment): boolean {
  return momentsOf(seen).includes(moment);
}
