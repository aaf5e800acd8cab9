/**
 * Which faults of a history were open together. A fault is open from its proof until it was seen to be over. What is
 * told of a kill is not enough: it is over as soon as each process that it killed is ready again.
 */

import { type FaultKind, familyOf } from './fault-kinds.ts';
import type { HistoryEvent } from './history.ts';

type Open = {
  readonly family: string;
  /** Processes that a kill has ended, and that are not ready again; null: of another fault nobody says this. */
  readonly down: Set<string> | null;
  /** The faults that were open with it. */
  readonly partners: Map<number, string>;
};

export class FaultOverlaps {
  readonly #open = new Map<number, Open>();
  /** By fault that was not seen to hit yet, the processes that were ready since it was injected. */
  readonly #returnedSince = new Map<number, Set<string>>();
  /** By families with a `+` between, in their alphabetical order. */
  readonly #pairs = new Map<string, number>();

  add(event: HistoryEvent): void {
    if (event.event === 'fault') this.#returnedSince.set(event.id, new Set());
    else if (event.event === 'fault-effective') this.#begin(event);
    else if (event.event === 'fault-healed' || event.event === 'fault-missed') this.#end(event.id);
    else if (event.event === 'fault-refuted') this.#refute(event.id);
    else if (event.event === 'said' && event.said.event === 'ready') this.#returned(event.process);
  }

  #begin({ id, kind, target }: { readonly id: number; readonly kind: string; readonly target: string }): void {
    const family = familyOf(kind as FaultKind);
    const down = family === 'kill' ? new Set(target.split(' ')) : null;
    // Of several, the first may be ready again before the last one has ended.
    for (const process of this.#returnedSince.get(id) ?? []) down?.delete(process);
    this.#returnedSince.delete(id);
    if (down?.size === 0) return;
    const begun: Open = { family, down, partners: new Map() };
    for (const [other, open] of this.#open) {
      const pair = [family, open.family].toSorted().join('+');
      begun.partners.set(other, pair);
      open.partners.set(id, pair);
      this.#count(pair, 1);
    }
    this.#open.set(id, begun);
  }

  #end(id: number): void {
    this.#open.delete(id);
    this.#returnedSince.delete(id);
  }

  /** A fault that never hit was open with nobody. */
  #refute(id: number): void {
    const refuted = this.#open.get(id);
    this.#open.delete(id);
    for (const [other, pair] of refuted?.partners ?? []) {
      this.#count(pair, -1);
      this.#open.get(other)?.partners.delete(id);
    }
  }

  #returned(process: string): void {
    for (const returned of this.#returnedSince.values()) returned.add(process);
    for (const [id, { down }] of this.#open)
      if (down?.delete(process) === true && down.size === 0) this.#open.delete(id);
  }

  #count(pair: string, change: 1 | -1): void {
    const count = (this.#pairs.get(pair) ?? 0) + change;
    if (count === 0) this.#pairs.delete(pair);
    else this.#pairs.set(pair, count);
  }

  /** How many pairs of faults were open together. */
  get total(): number {
    return [...this.#pairs.values()].reduce((sum, count) => sum + count, 0);
  }

  /** By two families (`kill+pause`), how often faults of them were open together, the most frequent pair first. */
  get pairs(): ReadonlyMap<string, number> {
    const byName = [...this.#pairs].toSorted(([one], [other]) => (one < other ? -1 : 1));
    return new Map(byName.toSorted(([, one], [, other]) => other - one));
  }
}

/** `kill+pause 3, kill+partition 2`. */
export function pairsText(pairs: ReadonlyMap<string, number>): string {
  return [...pairs].map(([pair, count]) => `${pair} ${count}`).join(', ');
}
