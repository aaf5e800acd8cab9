/**
 * The rows that summers' stores would have if their commits were not edited. From them a mutant knows when a process
 * continues from a wrong store. A commit whose process died in it counts as made if its edited writes are in the store.
 */

import type { StoreReader, Write } from '../../../../src/store/store.ts';
import { numberRange } from '../../../../src/store/row.ts';
import { STATE_TABLES, tellingValue } from './telling-rows.ts';

type Row = { readonly table: string; readonly key: Buffer; readonly value: Buffer | null };
/** `changed`: for each shard, what the first transaction that changes it does. */
type Commit = { readonly wanted: readonly Row[]; readonly changed: readonly Row[] };
type Shadow = { readonly rows: Map<string, Row>; underWay: Commit | null };

export class TrueRows {
  /** By path. */
  readonly #shadows = new Map<string, Shadow>();

  /** These transactions are committed one after the other, where `wanted` should be one commit. */
  begin(path: string, store: StoreReader, wanted: readonly Write[], made: readonly (readonly Write[])[]): void {
    this.#settle(path, store);
    const changed: Row[] = [];
    for (const transaction of made) {
      const known = new Set(changed.map(shardOf));
      const rows = transaction.map(owned).filter((row) => !isIn(store, row));
      changed.push(...rows.filter((row) => !known.has(shardOf(row))));
    }
    this.#shadow(path).underWay = { wanted: wanted.map(owned), changed };
  }

  /** The commit is durable. */
  end(path: string): void {
    const shadow = this.#shadow(path);
    for (const row of shadow.underWay?.wanted ?? []) shadow.rows.set(nameOf(row), row);
    shadow.underWay = null;
  }

  /** Whether rows of the shard in this store are wrong. No commit of the store is under way. */
  isWrong(path: string, store: StoreReader, shard: number): boolean {
    this.#settle(path, store);
    const { rows } = this.#shadow(path);
    const isMissing = [...rows.values()].some((row) => shardOf(row) === shard && !isIn(store, row));
    return isMissing || STATE_TABLES.some((table) => hasUnknown(store, table, rows, shard));
  }

  /** The process with a commit under way is dead. Finds out for which shards the commit was made. */
  #settle(path: string, store: StoreReader): void {
    const shadow = this.#shadow(path);
    const { wanted, changed } = shadow.underWay ?? { wanted: [], changed: [] };
    shadow.underWay = null;
    const made = new Set(changed.map(shardOf));
    for (const row of changed) if (!isIn(store, row)) made.delete(shardOf(row));
    for (const row of wanted) if (made.has(shardOf(row))) shadow.rows.set(nameOf(row), row);
  }

  #shadow(path: string): Shadow {
    let shadow = this.#shadows.get(path);
    if (shadow === undefined) {
      shadow = { rows: new Map(), underWay: null };
      this.#shadows.set(path, shadow);
    }
    return shadow;
  }
}

/** Whether the store has a row of the shard that should never have been written. */
function hasUnknown(store: StoreReader, table: string, rows: ReadonlyMap<string, Row>, shard: number): boolean {
  return store.keys(table, numberRange(shard)).some((key) => !rows.has(nameOf({ table, key })));
}

/** Rows are the same when they say the same of the state. */
function isIn(store: StoreReader, { table, key, value }: Row): boolean {
  const found = store.get(table, key);
  const [is, wanted] = [found ?? null, value].map((bytes) => (bytes === null ? null : tellingValue(table, bytes)));
  return is === null || is === undefined ? wanted === null : wanted?.equals(is) === true;
}

function shardOf({ key }: Row): number {
  return key.readUInt32BE(0);
}

function nameOf({ table, key }: { table: string; key: Buffer }): string {
  return `${table} ${key.toString('hex')}`;
}

function owned({ table, key, value }: Write): Row {
  return { table, key, value: value === null ? null : Buffer.from(value) };
}
