/**
 * The one place that ends a process of this program, in this order: the last event, then the log, then the exit. No
 * failure before the exit can prevent the exit, and a process ends once.
 */

import { closeSync, fstatSync } from 'node:fs';
import { isatty } from 'node:tty';
import { EXIT, FencedError, ViolationError, exitCodeOf } from '../core/errors.ts';
import { type Log, attempt } from '../core/log.ts';
import type { ComponentEvent } from './protocol.ts';

export type ProcessEndOptions = {
  /** Tells whoever started the process. */
  readonly say: (event: ComponentEvent) => void;
  readonly log: Log;
  /** Lines that still wait for a slow reader are written now or never. */
  readonly flush?: () => void;
  readonly exit: (exitCode: number) => void;
};

export class ProcessEnd {
  readonly #options: ProcessEndOptions;
  #isEnding = false;

  constructor(options: ProcessEndOptions) {
    this.#options = options;
  }

  get isEnding(): boolean {
    return this.#isEnding;
  }

  /**
   * Ends with the exit code of the error, after one line that says what happened. A violation is also sent as an event.
   */
  fail(error: unknown): void {
    this.#end(exitCodeOf(error), [() => this.#sayViolation(error), () => logFailure(this.#options.log, error)]);
  }

  /** Ends as was asked. Each step is taken, whatever became of the step before: the last events, then the log. */
  finish(steps: readonly (() => void)[], exitCode: number = EXIT.holds): void {
    this.#end(exitCode, steps);
  }

  /** Ends when nobody is left to report to. */
  abandon(error: unknown): void {
    this.#end(EXIT.internal, error === undefined ? [] : [() => logFailure(this.#options.log, error)]);
  }

  #end(exitCode: number, steps: readonly (() => void)[]): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    for (const step of steps) attempt(step);
    attempt(() => this.#options.flush?.());
    this.#options.exit(exitCode);
  }

  #sayViolation(error: unknown): void {
    if (!(error instanceof ViolationError)) return;
    this.#options.say({ event: 'violation', kind: error.kind, detail: error.message, ...error.witness });
  }
}

function logFailure(log: Log, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof ViolationError) log.fatal({ kind: error.kind, ...error.witness }, error.line);
  else if (error instanceof FencedError) log.warn({ fenced: true }, message);
  else {
    const code = (error as { code?: unknown } | null)?.code;
    const isExpected = exitCodeOf(error) === EXIT.usage || typeof code === 'string';
    log.fatal({ code, stack: isExpected || !(error instanceof Error) ? undefined : error.stack }, message);
  }
}

/** Ends this process. A listener of its exit that throws does not keep it alive. */
export function exitProcess(exitCode: number): void {
  leaveLostTerminals();
  if (attempt(() => process.exit(exitCode))) return;
  const { reallyExit } = process as unknown as { reallyExit: (code: number) => void };
  reallyExit.call(process, exitCode);
}

/**
 * Closes terminals that are gone. At its exit Node 20 restores the mode of each terminal of its standard descriptors,
 * and aborts when the terminal answers EIO (`ResetStdio` in node.cc): by SIGABRT or SIGSEGV, whatever the exit code was
 * to be. It skips a closed descriptor.
 */
export function leaveLostTerminals(): void {
  for (const descriptor of [0, 1, 2]) {
    attempt(() => {
      if (fstatSync(descriptor).isCharacterDevice() && !isatty(descriptor)) closeSync(descriptor);
    });
  }
}
