/**
 * The tables of one open LMDB environment: the one import of lmdb.
 *
 * The needs of opening were tested before (`lmdb-needs.ts`), because a failed open ends the process.
 */

import { type Database, type RangeOptions, type RootDatabase, open } from 'lmdb';
import { asRecord, assert, isCount } from '../core/assert.ts';
import { OperatingError } from '../core/errors.ts';
import type { TreeShape } from './commit-pages.ts';
import type { Entry, Range, StoreReader } from './store.ts';

export const FORMAT_TABLE: string = 'format';
const MAX_TABLES = 16;

type Binary = Database<Buffer, Buffer>;

export class Tables implements StoreReader {
  readonly root: RootDatabase<Buffer, Buffer>;
  readonly #tables = new Map<string, Binary>();
  /** Tables that a copy lacks because its owner is of an older version. They count as empty. */
  readonly #absent = new Set<string>();

  constructor(file: string, options: { tables: readonly string[]; mapBytes: number; readOnly: boolean }) {
    const { tables, mapBytes, readOnly } = options;
    this.root = open<Buffer, Buffer>({
      path: file,
      noSubdir: true,
      keyEncoding: 'binary',
      encoding: 'binary',
      overlappingSync: false,
      mapSize: mapBytes,
      maxDbs: MAX_TABLES,
      readOnly,
    });
    for (const table of [FORMAT_TABLE, ...tables]) {
      const opened: Binary | undefined = this.root.openDB<Buffer, Buffer>({
        name: table,
        keyEncoding: 'binary',
        encoding: 'binary',
      });
      if (opened === undefined) this.#absent.add(table);
      else this.#tables.set(table, opened);
    }
  }

  table(name: string): Binary {
    const table = this.#tables.get(name);
    assert(table !== undefined, `no table ${name}`);
    return table;
  }

  treeShape(name: string): TreeShape {
    const stats = asRecord(this.table(name).getStats()) ?? {};
    const { treeDepth: depth, treeBranchPageCount: branches, treeLeafPageCount: leaves } = stats;
    assert(isCount(depth) && isCount(branches) && isCount(leaves), `the pages of table ${name} are counted`);
    return { depth, pages: branches + leaves };
  }

  get(table: string, key: Buffer): Buffer | undefined {
    if (this.#absent.has(table)) return undefined;
    const from = this.table(table);
    try {
      return from.get(key);
    } catch (cause) {
      throw unreadable(cause);
    }
  }

  range(table: string, range: Range): Entry[] {
    if (this.#absent.has(table)) return [];
    const from = this.table(table);
    try {
      const entries = from.getRange(bounds(range));
      return Array.from(entries, ({ key, value }) => ({ key: Buffer.from(key), value: Buffer.from(value) }));
    } catch (cause) {
      throw unreadable(cause);
    }
  }

  keys(table: string, range: Range): Buffer[] {
    if (this.#absent.has(table)) return [];
    const from = this.table(table);
    try {
      return Array.from(from.getKeys(bounds(range)), (key) => Buffer.from(key));
    } catch (cause) {
      throw unreadable(cause);
    }
  }
}

function bounds(range: Range): RangeOptions {
  const limit = range.limit === undefined ? {} : { limit: range.limit };
  if (range.reverse !== true) return { start: range.from, end: range.to, ...limit };
  return { start: range.to, end: range.from, reverse: true, exclusiveStart: true, inclusiveEnd: true, ...limit };
}

/** The state after a failed commit, whose rejection may come a moment later: LMDB then answers nothing any more. */
function unreadable(cause: unknown): OperatingError {
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new OperatingError('ERR_STORE_READ', `the store cannot be read: ${detail}`, { cause });
}
