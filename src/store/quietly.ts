/**
 * Keeps what lmdb-js prints out of stderr: `write.js` gives the reason of a failed commit to `console.error` before it
 * rejects the commit with the same error. A component says one line, and its stderr is a log that programs read.
 */

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
