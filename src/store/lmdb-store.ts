/**
 * The store on LMDB: the one import of lmdb.
 *
 * - `overlappingSync: false`: nothing is visible before it is on disk, and a failed sync is a clean error.
 * - One process a folder, held by a kernel lock: a writer that is stopped inside a transaction blocks every other, and one
 *   that only reads can make the owner lose a commit (`lmdb-copy.ts`). Others read a copy.
 * - LMDB keeps a pointer to each value until its commit has resolved, so the writes are kept alive here until then.
 */

import { existsSync, mkdirSync, readdirSync, realpathSync, rmSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Database, type RangeOptions, type RootDatabase, open } from 'lmdb';
import { asRecord, assert } from '../core/assert.ts';
import { OperatingError, UsageError } from '../core/errors.ts';
import { FileLock } from '../hash/file-lock.ts';
import { copyLmdbFile } from './lmdb-copy.ts';
import { checkLmdbFile } from './lmdb-file.ts';
import { openRow, sealRow } from './row.ts';
import type { Entry, Range, Store, StoreReader, Write } from './store.ts';

const DATA_FILE = 'store.lmdb';
const LOCK_FILE = 'store.lock';
/** Folders of copies of other stores. */
const COPY_PREFIX = 'store.copy-';
const FORMAT_VERSION = 1;
const FORMAT_TABLE = 'format';
const FORMAT_KEY = Buffer.from('format');
/** Address space reserved for a store; it takes no memory and no disk until it is used. */
const MAP_BYTES = 64 * 1024 ** 3;
const MAX_TABLES = 16;
/** LMDB's bound with pages of 4096 bytes. */
const KEY_BYTES_MAX = 1978;

export type LmdbStoreOptions = {
  /** Folder; made when missing. */
  readonly folder: string;
  /** What kind of component owns it: a broker does not open a summer's store. */
  readonly kind: 'broker' | 'summer' | 'chunker';
  readonly tables: readonly string[];
};

export type ReadStoreOptions = LmdbStoreOptions & {
  /**
   * Where the copy is made that is read, on a disk that has room for it; the caller's own, made when missing. A process
   * that is killed leaves its copy there until a store is opened in it, or the caller removes it.
   */
  readonly scratchFolder: string;
};

type Binary = Database<Buffer, Buffer>;

class Tables implements StoreReader {
  readonly root: RootDatabase<Buffer, Buffer>;
  readonly #tables = new Map<string, Binary>();

  constructor(file: string, tables: readonly string[], readOnly: boolean) {
    this.root = open<Buffer, Buffer>({
      path: file,
      noSubdir: true,
      keyEncoding: 'binary',
      encoding: 'binary',
      overlappingSync: false,
      mapSize: MAP_BYTES,
      maxDbs: MAX_TABLES,
      readOnly,
    });
    for (const table of [FORMAT_TABLE, ...tables]) {
      const opened: Binary | undefined = this.root.openDB<Buffer, Buffer>({
        name: table,
        keyEncoding: 'binary',
        encoding: 'binary',
      });
      if (opened !== undefined) this.#tables.set(table, opened);
    }
  }

  has(name: string): boolean {
    return this.#tables.has(name);
  }

  table(name: string): Binary {
    const table = this.#tables.get(name);
    assert(table !== undefined, `no table ${name}`);
    return table;
  }

  get(table: string, key: Buffer): Buffer | undefined {
    return this.table(table).get(key);
  }

  range(table: string, range: Range): Entry[] {
    const entries = this.table(table).getRange(bounds(range));
    return Array.from(entries, ({ key, value }) => ({ key: Buffer.from(key), value: Buffer.from(value) }));
  }

  keys(table: string, range: Range): Buffer[] {
    return Array.from(this.table(table).getKeys(bounds(range)), (key) => Buffer.from(key));
  }
}

function bounds(range: Range): RangeOptions {
  const limit = range.limit === undefined ? {} : { limit: range.limit };
  if (range.reverse !== true) return { start: range.from, end: range.to, ...limit };
  return { start: range.to, end: range.from, reverse: true, exclusiveStart: true, inclusiveEnd: true, ...limit };
}

class LmdbStore extends Tables implements Store {
  readonly path: string;
  readonly #lock: FileLock;
  readonly #file: string;
  #committing = false;

  constructor(folder: string, tables: readonly string[], lock: FileLock) {
    const file = join(folder, DATA_FILE);
    super(file, tables, false);
    this.#file = file;
    this.#lock = lock;
    this.path = realpathSync(folder);
  }

