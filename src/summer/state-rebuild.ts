/**
 * The rows of a shard, rebuilt from its state log: from the local copy, from a snapshot, or from the log's beginning.
 * It keeps the changes in memory, so that the local copy gets all of them in one transaction.
 *
 * Rules P-STATE-3, P-STATE-4 of docs/protocol.md.
 */

import { OperatingError } from '../core/errors.ts';
import { lossError } from '../journal/loss.ts';
import type { StateEntry, StatePlace, StateStart } from '../journal/state-log.ts';
import { type StoreReader, WriteBatch } from '../store/store.ts';
import { clearShard } from './rows.ts';
import { type Changes, decodeChanges } from './state-entry.ts';

/** `local`: the local copy ends with the entry at `start`. `snapshot`: one begins there. */
export type Base =
  | { readonly kind: 'local'; readonly start: StatePlace }
  | { readonly kind: 'snapshot'; readonly start: StateStart }
  | { readonly kind: 'beginning'; readonly start: StateStart };

export type Replayed = { readonly base: Base['kind']; readonly entries: number; readonly bytes: number };

export class Rebuild {
  readonly #journal: string;
  readonly #base: Base;
  /** By table, then by key (latin1): the last change. */
  readonly #changed = new Map<string, Map<string, Buffer | null>>();
  #entries = 0;
  #bytes = 0;
  /** Every row of the state is known. */
  #isWhole: boolean;

  constructor(journal: string, base: Base) {
    this.#journal = journal;
    this.#base = base;
    this.#isWhole = base.kind !== 'snapshot';
  }

  get replayed(): Replayed {
    return { base: this.#base.kind, entries: this.#entries, bytes: this.#bytes };
  }

  take(entry: StateEntry): void {
    const isFirst = this.#entries === 0;
    this.#entries += 1;
    this.#bytes += entry.end - entry.begin;
    if (isFirst && this.#base.kind === 'local') return this.#checkLocal(entry, this.#base.start);
    const { part, writes } = decodeChanges(entry.bytes, `the entry at ${entry.begin} of ${this.#journal}`);
    if (isFirst && this.#base.kind === 'snapshot' && (part === null || !this.#begins(entry))) {
      throw this.#noSnapshot(`at ${entry.begin} stands another entry`);
    }
    if (part !== null) return this.#takePart(part, writes);
    this.#apply(writes);
  }

  /** The log was read to its end. */
  finish(): void {
    if (!this.#isWhole) throw this.#noSnapshot('its last part is missing');
    if (this.#base.kind === 'local' && this.#entries === 0) throw this.#lost(this.#base.start);
  }

  /** Writes that make the shard's rows in the local copy those of the log. */
  writesTo(store: StoreReader, shard: number): WriteBatch {
    const batch = this.#base.kind === 'local' ? new WriteBatch() : clearShard(shard, store);
    for (const [table, rows] of this.#changed) {
      for (const [name, value] of rows) {
        const key = Buffer.from(name, 'latin1');
        if (value !== null) batch.put(table, key, value);
        else if (this.#base.kind === 'local') batch.remove(table, key);
      }
    }
    return batch;
  }

  /** A local copy that is another one, or that is ahead, has what the log had and has no longer. */
  #checkLocal({ begin, end, sequence, checksum }: StateEntry, local: StatePlace): void {
    const isSame =
      begin === local.begin && end === local.end && sequence === local.sequence && checksum === local.checksum;
    if (!isSame) throw this.#lost(local);
  }

  #lost({ begin, sequence }: StatePlace): Error {
    const detail = `${this.#journal} had entry ${sequence} at ${begin}, and has not the same there now`;
    return lossError(`${detail} (the summer's store proves it)`, { journal: this.#journal, offset: begin });
  }

  #begins({ begin, sequence }: StateEntry): boolean {
    const { start } = this.#base;
    return begin === start.begin && sequence === start.sequence;
  }

  #noSnapshot(why: string): OperatingError {
    const { begin } = this.#base.start;
    return new OperatingError('ERR_STATE', `${this.#journal} has no whole snapshot at ${begin}: ${why}`);
  }

  /** Once the state is whole, a part says only what is known. */
  #takePart({ snapshot, isLast, ranges }: NonNullable<Changes['part']>, writes: Changes['writes']): void {
    if (this.#isWhole || snapshot !== this.#base.start.sequence) return;
    for (const { table, from, to } of ranges) {
      const rows = this.#changed.get(table);
      for (const name of rows?.keys() ?? []) {
        const key = Buffer.from(name, 'latin1');
        if (Buffer.compare(key, from) >= 0 && Buffer.compare(key, to) < 0) rows?.delete(name);
      }
    }
    this.#apply(writes);
    this.#isWhole = isLast;
  }

  #apply(writes: Changes['writes']): void {
    for (const { table, key, value } of writes) {
      const rows = this.#changed.get(table) ?? new Map<string, Buffer | null>();
      this.#changed.set(table, rows);
      rows.set(key.toString('latin1'), value === null ? null : Buffer.from(value));
    }
  }
}
