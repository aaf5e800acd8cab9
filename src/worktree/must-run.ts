/** Runs programs to their end, with their output in a log, for those who need that they succeed. */

import { OperatingError, interruptedError } from '../core/errors.ts';
import { withoutGitVariables } from '../results/repository.ts';
import { howEnded } from '../fleet/child.ts';
import { lastLogLines } from '../fleet/exit-judgement.ts';
import { runToEnd } from '../fleet/run-to-end.ts';

const LOG_LINES_SHOWN = 5;
/** The time from SIGTERM to SIGKILL. npm first undoes an installation, which takes a while. */
const END_MS_MAX = 3_000;

export type MustRunOptions = {
  readonly argv: readonly string[];
  readonly cwd: string;
  /** Output is appended to this file. */
  readonly logPath: string;
  /** Ends the program and everything that it has started: by SIGTERM, then by SIGKILL. */
  readonly signal: AbortSignal;
};

/** A program that did not exit with 0. */
export class ChildError extends OperatingError {
  /** Null: a signal has ended the program, or it was not started. */
  readonly exitCode: number | null;

  constructor(message: string, exitCode: number | null) {
    super('ERR_CHILD', message);
    this.exitCode = exitCode;
  }
}

/** Throws a ChildError with the last lines of the log unless the program exits with 0. */
export async function mustRun(what: string, { argv, cwd, logPath, signal }: MustRunOptions): Promise<void> {
  const end = await runToEnd({
    argv,
    cwd,
    // Git in that program must find the repository of its folder, not that of a hook in which this program runs.
    environment: withoutGitVariables(process.env),
    output: { logPath },
    isDetached: true,
    abort: { signal, graceMs: END_MS_MAX },
  });
  if (signal.aborted) throw interruptedError();
  if (end.code === 0) return;
  const lines = end.error === null ? lastLogLines(logPath, LOG_LINES_SHOWN) : [];
  throw new ChildError([`${what} failed: ${howEnded(end)}`, ...lines].join('; '), end.code);
}
