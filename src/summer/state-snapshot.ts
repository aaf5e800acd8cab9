/**
 * Snapshots of a shard's rows, in parts that travel with its transactions: each part has the rows of some key ranges as
 * they are right before the transaction that it travels with. Applied in the order of the log, parts and transactions
 * together give the rows as they are behind the last part. So no transaction waits for a whole snapshot.
 *
 * Rule P-STATE-4 of docs/protocol.md.
 */

import { numberRange } from '../store/row.ts';
import type { StoreReader, Write } from '../store/store.ts';
import { PLACE_KEY_TAIL, SUMMER_TABLES } from './rows.ts';
import type { Changes, KeyRange } from './state-entry.ts';

export type SnapshotSizes = {
  /** A snapshot begins when the log has grown by so much since the last one began, or by four times its size. */
  readonly everyBytes: number;
  /** A part of it grows until it has so many bytes, by some rows at a time. */
  readonly partBytes: number;
};

export const SNAPSHOT_SIZES: SnapshotSizes = { everyBytes: 8 * 1024 * 1024, partBytes: 256 * 1024 };
const STEP_ROWS = 16;

export class SnapshotWalk {
  readonly #shard: number;
  /** Sequence of the first part. */
  readonly #snapshot: number;
  readonly #partBytes: number;
  #table = 0;
  #from: Buffer;
  readonly #to: Buffer;

  constructor(shard: number, snapshot: number, { partBytes }: Pick<SnapshotSizes, 'partBytes'>) {
    this.#shard = shard;
    this.#snapshot = snapshot;
    this.#partBytes = partBytes;
    const { from, to } = numberRange(shard);
    this.#from = from;
    this.#to = to;
  }

  /** The next part, of the rows as the store has them now. */
  next(store: StoreReader): Changes & { readonly part: object } {
    const ranges: KeyRange[] = [];
    const writes: Write[] = [];
    let bytes = 0;
    while (bytes < this.#partBytes) {
      const table = SUMMER_TABLES[this.#table];
      if (table === undefined) break;
      const from = this.#from;
      const rows = store.range(table, { from, to: this.#to, limit: STEP_ROWS });
      const last = rows.length === STEP_ROWS ? rows.at(-1) : undefined;
      const to = last === undefined ? this.#to : behind(last.key);
      ranges.push({ table, from, to });
      for (const { key, value } of rows) {
        if (isPlace(key)) continue;
        writes.push({ table, key, value });
        bytes += key.length + value.length;
      }
      if (last === undefined) this.#table += 1;
      this.#from = last === undefined ? numberRange(this.#shard).from : to;
    }
    const isLast = this.#table >= SUMMER_TABLES.length;
    return { part: { snapshot: this.#snapshot, isLast, ranges }, writes };
  }
}

/** The row of the local copy's own place is part of no state. */
function isPlace(key: Buffer): boolean {
  return key.subarray(4).equals(PLACE_KEY_TAIL);
}

/** The least key above. */
function behind(key: Buffer): Buffer {
  return Buffer.concat([key, Buffer.from([0])]);
}
