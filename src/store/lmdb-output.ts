/**
 * Keeps what lmdb-js prints out of stderr: `write.js` gives the reason of a failed commit to `console.error` before it
 * rejects the commit with the same error. A component says one line, and its stderr is a log that programs read.
 *
 * What its C code prints itself cannot be kept out: `Write error: ...` when a write of data pages fails by anything but
 * want of space, which is reserved before. It has no end of line, so the next line would be part of it.
 */

import { writeSync } from 'node:fs';

/** Calls of `quietly` that have not ended. */
let running = 0;
const { error: print } = console;

/** Runs one commit; errors that lmdb-js prints meanwhile are not printed. They are in the rejection. */
export async function quietly<T>(commit: () => Promise<T>): Promise<T> {
  if (running === 0) console.error = printOthers;
  running += 1;
  try {
    return await commit();
  } finally {
    running -= 1;
    if (running === 0) console.error = print;
  }
}

function printOthers(...args: readonly unknown[]): void {
  if (!(args.length === 1 && args[0] instanceof Error)) print.call(console, ...args);
}

/** What LMDB adds to the reason of a write that failed; it has printed to stderr then. */
const FAILED_WRITE = /: Attempting to write page at position .*$/s;

/** The reason of a failed commit in the system's words, on a line of its own. */
export function reasonOfCommit(reason: string): string {
  if (!FAILED_WRITE.test(reason)) return reason;
  try {
    writeSync(process.stderr.fd, '\n');
  } catch {
    // Nobody reads it.
  }
  return reason.replace(FAILED_WRITE, '');
}
