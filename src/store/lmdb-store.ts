/**
 * The store on LMDB.
 *
 * - `overlappingSync: false`: nothing is visible before it is on disk, and a failed sync is a clean error.
 * - One process uses a folder, held by a kernel lock. A writer that is stopped inside a transaction would block every
 *   other writer, and a process that only reads can make the owner lose a commit (`lmdb-copy.ts`). Other processes read
 *   a copy.
 * - LMDB keeps a pointer to each value until its commit has resolved, so the writes are kept alive here until then.
 * - Everything that could make LMDB end the process is tested before LMDB is called: the needs of opening
 *   (`lmdb-needs.ts`), the blocks that a commit may write (`disk-room.ts`, `commit-pages.ts`), a whole file
 *   (`lmdb-file.ts`).
 * - The last acknowledged transaction is noted beside the store (`acknowledged-note.ts`).
 */

import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  statfsSync,
  truncateSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { assert } from '../core/assert.ts';
import { tryDescriptors } from '../core/descriptors.ts';
import { OperatingError, UsageError } from '../core/errors.ts';
import { formatBytes } from '../core/units.ts';
import { folderError, makeFoldersSync, makeUsableFolder, reasonOf, removeFolders } from '../core/folder.ts';
import { FileLock } from '../hash/file-lock.ts';
import { AcknowledgedNote, readAcknowledged } from './acknowledged-note.ts';
import { type TreeShapes, pagesAddedMax } from './commit-pages.ts';
import { DiskRoom } from './disk-room.ts';
import { type CopyFile, copyLmdbFile } from './lmdb-copy.ts';
import { type LmdbMeta, checkLmdbFile, newestMeta, nextMeta } from './lmdb-file.ts';
import { checkFormat, formatOf, noFormatError } from './lmdb-format.ts';
import {
  DESCRIPTORS,
  MAP_BYTES,
  chooseMapBytes,
  mapBytesOf,
  tryBlocks,
  tryFile,
  tryLmdbLock,
  tryMemory,
  tryOwnFile,
  tryReading,
} from './lmdb-needs.ts';
import { Tables } from './lmdb-tables.ts';
import { readProcessLimits } from './process-limits.ts';
import { quietly, reasonOfCommit } from './lmdb-output.ts';
import type { Store, StoreReader, Write } from './store.ts';

const DATA_FILE = 'store.lmdb';
const LOCK_FILE = 'store.lock';
const NOTE_FILE = 'store.acknowledged';
const NOTE_FILE_BYTES = 4096;
/** Prefix of folders with copies of other stores. */
const COPY_PREFIX = 'store.copy-';
/** LMDB's bound with pages of 4096 bytes. */
const KEY_BYTES_MAX = 1978;
/** LMDB's two meta pages, and the most that it writes when it opens each new table. */
const META_BYTES = 2 * 4096;
const TABLE_BYTES = 5 * 4096;
/** Up to this size a commit reserves room by a rough bound, without asking the trees for their size. */
const LOOSE_BYTES_MAX = 4 * 1024 ** 2;
/** Command-line option that names the folder, for errors. */
const OPTION = '--data';

export type LmdbStoreOptions = {
  /** Folder; made when missing. */
  readonly folder: string;
  /** The kind of component that owns the store: a broker does not open a summer's store. */
  readonly kind: 'broker' | 'summer' | 'chunker';
  readonly tables: readonly string[];
  /** Gets one line about the opened store, when there is something that the owner should know. */
  readonly tell?: (line: string) => void;
};

export type ReadStoreOptions = Omit<LmdbStoreOptions, 'tell'> & {
  /**
   * Where the copy is made, on a disk that has room for it. The folder belongs to the caller and is made when missing.
   * A killed process leaves its copy there until a store is opened in the folder, or the caller removes it.
   */
  readonly scratchFolder: string;
  /** How a file is copied. */
  readonly copyOnce?: CopyFile;
  /** How many copies may meet a commit. The default is far above what a fenced process still commits. */
  readonly copyAttemptsMax?: number | undefined;
};

