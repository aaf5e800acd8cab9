/**
 * A copy of the file of a store that another process may be writing: one committed snapshot, whole.
 *
 * Why a copy: no second process may open a store in place with LMDB, not even read-only. `mdb_env_open2` in mdb.c of
 * lmdb-js 3.5.6 reads the meta pages, maps the file, and then writes the transaction id that it has read into the
 * shared lock file. If the owner commits in between, its next transaction overwrites that commit: an acknowledged
 * commit is lost, or the owner crashes (OpenLDAP ITS#9496, fixed in LMDB 0.9.29 but not in this fork).
 *
 * Why the copy is whole: a transaction never writes into pages of the newest committed snapshot. The next transactions
 * use the pages that a commit frees, so a copy counts only if no transaction was committed while it was made. A
 * transaction writes only the meta page of the older snapshot.
 */

import { constants } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { delay, systemClock } from '../core/clock.ts';
import { OperatingError } from '../core/errors.ts';
import { newestTransaction } from './lmdb-file.ts';

/** A fenced process has stopped committing long before the last attempt. */
export const COPY_ATTEMPTS_MAX = 100;
const RETRY_MS = 20;

/** Copies one file, replacing the target. */
export type CopyFile = (from: string, to: string) => Promise<void>;

/**
 * Copies the newest snapshot of a store, with every commit that had resolved before the call, whether its process runs,
 * is stopped or is dead. Throws ERR_STORE_BUSY when every attempt met a commit. It does not check the copy: a damaged
 * file is copied as it is.
 */
export async function copyLmdbFile(
  from: string,
  to: string,
  copyOnce: CopyFile = cloneOrCopy,
  attemptsMax: number = COPY_ATTEMPTS_MAX,
): Promise<void> {
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    if (attempt > 0) await delay(systemClock, RETRY_MS);
    const before = newestTransaction(from);
    await copyOnce(from, to);
    if (newestTransaction(from) === before) return;
  }
  const detail = `${from} changed during each of ${attemptsMax} copies: its process still commits`;
  throw new OperatingError('ERR_STORE_BUSY', detail);
}

async function cloneOrCopy(from: string, to: string): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_FICLONE);
}
