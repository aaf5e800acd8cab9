/**
 * Durable key-value storage as the protocol sees it. This is the one definition of "durable": when the promise of
 * `commit` resolves, every write of the commit is on disk. Reads of this store, and other processes that read the file,
 * see a commit only when it is on disk. That can be a moment before the promise resolves.
 *
 * Protocol logic depends on this file only; `lmdb-store.ts` is the real one.
 */

/** One change of a transaction. `value` belongs to the store until the commit has resolved: it must not be changed. */
export type Write = { readonly table: string; readonly key: Buffer; readonly value: Uint8Array | null };

export type Entry = { readonly key: Buffer; readonly value: Buffer };

export type Range = {
  /** First key, included. */
  readonly from: Buffer;
  /** End of the keys, excluded. */
  readonly to: Buffer;
  readonly limit?: number;
  readonly reverse?: boolean;
};

export interface StoreReader {
  /** A copy of the value, owned by the caller. */
  get(table: string, key: Buffer): Buffer | undefined;
  range(table: string, range: Range): Entry[];
  keys(table: string, range: Range): Buffer[];
}

export interface Store extends StoreReader {
  /** The absolute path by which another process finds the store. */
  readonly path: string;
  /**
   * Applies all writes in one durable transaction, or fails. After a failure the process does not know what the disk
   * holds: it must stop, and start again from the store. One commit at a time.
   */
  commit(writes: readonly Write[]): Promise<void>;
  /** Bytes that the store takes on disk. */
  diskBytes(): number;
  close(): Promise<void>;
}

/** Collects the writes of one transaction. */
export class WriteBatch {
  readonly writes: Write[] = [];

  put(table: string, key: Buffer, value: Uint8Array): void {
    this.writes.push({ table, key, value });
  }

  remove(table: string, key: Buffer): void {
    this.writes.push({ table, key, value: null });
  }

  get isEmpty(): boolean {
    return this.writes.length === 0;
  }
}
