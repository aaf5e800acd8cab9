/**
 * The past of a broker's store: which start of the broker made which commits. From it the broker tells whether its
 * store still has everything that a client was told is durable, or is an older copy. A commit has a number, and only
 * one start gives each number, unless the store went back.
 *
 * A number is given when a commit is filled, written with it, and told only once the commit is durable.
 *
 * Rules P-LOSS-1, P-LOSS-4 of docs/protocol.md.
 */

import { sealRow } from '../../store/row.ts';
import type { WriteBatch } from '../../store/store.ts';
import type { Vouching, Witness } from '../witness.ts';
import * as tables from './tables.ts';

/** How many starts are remembered. Nothing is known of witnesses from before them. */
const STARTS_MAX = 1024;

export class Lineage {
  /** Names the store by the start of the broker that made it. */
  readonly store: string;
  readonly #starts: tables.Start[];
  #given: number;
  #durable: number;

  /** `stored`: `null` in a new store. `lastCommit`: the number of the last commit in the store; 0: there is none. */
  constructor(stored: tables.LineageRow | null, lastCommit: number, incarnation: string) {
    this.store = stored?.store ?? incarnation;
    this.#starts = [...(stored?.starts ?? []), { incarnation, firstCommit: lastCommit + 1 }].slice(-STARTS_MAX);
    this.#given = lastCommit;
    this.#durable = lastCommit;
  }

  /** The number of the last durable commit. */
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

  /** Writes the row of this start into its first commit. */
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
