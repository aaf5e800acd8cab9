/** Runs programs to their end, with their output in a log. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { OperatingError, interruptedError } from '../core/errors.ts';
import { withoutGitVariables } from '../results/repository.ts';
import { lastLogLines } from '../fleet/exit-judgement.ts';

const LOG_LINES_SHOWN = 5;
/** The time from SIGTERM to SIGKILL. npm first undoes an installation, which takes a while. */
const END_MS_MAX = 3_000;

export type ChildOptions = {
  readonly command: string;
  readonly argv: readonly string[];
  readonly cwd: string;
  /** Output is appended to this file. */
  readonly logPath: string;
  /** Ends the program and everything that it has started: by SIGTERM, then by SIGKILL. */
  readonly signal: AbortSignal;
};

/**
 * Resolves to the exit code; null when a signal has ended the program. Throws OperatingError when it cannot be started.
 */
export async function runChild(options: ChildOptions): Promise<number | null> {
  const { command, argv, cwd, logPath, signal } = options;
  const log = openSync(logPath, 'a');
  try {
    // A separate process group, so that everything the program has started ends with it. Git in that program must find
    // the repository of its folder, not that of a hook in which this program runs.
    const env = withoutGitVariables(process.env);
    const child = spawn(command, [...argv], { cwd, env, stdio: ['ignore', log, log], detached: true });
    let killTimer: NodeJS.Timeout | undefined;
    const onAbort = (): void => {
      signalGroup(child, 'SIGTERM');
      killTimer = setTimeout(() => signalGroup(child, 'SIGKILL'), END_MS_MAX);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const [code]: (number | null)[] = await once(child, 'close');
      return code ?? null;
    } finally {
      clearTimeout(killTimer);
      signal.removeEventListener('abort', onAbort);
    }
  } catch (cause) {
    throw new OperatingError('ERR_SPAWN', `cannot run ${command}: ${String(cause)}`, { cause });
  } finally {
    closeSync(log);
  }
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // The program has ended already.
  }
}

/** A program that did not exit with 0. */
export class ChildError extends OperatingError {
  /** Null: a signal has ended the program. */
  readonly exitCode: number | null;

  constructor(message: string, exitCode: number | null) {
    super('ERR_CHILD', message);
    this.exitCode = exitCode;
  }
}

/** Throws a ChildError with the last lines of the log unless the program exits with 0. */
export async function mustRun(what: string, options: ChildOptions): Promise<void> {
  const code = options.signal.aborted ? null : await runChild(options);
  if (options.signal.aborted) throw interruptedError();
  if (code === 0) return;
  const lines = lastLogLines(options.logPath, LOG_LINES_SHOWN);
  throw new ChildError([`${what} failed (exit code ${code})`, ...lines].join('; '), code);
}
