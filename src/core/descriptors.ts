/** Tests whether the process may open more files, before it calls or loads a library that crashes when it may not. */

import { closeSync, openSync } from 'node:fs';
import { OperatingError } from './errors.ts';

/** Throws OperatingError ERR_DESCRIPTORS unless the process may open `count` more files. */
export function tryDescriptors(count: number): void {
  const opened: number[] = [];
  try {
    while (opened.length < count) opened.push(openSync('/dev/null', 'r'));
  } catch (cause) {
    const line = `${count} more open files are needed, and the limit (ulimit -n) leaves ${opened.length}`;
    throw new OperatingError('ERR_DESCRIPTORS', line, { cause });
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}
