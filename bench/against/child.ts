/** Programs that are run to their end, with what they say in a log. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { OperatingError } from '../../src/core/errors.ts';
import { lastLogLines } from '../../src/process/exit-judgement.ts';

const LOG_LINES_SHOWN = 5;

export type ChildOptions = {
  readonly command: string;
  readonly argv: readonly string[];
  readonly cwd: string;
  /** Appended to. */
  readonly logPath: string;
  /** Ends the program by SIGTERM. */
  readonly signal: AbortSignal;
};

/** Resolves to the exit code; null when a signal has ended it. Throws OperatingError when it cannot be started. */
export async function runChild(options: ChildOptions): Promise<number | null> {
  const { command, argv, cwd, logPath, signal } = options;
  const log = openSync(logPath, 'a');
  try {
    const child = spawn(command, [...argv], { cwd, stdio: ['ignore', log, log] });
    const onAbort = (): boolean => child.kill('SIGTERM');
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const [code]: (number | null)[] = await once(child, 'close');
      return code ?? null;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  } catch (cause) {
    throw new OperatingError('ERR_SPAWN', `cannot run ${command}: ${String(cause)}`, { cause });
  } finally {
    closeSync(log);
  }
}

/** Throws OperatingError with the last lines of the log unless it exits with 0. */
export async function mustRun(what: string, options: ChildOptions): Promise<void> {
  const code = options.signal.aborted ? null : await runChild(options);
  if (options.signal.aborted) throw new OperatingError('ERR_INTERRUPTED', 'interrupted');
  if (code === 0) return;
  const lines = lastLogLines(options.logPath, LOG_LINES_SHOWN);
  throw new OperatingError('ERR_CHILD', [`${what} failed (exit code ${code})`, ...lines].join('; '));
}
