/**
 * What every component shares as a process: its log on stderr (one JSON line an event), its channel on stdout and stdin,
 * signals, progress once a second, and exactly one way to end.
 */

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { type Logger, destination, pino } from 'pino';
import { EXIT, FencedError, ViolationError, exitCodeOf } from '../core/errors.ts';
import { ComponentChannel } from '../process/component-channel.ts';
import type { Component, ComponentCommand, ComponentEvent, ProgressEvent } from '../process/component-protocol.ts';

const PROGRESS_MS = 1_000;
const LAG_RESOLUTION_MS = 10;

export type ComponentRuntimeOptions = {
  readonly component: Component;
  readonly supervised: boolean;
};

export class ComponentRuntime {
  readonly log: Logger;
  readonly #channel: ComponentChannel;
  readonly #lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  #progress: (() => ProgressEvent) | null = null;
  #onCommand: (command: ComponentCommand) => void = () => {};
  #stop: (() => Promise<void>) | null = null;
  #isEnding = false;
  #isStopping = false;

  constructor(options: ComponentRuntimeOptions) {
    const { component, supervised } = options;
    this.log = pino(
      {
        base: { component, pid: process.pid },
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (level) => ({ level }) },
      },
      destination({ dest: 2, sync: true }),
    );
    this.#channel = new ComponentChannel({
      input: process.stdin,
      output: process.stdout,
      supervised,
      onCommand: (command) => (command.command === 'progress' ? this.#emitProgress() : this.#onCommand(command)),
      // The supervisor is dead: nobody is left to report to.
      onParentLost: () => process.exit(EXIT.internal),
    });
    process.on('uncaughtException', (error) => this.fail(error));
    process.on('unhandledRejection', (error) => this.fail(error));
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.on(signal, () => void this.#shutDown(signal, supervised));
  }

  /** From now on it serves: progress is reported, commands are handled, SIGTERM stops it gracefully by `stop`. */
  serve(options: {
    progress: () => ProgressEvent;
    onCommand?: (command: ComponentCommand) => void;
    stop: () => Promise<void>;
  }): void {
    this.#progress = options.progress;
    this.#onCommand = options.onCommand ?? this.#onCommand;
    this.#stop = options.stop;
    this.#lag.enable();
    setInterval(() => this.#emitProgress(), PROGRESS_MS);
  }

  emit(event: ComponentEvent): void {
    this.#channel.emit(event);
  }

  /** Ends the process with the exit code of the error, after one line that says what happened. */
  fail(error: unknown): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof ViolationError) {
      this.log.fatal({ kind: error.kind, ...error.witness }, error.line);
      this.emit({ event: 'violation', kind: error.kind, detail: message, ...error.witness });
    } else if (error instanceof FencedError) {
      this.log.warn({ fenced: true }, message);
    } else {
      const code = (error as { code?: unknown } | null)?.code;
      const isExpected = exitCodeOf(error) === EXIT.usage || typeof code === 'string';
      this.log.fatal({ code, stack: isExpected || !(error instanceof Error) ? undefined : error.stack }, message);
    }
    process.exit(exitCodeOf(error));
  }

  /** Ends the process after its last event. */
  finish(event: ComponentEvent): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#emitProgress();
    this.emit(event);
    process.exit(EXIT.holds);
  }

  async #shutDown(signal: string, supervised: boolean): Promise<void> {
    // A terminal sends Ctrl-C to the whole group; the supervisor decides what its components do.
    if (signal === 'SIGINT' && supervised) return;
    // Stopped once: a second stop would close under the first one what that still commits.
    if (this.#isEnding || this.#isStopping) return;
    this.#isStopping = true;
    this.log.info({ signal }, 'stopping');
    try {
      await this.#stop?.();
    } catch (error) {
      return this.fail(error);
    }
    this.finish({ event: 'stopped', reason: signal });
  }

  #emitProgress(): void {
    if (this.#progress === null) return;
    const eventLoopLagNsMax = Math.max(0, this.#lag.max - LAG_RESOLUTION_MS * 1e6);
    this.#lag.reset();
    this.emit({ ...this.#progress(), eventLoopLagNsMax });
  }
}
