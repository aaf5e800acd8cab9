/** A store that forwards every call. A subclass overrides the calls that it watches or changes. */

import type { Entry, Range, Store, Write } from './store.ts';

export class WrappedStore implements Store {
  readonly path: string;
  protected readonly inner: Store;

  constructor(inner: Store) {
    this.inner = inner;
    this.path = inner.path;
  }

  get(table: string, key: Buffer): Buffer | undefined {
    return this.inner.get(table, key);
  }

  range(table: string, range: Range): Entry[] {
    return this.inner.range(table, range);
  }

  keys(table: string, range: Range): Buffer[] {
    return this.inner.keys(table, range);
  }

  commit(writes: readonly Write[]): Promise<void> {
    return this.inner.commit(writes);
  }

  diskBytes(): number {
    return this.inner.diskBytes();
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}
