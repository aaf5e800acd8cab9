// What a power cut needs of a file system. The functions throw an error with the system's name of it (`ENOSYS`) as its
// code, where the system has no such call or refuses it.

import { getSystemErrorName } from 'node:util';
import { shutDownFileSystem as shutDown, unsyncedFileBytes } from '#addon';
import { OperatingError } from '../core/errors.ts';
import { checkString } from './bytes.ts';

/** Bytes of a file that are changed in memory and not on its disk yet, in whole pages. Needs Linux 6.5. */
export function unsyncedBytes(path: string): number {
  checkString('path', path);
  const bytes = unsyncedFileBytes(path);
  if (bytes < 0) throw refused('cachestat', path, -bytes);
  return bytes;
}

/**
 * Shuts down the ext4 file system of a folder at once, as if its power were cut. What is not on the disk yet is lost,
 * and every later call on its files fails, until it is unmounted and mounted again. Needs root.
 */
export function shutDownFileSystem(path: string): void {
  checkString('path', path);
  const errno = shutDown(path);
  if (errno !== 0) throw refused('EXT4_IOC_SHUTDOWN', path, errno);
}

function refused(what: string, path: string, errno: number): OperatingError {
  const code = getSystemErrorName(-errno);
  return new OperatingError(code, `${what} of ${path}: ${code}`);
}
