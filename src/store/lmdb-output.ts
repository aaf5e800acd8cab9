/**
 * Keeps lmdb-js from printing to stderr: `write.js` gives the reason of a failed commit to `console.error` before it
 * rejects the commit with the same error. A component says one line, and programs read its stderr as a log.
 *
 * Output of LMDB's C code cannot be suppressed: `Write error: ...`, when a write of data pages fails for another reason
 * than lack of space (space is reserved before). That output has no end of line, so the next line is appended to it.
 */

import { writeSync } from 'node:fs';

/** Calls of `quietly` that have not ended. */
let running = 0;
const { error: print } = console;

/** Runs one commit, and suppresses the errors that lmdb-js prints meanwhile. They are in the rejection. */
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

/** The text that LMDB adds to the reason of a failed write. In this case LMDB has printed to stderr. */
const FAILED_WRITE = /: Attempting to write page at position .*$/s;

/** The reason of a failed commit in the system's words, on a separate line. */
export function reasonOfCommit(reason: string): string {
  if (!FAILED_WRITE.test(reason)) return reason;
  try {
    writeSync(process.stderr.fd, '\n');
  } catch {
    // Nobody reads it.
  }
  return reason.replace(FAILED_WRITE, '');
}
