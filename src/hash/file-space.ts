// Blocks and record locks of files: what LMDB may only be handed once it is certain. Results are the system's names of
// errors (`ENOSPC`), or null.

import { getSystemErrorName } from 'node:util';
import { allocateFile as allocate, probeRecordLocks as probe } from '#addon';
import { checkString } from './bytes.ts';

/**
 * Reserves the blocks of the first `bytes` bytes of a file, holes included; its size and content stay. Writing there
 * can no longer fail for want of space, nor can writing to a mapping of it. EOPNOTSUPP where the file system cannot.
 */
export function allocateFile(path: string, bytes: number): string | null {
  checkString('path', path);
  if (!Number.isSafeInteger(bytes) || bytes < 0) throw new RangeError(`no number of bytes: ${bytes}`);
  return nameOf(allocate(path, bytes));
}

/**
 * EAGAIN when another process holds a record lock on the file, ENOLCK where there are none. Nothing stays locked. All
 * record locks that this process holds on the file are lost.
 */
export function probeRecordLocks(path: string): string | null {
  checkString('path', path);
  return nameOf(probe(path));
}

function nameOf(errno: number): string | null {
  return errno === 0 ? null : getSystemErrorName(-errno);
}
