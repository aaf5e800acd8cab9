/** Open files: tried before a library is called, or loaded, that fails badly or dies when it may open no more. */

import { closeSync, openSync } from 'node:fs';
import { OperatingError } from './errors.ts';

/** Throws OperatingError ERR_DESCRIPTORS unless the process may open as many files more. */
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
