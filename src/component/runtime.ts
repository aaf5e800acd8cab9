/**
 * What every component shares as a process: its log on stderr, its channel to a supervisor, signals, progress once a
 * second, and exactly one way to end (`process-end.ts`).
 *
 * Rule P-END-2 of docs/protocol.md.
 */

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { EXIT, ViolationError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { ComponentChannel } from './channel.ts';
import type { Component, ComponentCommand, ComponentEvent, ProgressEvent } from './protocol.ts';
import { ProcessEnd, exitProcess } from './process-end.ts';
import { openComponentLog } from './component-log.ts';
import { type Supervision, openOutput } from './supervision.ts';

const PROGRESS_MS = 1_000;
const LAG_RESOLUTION_MS = 10;
/** The longest that a process waits for its supervisor to read when it ends. */
const FLUSH_MS = 2_000;

export type ComponentRuntimeOptions = {
  readonly component: Component;
  readonly supervised: Supervision;
};

export type Served = {
  readonly progress: () => ProgressEvent;
  readonly onCommand?: (command: ComponentCommand) => void;
  /** Resolves when everything that was done is durable. */
  readonly stop: () => Promise<void>;
};

export class ComponentRuntime {
  readonly log: Log;
  readonly #channel: ComponentChannel;
  readonly #end: ProcessEnd;
  readonly #lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  #served: Served | null = null;
  #unfinished: () => string | null = () => null;
  #isStopping = false;

  constructor({ component, supervised }: ComponentRuntimeOptions) {
    const log = openComponentLog(component);
    const output = openOutput(supervised);
    this.log = log;
    this.#end = new ProcessEnd({
      say: (event) => this.emit(event),
      log,
      flush: () => {
        output.flush(FLUSH_MS);
        log.flush();
      },
      exit: exitProcess,
    });
    // Errors of stdout must not end the process, whatever prints there.
    process.stdout.on('error', () => undefined);
    const isSupervised = supervised !== 'not';
    this.#channel = new ComponentChannel({
      input: process.stdin,
      output,
      supervised: isSupervised,
      onCommand: (command) =>
        command.command === 'progress' ? this.#emitProgress() : this.#served?.onCommand?.(command),
      // The supervisor is dead or broken: nobody is left to report to.
      onParentLost: (error) => this.#end.abandon(error),
    });
    process.on('uncaughtException', (error) => this.fail(error));
    process.on('unhandledRejection', (error) => this.fail(error));
    // A closed terminal asks for the same as a service manager.
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
      process.on(signal, () => void this.#shutDown(signal, isSupervised));
  }

  /**
   * Composes the component. A violation during composition ends the process like a later violation. Every other error
   * is left to the command.
   */
  async compose(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ViolationError)) throw error;
      this.fail(error);
    }
  }

  /** From now on the component serves: it reports progress, handles commands, and SIGTERM stops it gracefully. */
  serve(served: Served): void {
    this.#served = served;
    this.#lag.enable();
    setInterval(() => this.#emitProgress(), PROGRESS_MS);
  }

  /**
   * `unfinished` is asked when the component has stopped, even if it never served. It returns in words the work that
   * was asked for and is not done, or null.
   */
  owes(unfinished: () => string | null): void {
    this.#unfinished = unfinished;
  }

  emit(event: ComponentEvent): void {
    this.#channel.emit(event);
  }

  /** Ends the process with the exit code of the error, after one line that says what happened. */
  fail(error: unknown): void {
    this.#end.fail(error);
  }

  /** Sends an event after the newest progress. */
  report(event: ComponentEvent): void {
    this.#emitProgress();
    this.emit(event);
  }

  /** Ends the process after its last event was sent. */
  finish(): void {
    this.#end.finish([]);
  }

  async #shutDown(signal: string, isSupervised: boolean): Promise<void> {
    // A terminal sends Ctrl-C to the whole group; the supervisor decides what its components do.
    if (signal !== 'SIGTERM' && isSupervised) return;
    // Stops once: a second stop would close things that the first stop still needs for its commits.
    if (this.#end.isEnding || this.#isStopping) return;
    this.#isStopping = true;
    this.log.info({ signal }, 'stopping');
    let unfinished: string | null;
    try {
      await this.#served?.stop();
      unfinished = this.#unfinished();
    } catch (error) {
      return this.fail(error);
    }
    const say = [() => this.#emitProgress(), () => this.emit({ event: 'stopped', reason: signal })];
    if (unfinished === null) this.#end.finish(say);
    else this.#end.finish([...say, () => this.log.warn({ signal }, unfinished)], EXIT.inconclusive);
  }

  #emitProgress(): void {
    if (this.#served === null) return;
    const eventLoopLagNsMax = Math.max(0, this.#lag.max - LAG_RESOLUTION_MS * 1e6);
    this.#lag.reset();
    const { used_heap_size: heapBytes } = getHeapStatistics();
    this.emit({ ...this.#served.progress(), eventLoopLagNsMax, heapBytes });
  }
}
