/**
 * Tests what LMDB needs of the system to open a store, before LMDB is called. In lmdb-js 3.5.6 a failed open ends the
 * process: `closeEnv` runs on an environment whose context is already deleted (SIGSEGV), and the lock file is written
 * through a mapping (SIGBUS when its blocks are not available). So opening must not fail inside LMDB.
 *
 * Everything that is refused here is OperatingError ERR_STORE_OPEN, in one line.
 */

import { closeSync, constants, fstatSync, openSync, rmSync } from 'node:fs';
import { OperatingError } from '../core/errors.ts';
import { reasonOf } from '../core/folder.ts';
import { allocateFile, probeRecordLocks } from '../hash/file-space.ts';
import type { ProcessLimits } from './process-limits.ts';

/** Address space reserved for a store; it takes no memory and no disk until it is used. */
export const MAP_BYTES: number = 64 * 1024 ** 3;
/** A store with less room cannot hold what its owner is told to keep. */
export const MAP_BYTES_MIN: number = 1024 ** 3;
/** What the rest of a process takes while it runs: heap, stacks and arenas of its threads, message buffers. */
const OTHER_BYTES = 1.5 * 1024 ** 3;
/** What reading a copy takes in addition to the map. */
const READING_BYTES = 256 * 1024 ** 2;
/** LMDB allocates lists of pages of about 4 MiB at once. */
const DATA_BYTES = 64 * 1024 ** 2;
/** `mdb_freelist_save` has an array of 100,000 bytes on the stack. */
const STACK_BYTES = 512 * 1024;
/** LMDB holds three files, and opens two more for a moment. The rest is for reading /proc and for sockets. */
export const DESCRIPTORS: number = 16;
/** The lock file has 126 slots of 64 bytes. */
const LOCK_BYTES = 16 * 1024;

/** The largest map that leaves the rest of the process enough: MAP_BYTES, or half of it, and so on. */
export function chooseMapBytes({ addressBytes }: Pick<ProcessLimits, 'addressBytes'>): number {
  for (let bytes = MAP_BYTES; bytes >= MAP_BYTES_MIN; bytes /= 2) if (bytes + OTHER_BYTES <= addressBytes) return bytes;
  const needed = sizeOf(MAP_BYTES_MIN + OTHER_BYTES);
  throw refused(`it needs ${needed} of address space, and the limit (ulimit -v) leaves ${sizeOf(addressBytes)}`);
}

/** A map for a file that is only read: as large as the file. */
export function mapBytesOf(fileBytes: number, limits: Pick<ProcessLimits, 'addressBytes'>): number {
  const bytes = Math.ceil(fileBytes / 1024 ** 2 + 1) * 1024 ** 2;
  if (bytes + READING_BYTES <= limits.addressBytes) return bytes;
  const needed = sizeOf(bytes + READING_BYTES);
  throw refused(
    `reading it needs ${needed} of address space, and the limit (ulimit -v) leaves ${sizeOf(limits.addressBytes)}`,
  );
}

/** Tests that LMDB may take the memory that it needs in addition to the map. */
export function tryMemory({ dataBytes, stackBytes }: Pick<ProcessLimits, 'dataBytes' | 'stackBytes'>): void {
  if (dataBytes < DATA_BYTES) {
    throw refused(`it needs ${sizeOf(DATA_BYTES)} of memory, and the limit (ulimit -d) leaves ${sizeOf(dataBytes)}`);
  }
  if (stackBytes >= STACK_BYTES) return;
  const limit = `the limit (ulimit -s) is ${stackBytes / 1024} KiB`;
  throw refused(`a thread that writes needs a stack of ${STACK_BYTES / 1024} KiB, and ${limit}`);
}

/**
 * Makes a file of the store if it is missing, and tests that it is a plain file that can be read and written. Returns
 * true when it made the file.
 */
export function tryFile(path: string, flags: number = 0): boolean {
  const opening = constants.O_RDWR | constants.O_NONBLOCK | flags;
  if (openPlain(path, opening | constants.O_CREAT | constants.O_EXCL, ['EEXIST'])) return true;
  openPlain(path, opening, []);
  return false;
}

/**
 * Tests a file whose content is ours to overwrite. Links are refused, because a link may lead to somebody else's file.
 */
export function tryOwnFile(path: string): boolean {
  return tryFile(path, constants.O_NOFOLLOW);
}

/** Tests that a file is a plain file that can be read. */
export function tryReading(path: string): void {
  openPlain(path, constants.O_RDONLY | constants.O_NONBLOCK, []);
}

/** False when opening fails with one of the expected errors. */
function openPlain(path: string, flags: number, expected: readonly string[]): boolean {
  try {
    const descriptor = openSync(path, flags);
    try {
      if (!fstatSync(descriptor).isFile()) throw new Error('it is not a plain file');
      return true;
    } finally {
      closeSync(descriptor);
    }
  } catch (cause) {
    if (expected.includes((cause as NodeJS.ErrnoException).code ?? '')) return false;
    throw refused(`cannot use ${path}: ${reasonOf(cause)}`, cause);
  }
}

/** Reserves the blocks of a file of the store. */
export function tryBlocks(path: string, bytes: number): void {
  const error = allocateFile(path, bytes);
  // A file system that cannot reserve blocks may or may not have them when they are written.
  if (error === null || error === 'EOPNOTSUPP') return;
  throw refused(`cannot reserve ${bytes} bytes of disk for ${path}: ${error}`);
}

/**
 * Tests the lock file that LMDB has beside its file, and maps: a plain file, with its blocks, that nobody else has
 * locked. A lock file that a killed owner left is made anew. Only the holder of the folder may call this.
 */
export function tryLmdbLock(file: string): void {
  const path = `${file}-lock`;
  const isMade = tryOwnFile(path);
  const error = probeRecordLocks(path);
  if (error === 'EAGAIN' || error === 'EACCES') throw refused(`another program has opened ${file} with LMDB`);
  if (error !== null) throw refused(`cannot lock ${path}: ${error}`);
  try {
    tryBlocks(path, LOCK_BYTES);
  } catch (refusal) {
    if (isMade) rmSync(path);
    throw refusal;
  }
}

function sizeOf(bytes: number): string {
  return `${Math.floor(bytes / 1024 ** 2)} MiB`;
}

function refused(detail: string, cause?: unknown): OperatingError {
  return new OperatingError('ERR_STORE_OPEN', detail, { cause });
}