  async commit(writes: readonly Write[]): Promise<void> {
    assert(!this.#committing, 'one commit at a time');
    this.#committing = true;
    // Nothing may throw inside the batch: what came before it would be committed without the rest.
    const resolved = writes.map(({ table, key, value }) => {
      assert(key.length > 0 && key.length <= KEY_BYTES_MAX, `a key of ${key.length} bytes`);
      return { database: this.table(table), key, value };
    });
    try {
      await this.root.batch(() => {
        for (const { database, key, value } of resolved) {
          if (value === null) void database.remove(key);
          else void database.put(key, value as Buffer);
        }
      });
    } catch (cause) {
      const detail = await commitErrorOf(cause);
      throw new OperatingError('ERR_STORE_COMMIT', `the commit to ${this.path} failed: ${detail}`, { cause });
    }
    this.#committing = false;
    // Reading the writes here keeps every value alive until the commit has resolved: LMDB has only pointers.
    assert(resolved.length === writes.length, 'every write was handed over');
  }

  diskBytes(): number {
    return statSync(this.#file).blocks * 512;
  }

  async close(): Promise<void> {
    await this.root.close();
    this.#lock.release();
  }
}

/** Opens the store in a folder for its one writing process. */
export async function openLmdbStore(options: LmdbStoreOptions): Promise<Store> {
  const { folder, kind } = options;
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw new UsageError(`cannot use the data folder ${folder}: ${(cause as Error).message}`);
  }
  const lock = FileLock.tryAcquire(join(folder, LOCK_FILE));
  if (lock === null) throw new UsageError(`the data folder ${folder} is in use by another process`);
  try {
    removeCopies(folder);
    const isNew = !existsSync(join(folder, DATA_FILE));
    if (!isNew) checkLmdbFile(join(folder, DATA_FILE));
    const store = new LmdbStore(folder, options.tables, lock);
    const format = store.get(FORMAT_TABLE, FORMAT_KEY);
    if (format !== undefined) checkFormat(format, kind, folder);
    else
      await store.commit([{ table: FORMAT_TABLE, key: FORMAT_KEY, value: sealRow({ version: FORMAT_VERSION, kind }) }]);
    return store;
  } catch (error) {
    lock.release();
    throw openingError(error, folder);
  }
}

/** What a killed owner of the folder was reading. The lock is held: nobody uses it any more. */
function removeCopies(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (name.startsWith(COPY_PREFIX)) rmSync(join(folder, name), { recursive: true });
  }
}

/**
 * Reads another process's store as one snapshot, whether that process runs, is stopped or is dead: everything that it had
 * acknowledged before the call is in it. What is read is a copy that is gone afterwards; the other's files are only read,
 * because LMDB must not open them twice (see `lmdb-copy.ts`).
 * Throws ERR_STORE_MISSING, ERR_STORE_BUSY (the process keeps committing), ERR_STORE_DAMAGED, ERR_STORE_OPEN.
 * The callback is called once and must not keep the reader.
 */
export async function readLmdbStore<T>(options: ReadStoreOptions, read: (reader: StoreReader) => T): Promise<T> {
  const file = join(options.folder, DATA_FILE);
  if (!existsSync(file)) throw new OperatingError('ERR_STORE_MISSING', `there is no store at ${options.folder}`);
  const tables = await openCopy(file, options);
  try {
    const format = tables.has(FORMAT_TABLE) ? tables.get(FORMAT_TABLE, FORMAT_KEY) : undefined;
    if (format === undefined) throw noFormatError(options.folder);
    checkFormat(format, options.kind, options.folder);
    return read(tables);
  } finally {
    await tables.root.close();
  }
}

async function openCopy(file: string, options: ReadStoreOptions): Promise<Tables> {
  const { folder, scratchFolder } = options;
  let copyFolder: string | null = null;
  try {
    mkdirSync(scratchFolder, { recursive: true });
    copyFolder = await mkdtemp(join(scratchFolder, COPY_PREFIX));
    const copy = join(copyFolder, DATA_FILE);
    await copyLmdbFile(file, copy);
    checkLmdbFile(copy, file);
    // LMDB would write the first pages, and lmdb-js crashes because it may not.
    if (statSync(copy).size === 0) throw noFormatError(folder);
    return new Tables(copy, options.tables, true);
  } catch (error) {
    throw openingError(error, folder);
  } finally {
    // What is open needs no name, and so nothing is left behind by a process that is killed while it reads.
    if (copyFolder !== null) await rm(copyFolder, { recursive: true });
  }
}

/** Its process was killed before its first commit. */
function noFormatError(folder: string): OperatingError {
  return new OperatingError('ERR_STORE_DAMAGED', `the store at ${folder} has no format`);
}

function isFormat(value: unknown): value is { version: number; kind: string } {
  const row = asRecord(value);
  return typeof row?.['version'] === 'number' && typeof row['kind'] === 'string';
}

function checkFormat(row: Buffer, kind: string, folder: string): void {
  const format = openRow(row, isFormat, 'its format');
  if (format.version !== FORMAT_VERSION) {
    throw new UsageError(
      `the data folder ${folder} has format version ${format.version}, this is version ${FORMAT_VERSION}`,
    );
  }
  if (format.kind !== kind)
    throw new UsageError(`the data folder ${folder} belongs to a ${format.kind}, not to a ${kind}`);
}

/** lmdb-js rejects with a summary, and puts the reason into a promise of its own beside it. */
async function commitErrorOf(error: unknown): Promise<string> {
  const { commitError } = error as { commitError?: Promise<unknown> };
  const reason: unknown = await commitError?.catch((cause: unknown) => cause);
  const shown = reason instanceof Error ? reason : error;
  return shown instanceof Error ? shown.message : String(shown);
}

function openingError(error: unknown, folder: string): unknown {
  if (error instanceof UsageError || error instanceof OperatingError) return error;
  const detail = error instanceof Error ? error.message : String(error);
  return new OperatingError('ERR_STORE_OPEN', `cannot open the store in ${folder}: ${detail}`, { cause: error });
}
