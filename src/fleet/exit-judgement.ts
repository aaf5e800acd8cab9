/**
 * Whether a process ended as it was asked to, and the words for it when it did not. Pure, except that it reads the log
 * of the process.
 */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { EXIT } from '../core/errors.ts';
import type { ProcessExit } from './component-process.ts';

/** How many of the last lines of a log a failure has. */
export const LOG_LINES_SHOWN: number = 3;

/** How one process failed a run. */
export type Failure = {
  readonly process: string;
  /** One line. */
  readonly what: string;
  /** Null when the process did not exit. */
  readonly exitCode: number | null;
  /** The process exited before it was ready for the first time since its start. */
  readonly beforeReady: boolean;
  readonly lastLogLines: readonly string[];
};

/** As planned, or one line that says what happened instead. */
export function judgeExit(exit: ProcessExit, drained: boolean): 'as planned' | { readonly what: string } {
  const { code, signal, intent, pid } = exit;
  switch (intent) {
    case 'kill':
      if (signal === 'SIGKILL') return 'as planned';
      break;
    case 'stop':
    case 'restart':
      if (code === EXIT.holds) return 'as planned';
      break;
    case 'replace':
    case 'retire':
      // The process may be killed first, and come back to hear that it is replaced.
      if (code === EXIT.fenced || signal === 'SIGKILL') return 'as planned';
      break;
    case 'drain':
      if (code === EXIT.holds && drained) return 'as planned';
      if (code === EXIT.holds) return { what: `pid ${pid} exited with 0 without saying that it had drained` };
      break;
    case 'abandon':
      if (code !== EXIT.violation) return 'as planned';
      break;
    case 'run':
      break;
    default:
      return intent satisfies never;
  }
  if (signal !== null) {
    const instead = isAskedToStop(intent) ? 'instead of exiting with 0' : 'which this run did not send';
    return { what: `pid ${pid} was ended by ${signal}, ${instead}` };
  }
  return { what: `pid ${pid} exited unexpectedly with ${code} (${MEANINGS.get(code) ?? 'an unknown code'})` };
}

/**
 * Whether a signal that this run did not send ended the process: a library aborted, the map of a store could not be
 * read, or the system was out of memory. False when the process was asked to end.
 */
export function isCrash({ signal, intent }: ProcessExit): boolean {
  if (signal === null || isAskedToStop(intent) || intent === 'abandon') return false;
  const isKilled = intent === 'kill' || intent === 'replace' || intent === 'retire';
  return !isKilled || signal !== 'SIGKILL';
}

/** Whether it has ended before it was ready by an exit that says why: it does not take its arguments or its folder. */
export function isRefusal({ code, signal, intent, wasReady }: ProcessExit): boolean {
  return !wasReady && intent === 'run' && signal === null && (code === EXIT.usage || code === EXIT.internal);
}

function isAskedToStop(intent: ProcessExit['intent']): boolean {
  return intent === 'stop' || intent === 'restart';
}

const MEANINGS: ReadonlyMap<number | null, string> = new Map([
  [EXIT.holds, 'a normal end'],
  [EXIT.internal, 'an internal error'],
  [EXIT.usage, 'bad usage'],
  [EXIT.inconclusive, 'its sums can no longer be read'],
  [EXIT.violation, 'a violation'],
  [EXIT.fenced, 'fenced: replaced by a newer owner'],
]);

const LOG_TAIL_BYTES = 16 * 1024;
const LINE_LENGTH_SHOWN = 300;

/** The last lines of a log. A JSON line is shown as its message without the level. Empty when there is no log. */
export function lastLogLines(path: string, count: number): string[] {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch {
    return [];
  }
  try {
    const size = fstatSync(descriptor).size;
    const bytes = Buffer.alloc(Math.min(size, LOG_TAIL_BYTES));
    readSync(descriptor, bytes, 0, bytes.length, size - bytes.length);
    const lines = bytes.toString('utf8').split('\n');
    return lines
      .filter((line) => line.trim() !== '')
      .slice(-count)
      .map((line) => messageOf(line).slice(0, LINE_LENGTH_SHOWN));
  } finally {
    closeSync(descriptor);
  }
}

/** The text of one log line: `msg` and the error of a JSON line, else the line itself. */
export function messageOf(line: string): string {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null || !('msg' in value) || typeof value.msg !== 'string') return line;
    const error = 'err' in value && typeof value.err === 'object' && value.err !== null ? value.err : {};
    const cause = 'message' in error && typeof error.message === 'string' ? error.message : '';
    return cause === '' || value.msg.includes(cause) ? value.msg : `${value.msg}: ${cause}`;
  } catch {
    return line;
  }
}
