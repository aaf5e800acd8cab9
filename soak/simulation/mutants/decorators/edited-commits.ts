/**
 * Summers whose commits are edited: rows are left out or changed, or one transaction is cut into two, between which the
 * process may die. The bug takes effect when a process continues from, or ends with, a shard with wrong rows: after a
 * restart in the same store, or after a takeover has copied them.
 */

import type { Store, StoreReader, Write } from '../../../../src/store/store.ts';
import type { Decorations } from '../../decorations.ts';
import { watchClaims } from './claims.ts';
import { TrueRows } from './true-rows.ts';
import { WrappedStore } from '../../../../src/store/wrapped-store.ts';

/** The transactions to be made instead of one, one after the other. */
export type Edit = (writes: readonly Write[], store: StoreReader) => readonly (readonly Write[])[];

export function editedCommits(edit: Edit): Decorations {
  const rows = new TrueRows();
  return {
    judged: ({ shard, path, disk, tookEffect }) => {
      if (rows.isWrong(path, disk, shard)) tookEffect();
    },
    summer: (options, subject) => {
      const store = new EditedStore(options.store, edit, rows);
      const copiedWrong = new Set<number>();
      const watched = watchClaims(options, ({ shard, copiedFrom }) => {
        const isWrong = rows.isWrong(store.path, store, shard);
        if (isWrong || (copiedFrom !== null && copiedWrong.has(shard))) subject.tookEffect();
      });
      return {
        ...watched,
        store,
        readOther: (path, read) =>
          options.readOther(path, (reader) => {
            copiedWrong.clear();
            for (const shard of options.partitions) if (rows.isWrong(path, reader, shard)) copiedWrong.add(shard);
            return read(reader);
          }),
      };
    },
  };
}

class EditedStore extends WrappedStore {
  readonly #edit: Edit;
  readonly #rows: TrueRows;

  constructor(inner: Store, edit: Edit, rows: TrueRows) {
    super(inner);
    this.#edit = edit;
    this.#rows = rows;
  }

  override async commit(writes: readonly Write[]): Promise<void> {
    const transactions = this.#edit(writes, this.inner).filter((transaction) => transaction.length > 0);
    this.#rows.begin(this.path, this.inner, writes, transactions);
    for (const transaction of transactions) await this.inner.commit(transaction);
    this.#rows.end(this.path);
  }
}
