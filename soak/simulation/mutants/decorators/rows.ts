/** Rows of one shard in memory. */

import type { Entry, StoreReader } from '../../../../src/store/store.ts';

export class Rows implements StoreReader {
  readonly #entries: readonly (Entry & { readonly table: string })[];

  constructor(entries: readonly (Entry & { readonly table: string })[]) {
    this.#entries = entries;
  }

  get(table: string, key: Buffer): Buffer | undefined {
    return this.range(table).find((entry) => entry.key.equals(key))?.value;
  }

  range(table: string): Entry[] {
    return this.#entries.filter((entry) => entry.table === table);
  }

  keys(table: string): Buffer[] {
    return this.range(table).map(({ key }) => key);
  }
}
