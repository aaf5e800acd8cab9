/**
 * The past of a broker's store: which start of the broker made which commits. By it the broker can tell whether its
 * store still has what some client was told is durable, and not an older copy of it: a commit has a number, and one
 * number was given by one start alone, unless the store went back.
 *
 * A number is given when a commit is filled, written with it, and told only once it is durable.
 *
 * Rules P-LOSS-1, P-LOSS-4 of docs/protocol.md.
 */

import { sealRow } from '../../store/row.ts';
import type { WriteBatch } from '../../store/store.ts';
import type { Vouching, Witness } from '../witness.ts';
import * as tables from './tables.ts';

/** Starts that are remembered. Of what was told before them nothing is known. */
const STARTS_MAX = 1024;

export class Lineage {
  /** Names the store: the start of the broker that made it. */
  readonly store: string;
  readonly #starts: tables.Start[];
  #given: number;
  #durable: number;

  /** `stored`: `null` in a new store. `lastCommit`: of the last commit that the store has; 0: none. */
  constructor(stored: tables.LineageRow | null, lastCommit: number, incarnation: string) {
    this.store = stored?.store ?? incarnation;
    this.#starts = [...(stored?.starts ?? []), { incarnation, firstCommit: lastCommit + 1 }].slice(-STARTS_MAX);
    this.#given = lastCommit;
    this.#durable = lastCommit;
  }

  /** Number of the last commit that is durable. */
  get durable(): number {
    return this.#durable;
  }

  /** The number of the commit that is being filled. */
  next(): number {
    this.#given += 1;
    return this.#given;
  }

  /** The commit with the last number is durable. */
  committed(): void {
    this.#durable = this.#given;
  }

  /** The row of this start, for its first commit. */
  writeStart(batch: WriteBatch): void {
    batch.put('config', tables.LINEAGE_KEY, sealRow({ store: this.store, starts: this.#starts }));
  }

  vouch({ store, incarnation, commit }: Witness): Vouching {
    if (store !== this.store) return 'another';
    const start = this.#starts.findLast(({ firstCommit }) => firstCommit <= commit);
    if (start === undefined) return 'unknown';
    return start.incarnation === incarnation && commit <= this.#durable ? 'held' : 'lost';
  }
}
