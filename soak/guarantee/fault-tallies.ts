/** How the faults of a history went, by kind. */

import type { HistoryEvent } from './history.ts';

/** How the faults of one kind went. */
export type FaultTally = {
  /**
   * Begun faults, whatever came of them. A fault that was drawn in place of a missed fault counts in the place of that
   * fault.
   */
  readonly injected: number;
  /** A probe saw the fault bite, and nothing contradicted that. */
  readonly proven: number;
  /**
   * After the fault healed, each partition that it hit had a verified sum whose last chunk was intended after the
   * fault.
   */
  readonly recovered: number;
};

/** Ids of the faults of one kind. */
export type FaultIds = {
  readonly begun: ReadonlySet<number>;
  readonly proven: ReadonlySet<number>;
  readonly healed: ReadonlySet<number>;
  readonly recovered: ReadonlySet<number>;
};

type Ids = { readonly [Name in keyof FaultIds]: Set<number> };

export class FaultTallies {
  readonly #kinds = new Map<string, Ids>();

  /** By fault that was drawn in place of another: the first of those faults. */
  readonly #instead = new Map<number, number>();

  add(event: HistoryEvent): void {
    if (event.event === 'fault') {
      if (event.insteadOf !== undefined) this.#instead.set(event.id, event.insteadOf);
      this.#of(event.kind).begun.add(this.#first(event.id));
    } else if (event.event === 'fault-effective') this.#of(event.kind).proven.add(this.#first(event.id));
    else if (event.event === 'fault-refuted') this.#of(event.kind).proven.delete(this.#first(event.id));
    else if (event.event === 'fault-healed') this.#of(event.kind).healed.add(this.#first(event.id));
    else if (event.event === 'fault-recovered') this.#of(event.kind).recovered.add(this.#first(event.id));
  }

  #first(id: number): number {
    return this.#instead.get(id) ?? id;
  }

  /** In the order in which the first fault of each kind came. */
  get kinds(): ReadonlyMap<string, FaultIds> {
    return this.#kinds;
  }

  get tallies(): ReadonlyMap<string, FaultTally> {
    const tallies = [...this.#kinds].map(([kind, { begun, proven, recovered }]) => {
      const tally = { injected: begun.size, proven: proven.size, recovered: recovered.size };
      return [kind, tally] as const;
    });
    return new Map(tallies);
  }

  #of(kind: string): Ids {
    let known = this.#kinds.get(kind);
    if (known === undefined) {
      known = { begun: new Set(), proven: new Set(), healed: new Set(), recovered: new Set() };
      this.#kinds.set(kind, known);
    }
    return known;
  }
}
