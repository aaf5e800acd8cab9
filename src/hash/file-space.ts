// Blocks and record locks of files, which must be certain before LMDB gets the file. The functions return the system's
// name of an error (`ENOSPC`), or null.

import { getSystemErrorName } from 'node:util';
import { allocateFile as allocate, probeRecordLocks as probe } from '#addon';
import { checkString } from './bytes.ts';

/**
 * Reserves the blocks of the first `bytes` bytes of a file, holes included; its size and content stay. After that,
 * neither a write there nor a write to a mapping of it can fail for lack of space. EOPNOTSUPP where the file system
 * cannot reserve.
 */
export function allocateFile(path: string, bytes: number): string | null {
  checkString('path', path);
  if (!Number.isSafeInteger(bytes) || bytes < 0) throw new RangeError(`not a number of bytes: ${bytes}`);
  return nameOf(allocate(path, bytes));
}

/**
 * EAGAIN when another process holds a record lock on the file, ENOLCK where the system has no record locks. Nothing
 * stays locked, and all record locks that this process held on the file are lost.
 */
export function probeRecordLocks(path: string): string | null {
  checkString('path', path);
  return nameOf(probe(path));
}

function nameOf(errno: number): string | null {
  return errno === 0 ? null : getSystemErrorName(-errno);
}
