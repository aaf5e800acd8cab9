/**
 * What LMDB needs of the system to open a store, tried before it is called. In lmdb-js 3.5.6 a failing open ends the
 * process: `closeEnv` runs on an environment whose context is deleted already (SIGSEGV), and the lock file is written
 * through a mapping (SIGBUS when its blocks cannot be had). So nothing may fail in there.
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
/** What reading a copy takes besides the map. */
const READING_BYTES = 256 * 1024 ** 2;
/** Lists of pages take some 4 MiB at once. */
const DATA_BYTES = 64 * 1024 ** 2;
/** `mdb_freelist_save` has an array of 100,000 bytes on it. */
const STACK_BYTES = 512 * 1024;
/** LMDB holds three files, and opens two more for a moment; what is above is for reading /proc and for sockets. */
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

/** Tries that LMDB may take the memory that it takes besides the map. */
export function tryMemory({ dataBytes, stackBytes }: Pick<ProcessLimits, 'dataBytes' | 'stackBytes'>): void {
  if (dataBytes < DATA_BYTES) {
    throw refused(`it needs ${sizeOf(DATA_BYTES)} of memory, and the limit (ulimit -d) leaves ${sizeOf(dataBytes)}`);
  }
  if (stackBytes >= STACK_BYTES) return;
  const limit = `the limit (ulimit -s) is ${stackBytes / 1024} KiB`;
  throw refused(`a thread that writes needs a stack of ${STACK_BYTES / 1024} KiB, and ${limit}`);
}

/**
 * Makes a file of the store if it is missing, and tries that it can be read and written and is a plain file. True
 * when it was made.
 */
export function tryFile(path: string, flags: number = 0): boolean {
  const opening = constants.O_RDWR | constants.O_NONBLOCK | flags;
  if (openPlain(path, opening | constants.O_CREAT | constants.O_EXCL, ['EEXIST'])) return true;
  openPlain(path, opening, []);
  return false;
}

/** Tries a file whose content is ours to overwrite. A link may lead to somebody else's file, so links are refused. */
export function tryOwnFile(path: string): boolean {
  return tryFile(path, constants.O_NOFOLLOW);
}

/** Tries that a file can be read and is a plain one. */
export function tryReading(path: string): void {
  openPlain(path, constants.O_RDONLY | constants.O_NONBLOCK, []);
}

/** False when it fails by one of the errors that are expected. */
function openPlain(path: string, flags: number, expected: readonly string[]): boolean {
  try {
    const descriptor = openSync(path, flags);
    try {
      if (!fstatSync(descriptor).isFile()) throw new Error('it is no plain file');
      return true;
    } finally {
      closeSync(descriptor);
    }
  } catch (cause) {
    if (expected.includes((cause as NodeJS.ErrnoException).code ?? '')) return false;
    throw refused(`cannot use ${path}: ${reasonOf(cause)}`, cause);
  }
}

/** Reserves the blocks of a file of ours. */
export function tryBlocks(path: string, bytes: number): void {
  const error = allocateFile(path, bytes);
  // A file system that cannot reserve blocks has them when they are written, or not.
  if (error === null || error === 'EOPNOTSUPP') return;
  throw refused(`cannot reserve ${bytes} bytes of disk for ${path}: ${error}`);
}

/**
 * Tries the lock file that LMDB has beside its file, and maps: a plain file that nobody else has locked, with its
 * blocks. It is made anew when a killed owner left it; only the holder of the folder may call this.
 */
export function tryLmdbLock(file: string): void {
  const path = `${file}-lock`;
  const isMade = tryOwnFile(path);
  const error = probeRecordLocks(path);
  if (error === 'EAGAIN' || error === 'EACCES') throw refused(`another program has opened ${file} by LMDB`);
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