class LmdbStore extends Tables implements Store {
  readonly path: string;
  readonly #file: string;
  readonly #lock: FileLock;
  readonly #note: AcknowledgedNote;
  readonly #room: DiskRoom;
  /** The store's file, open for reading its meta pages. */
  readonly #descriptor: number;
  /** Its newest meta page. */
  #meta: LmdbMeta;
  #isCommitting = false;

  constructor(
    folder: string,
    options: { tables: readonly string[]; mapBytes: number; lock: FileLock; room: DiskRoom },
  ) {
    const file = join(folder, DATA_FILE);
    super(file, { ...options, readOnly: false });
    this.#file = file;
    this.#lock = options.lock;
    this.#room = options.room;
    this.#note = new AcknowledgedNote(join(folder, NOTE_FILE));
    this.#descriptor = openSync(file, 'r');
    this.#meta = checked(newestMeta(this.#descriptor));
    this.path = realpathSync(folder);
  }

  async commit(writes: readonly Write[]): Promise<void> {
    assert(!this.#isCommitting, 'one commit at a time');
    this.#isCommitting = true;
    // Nothing may throw inside the batch: the writes before it would be committed without the rest.
    const resolved = writes.map(({ table, key, value }) => {
      assert(key.length > 0 && key.length <= KEY_BYTES_MAX, `a key of ${key.length} bytes`);
      return { database: this.table(table), key, value };
    });
    try {
      this.#makeRoom(writes);
      await quietly(() =>
        this.root.batch(() => {
          for (const { database, key, value } of resolved) {
            if (value === null) void database.remove(key);
            else void database.put(key, value as Buffer);
          }
        }),
      );
      this.noteAcknowledged();
    } catch (cause) {
      this.#noteFailure();
      const detail = await commitErrorOf(cause);
      throw new OperatingError('ERR_STORE_COMMIT', `the commit to ${this.path} failed: ${detail}`, { cause });
    }
    this.#isCommitting = false;
    // This use of the writes keeps every value alive until the commit has resolved: LMDB has only pointers.
    assert(resolved.length === writes.length, 'every write was handed over');
  }

  /** Everything that is on disk may be acknowledged from now on. */
  noteAcknowledged(): void {
    this.#meta = checked(nextMeta(this.#descriptor, this.#meta));
    this.#note.acknowledged(this.#meta.transaction);
  }

  diskBytes(): number {
    const { blocks, size } = statSync(this.#file);
    // Blocks beyond the end are reserved but not yet used.
    return Math.min(blocks * 512, size);
  }

  async close(): Promise<void> {
    await this.root.close();
    closeSync(this.#descriptor);
    this.#note.close();
    this.#lock.release();
  }

  #makeRoom(writes: readonly Write[]): void {
    const { pages, pageBytes } = this.#meta;
    const bytesWith = (shapes: TreeShapes): number => (pages + pagesAddedMax(writes, this.#meta, shapes)) * pageBytes;
    const loose = bytesWith(null);
    // A few pages too many cost less than asking the trees for their size, unless there is no such room.
    if (loose - pages * pageBytes <= LOOSE_BYTES_MAX && this.#room.has(loose)) return;
    this.#room.ensure(bytesWith((table) => this.treeShape(table)));
  }

  #noteFailure(): void {
    try {
      this.#note.failed();
    } catch {
      // The disk is failing. The note would help the next start, but the failure of the commit is what counts.
    }
  }
}

function checked(meta: LmdbMeta | null): LmdbMeta {
  assert(meta !== null, 'an open store has its meta pages');
  return meta;
}

/** Opens the store in a folder for its one writing process. */
export async function openLmdbStore(options: LmdbStoreOptions): Promise<Store> {
  const { folder } = options;
  tryOpening(folder, () => tryDescriptors(DESCRIPTORS));
  const made = makeUsableFolder(OPTION, folder);
  let lock: FileLock;
  try {
    lock = lockFolder(folder);
  } catch (error) {
    removeFolders(made);
    throw error;
  }
  try {
    return await openLocked(options, lock);
  } catch (error) {
    lock.release();
    throw openingError(error, folder);
  }
}

function lockFolder(folder: string): FileLock {
  const path = join(folder, LOCK_FILE);
  let lock: FileLock | null;
  try {
    tryFile(path);
    lock = FileLock.tryAcquire(path);
  } catch (error) {
    throw folderError(OPTION, folder, error instanceof OperatingError ? (error.cause ?? error) : error);
  }
  if (lock === null) throw new UsageError(`the data folder ${folder} is in use by another process`);
  return lock;
}

/** Only the process that holds the lock calls this, so no other process changes the folder. */
async function openLocked({ folder, kind, tables, tell }: LmdbStoreOptions, lock: FileLock): Promise<LmdbStore> {
  const file = join(folder, DATA_FILE);
  const note = join(folder, NOTE_FILE);
  removeCopies(folder);
  const limits = readProcessLimits();
  tryMemory(limits);
  const mapBytes = chooseMapBytes(limits);
  const isNew = tryFile(file);
  const room = new DiskRoom(file, { mapBytes });
  try {
    // First, because a file that another program writes cannot be checked.
    tryLmdbLock(file);
    const state = checkLmdbFile(file, { acknowledged: readAcknowledged(note) });
    if (state === 'empty') truncateSync(file, 0);
    tryOwnFile(note);
    tryBlocks(note, NOTE_FILE_BYTES);
    room.ensure(statSync(file).size + META_BYTES + TABLE_BYTES * (tables.length + 1));
    const store = new LmdbStore(folder, { tables, mapBytes, lock, room });
    const hasFormat = checkFormat(store, kind, folder);
    // A commit repairs the meta page that could not be written.
    if (!hasFormat || state === 'failed-commit') await store.commit([formatOf(kind)]);
    else store.noteAcknowledged();
    if (mapBytes < MAP_BYTES) tell?.(`the address space of the process leaves room for a store of ${mapBytes} bytes`);
    return store;
  } catch (error) {
    if (isNew && statSync(file).size === 0) rmSync(file);
    throw error;
  }
}

/** Removes copies that a killed owner of the folder was reading. This process has the lock, so nobody uses them. */
function removeCopies(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (name.startsWith(COPY_PREFIX)) rmSync(join(folder, name), { recursive: true });
  }
}

/**
 * Reads another process's store as one snapshot, whether that process runs, is stopped or is dead. Everything that it
 * had acknowledged before the call is in the snapshot. The function reads a copy, which it removes afterwards, because
 * LMDB must not open the other's files twice (see `lmdb-copy.ts`). Throws ERR_STORE_MISSING, ERR_STORE_BUSY (the
 * process keeps committing), ERR_STORE_DAMAGED, ERR_STORE_OPEN. The callback is called once and must not keep the
 * reader.
 */
export async function readLmdbStore<T>(options: ReadStoreOptions, read: (reader: StoreReader) => T): Promise<T> {
  const file = join(options.folder, DATA_FILE);
  if (!existsSync(file)) throw missingError(options.folder);
  const tables = await openCopy(file, options);
  try {
    if (!checkFormat(tables, options.kind, options.folder)) throw noFormatError(options.folder);
    return read(tables);
  } finally {
    await tables.root.close();
  }
}

/** A process that commits without a pause disturbs each of these attempts. */
const LOOK_ATTEMPTS_MAX = 3;

/**
 * Whether `readLmdbStore` could read that store now: the store exists, it can be copied, and there is room for the
 * copy, for the rows kept from it, and for those of the stores `besides`. Throws what `readLmdbStore` throws, and
 * ERR_STORE_ROOM. A process that commits meanwhile does not matter, but then `check` is not called.
 */
export async function lookAtLmdbStore(
  options: ReadStoreOptions & { readonly besides?: readonly string[] },
  check: (reader: StoreReader) => unknown,
): Promise<void> {
  const { folder, scratchFolder, besides = [] } = options;
  const file = join(folder, DATA_FILE);
  if (!existsSync(file)) throw missingError(folder);
  const { bavail, bsize } = statfsSync(scratchFolder);
  // Room for the copy, which is removed when its rows are written, and for the rows.
  let needed = 2 * statSync(file).size;
  for (const other of besides) needed += statSync(join(other, DATA_FILE), { throwIfNoEntry: false })?.size ?? 0;
  if (bavail * bsize < needed)
    throw new OperatingError(
      'ERR_STORE_ROOM',
      `copying it takes ${formatBytes(needed)}, ${scratchFolder} has room for ${formatBytes(bavail * bsize)}`,
    );
  try {
    await readLmdbStore({ ...options, copyAttemptsMax: LOOK_ATTEMPTS_MAX }, check);
  } catch (error) {
    if (!(error instanceof OperatingError) || error.code !== 'ERR_STORE_BUSY') throw error;
  }
}

function missingError(folder: string): OperatingError {
  return new OperatingError('ERR_STORE_MISSING', `there is no store at ${folder}`);
}

async function openCopy(file: string, options: ReadStoreOptions): Promise<Tables> {
  const { folder, scratchFolder, tables, copyOnce, copyAttemptsMax } = options;
  let copyFolder: string | null = null;
  try {
    tryDescriptors(DESCRIPTORS);
    tryReading(file);
    // Read before the copy is made, so that the copy contains the transaction that the note names.
    const acknowledged = readAcknowledged(join(folder, NOTE_FILE));
    makeFoldersSync(scratchFolder);
    copyFolder = await mkdtemp(join(scratchFolder, COPY_PREFIX));
    const copy = join(copyFolder, DATA_FILE);
    await copyLmdbFile(file, copy, copyOnce, copyAttemptsMax);
    // LMDB would write the first pages, and lmdb-js crashes because it may not.
    if (checkLmdbFile(copy, { name: file, acknowledged }) === 'empty') throw noFormatError(folder);
    const limits = readProcessLimits();
    tryMemory(limits);
    const mapBytes = mapBytesOf(statSync(copy).size, limits);
    tryLmdbLock(copy);
    return new Tables(copy, { tables, mapBytes, readOnly: true });
  } catch (error) {
    throw openingError(error, folder);
  } finally {
    // An open file needs no name, so a process that is killed while it reads leaves nothing behind.
    if (copyFolder !== null) await rm(copyFolder, { recursive: true });
  }
}

/** lmdb-js rejects with a summary, and puts the reason into a promise of its own beside it. */
async function commitErrorOf(error: unknown): Promise<string> {
  const { commitError } = error as { commitError?: Promise<unknown> };
  const reason: unknown = await commitError?.catch((cause: unknown) => cause);
  const shown = reason instanceof Error ? reason : error;
  return reasonOfCommit(shown instanceof Error ? shown.message : String(shown));
}

function openingError(error: unknown, folder: string): unknown {
  if (error instanceof UsageError || (error instanceof OperatingError && !isPlain(error))) return error;
  const detail = error instanceof Error ? reasonOf(error) : String(error);
  return new OperatingError('ERR_STORE_OPEN', `cannot open the store in ${folder}: ${detail}`, { cause: error });
}

/** Errors from the parts name at most the file; the folder is added here. */
function isPlain({ code }: OperatingError): boolean {
  return code === 'ERR_STORE_OPEN' || code === 'ERR_DESCRIPTORS' || code === 'ERR_STORE_FULL';
}

function tryOpening(folder: string, attempt: () => void): void {
  try {
    attempt();
  } catch (error) {
    throw openingError(error, folder);
  }
}
