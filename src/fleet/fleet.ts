/**
 * All processes of a run. The fleet starts them in order, starts them again after a planned end, stops and continues
 * them, replaces them, asks them for progress, and ends them in order. Every exit is judged by what was asked of the
 * process. An exit that was not asked for is a failure of the run.
 */

import { join } from 'node:path';
import type { Component, ComponentEvent } from '../component/protocol.ts';
import { type Clock, delay } from '../core/clock.ts';
import { OperatingError } from '../core/errors.ts';
import { makeFoldersSync } from '../core/folder.ts';
import {
  ComponentProcess,
  type ComponentProcessListener,
  type ComponentSpec,
  type Launch,
  type ProcessExit,
} from './component-process.ts';
import { type Failure, LOG_LINES_SHOWN, isCrash, isRefusal, judgeExit, lastLogLines } from './exit-judgement.ts';
import { Pauser } from './pauser.ts';
import { Commands } from './commands.ts';
import { until } from './waiting.ts';

/** The time from the start of a process to its ready line. */
export const READY_MS_MAX: number = 60_000;
/** The time from SIGTERM to the exit; then SIGKILL. */
export const STOP_MS_MAX: number = 30_000;
/** The time from SIGTERM to the exit when the run has already failed. */
const ABANDON_MS_MAX = 5_000;
/** How long the fleet waits for an answer to a request for progress. */
const PROGRESS_MS_MAX = 250;
/** Calls of `checkAlive`, one a second, without any line of a process, after which the process counts as hung. */
export const SILENT_CHECKS_MAX: number = 60;
/** How often a process is started again after a signal that nobody sent has ended it. */
export const CRASHES_MAX: number = 5;

export type FleetListener = {
  onEvent(process: ComponentProcess, event: ComponentEvent): void;
  /** A process has ended; nothing has been done about it yet. */
  onExit?(process: ComponentProcess, exit: ProcessExit): void;
  /** A planned end has come: by a kill, a restart or a successor. */
  onPlannedEnd(process: ComponentProcess, exit: ProcessExit): void;
  /**
   * A signal that nobody sent has ended a process, and the fleet starts it again. Without this listener, or when one
   * process has ended so too often, this is a failure.
   */
  onCrashed?(crash: Failure): void;
  /** The process is started again when this resolves; without this listener, at once. Never rejects. */
  beforeRestart?(process: ComponentProcess): Promise<void>;
  /**
   * All processes of one component are ready for the first time. The next component is started when this resolves.
   * Never rejects.
   */
  onStarted?(component: Component): Promise<void>;
  onFailure(failure: Failure): void;
};

export class Fleet {
  readonly #processes: Map<string, ComponentProcess> = new Map();
  readonly #drained: Set<string> = new Set();
  /** Reports of each process since its start, and checks without a report. */
  readonly #reports: Map<string, number> = new Map();
  readonly #silentChecks: Map<string, number> = new Map();
  readonly #crashes: Map<string, number> = new Map();
  /** Processes whose place others have taken: they may be down. */
  readonly #replaced: Set<string> = new Set();
  readonly #pauser: Pauser;
  readonly #makeProcess: (spec: ComponentSpec, launch: Launch) => ComponentProcess;
  readonly #commands: Commands;
  readonly #launch: Launch;
  /** By process that a build may refuse to run on, the one by which it is then started. */
  readonly #trials: Map<string, Launch> = new Map();
  readonly #clock: Clock;
  readonly #listener: FleetListener;
  #restarting = true;

  constructor(options: {
    readonly specs: readonly ComponentSpec[];
    readonly launch: Launch;
    /** By which the processes are started at first; absent: `launch`. */
    readonly firstLaunch?: Launch | undefined;
    readonly logsFolder: string;
    readonly clock: Clock;
    readonly listener: FleetListener;
    /** Additional variables for the process of this name; absent: none. */
    readonly environmentOf?: (name: string) => Readonly<Record<string, string>>;
  }) {
    const { specs, launch, firstLaunch = launch, logsFolder, environmentOf } = options;
    this.#clock = options.clock;
    this.#listener = options.listener;
    this.#launch = launch;
    makeFoldersSync(logsFolder);
    this.#commands = new Commands({ launch, logsFolder, onFailure: (failure) => this.#listener.onFailure(failure) });
    const listener: ComponentProcessListener = {
      onEvent: (process, event) => this.#onEvent(process, event),
      onExit: (process, exit) => this.#onExit(process, exit),
      onBroken: (process, error) => this.#fail(process, { what: error.message, exitCode: null }),
    };
    this.#makeProcess = (spec, by) =>
      new ComponentProcess(spec, {
        launch: by,
        logPath: join(logsFolder, `${spec.name}.log`),
        listener,
        environment: environmentOf?.(spec.name),
      });
    for (const spec of specs) this.#processes.set(spec.name, this.#makeProcess(spec, firstLaunch));
    this.#pauser = new Pauser({
      onLost: ({ message: what }) =>
        this.#listener.onFailure({ process: 'pauser', what, exitCode: null, beforeReady: false, lastLogLines: [] }),
    });
  }

  get processes(): readonly ComponentProcess[] {
    return [...this.#processes.values()];
  }

  of(component: Component): ComponentProcess[] {
    return this.processes.filter((process) => process.spec.component === component);
  }

  named(name: string): ComponentProcess {
    const process = this.#processes.get(name);
    if (process === undefined) throw new OperatingError('ERR_NO_PROCESS', `no process is named ${name}`);
    return process;
  }

  hasDrained(process: ComponentProcess): boolean {
    return this.#drained.has(process.name);
  }

  #onEvent(process: ComponentProcess, event: ComponentEvent): void {
    this.#reports.set(process.name, (this.#reports.get(process.name) ?? 0) + 1);
    this.#silentChecks.set(process.name, 0);
    if (event.event === 'drained') this.#drained.add(process.name);
    if (event.event === 'ready') this.#trials.delete(process.name);
    this.#listener.onEvent(process, event);
  }

  #onExit(process: ComponentProcess, exit: ProcessExit): void {
    this.#listener.onExit?.(process, exit);
    const before = this.#trials.get(process.name);
    if (before !== undefined && isRefusal(exit)) {
      this.#trials.delete(process.name);
      process.launch = before;
      this.#listener.onPlannedEnd(process, exit);
      void this.#restart(process);
      return;
    }
    const judged = judgeExit(exit, this.hasDrained(process));
    if (judged !== 'as planned' && isCrash(exit) && this.#mayCrash(process))
      return this.#crashed(process, judged.what, exit);
    if (judged !== 'as planned') {
      const exitCode = exit.signal === null ? exit.code : null;
      this.#fail(process, { what: judged.what, exitCode, beforeReady: !exit.wasReady });
    } else if (exit.intent === 'kill' || exit.intent === 'restart') {
      this.#silentChecks.set(process.name, 0);
      this.#listener.onPlannedEnd(process, exit);
      // A process that has drained has nothing left to do.
      if (!this.hasDrained(process)) void this.#restart(process);
    } else if (exit.intent === 'replace' || exit.intent === 'retire') this.#listener.onPlannedEnd(process, exit);
  }

  /** Counts one more crash, and returns whether the process may be started again. */
  #mayCrash({ name }: ComponentProcess): boolean {
    const crashes = (this.#crashes.get(name) ?? 0) + 1;
    this.#crashes.set(name, crashes);
    return this.#listener.onCrashed !== undefined && this.#restarting && crashes <= CRASHES_MAX;
  }

  #crashed(process: ComponentProcess, what: string, exit: ProcessExit): void {
    const times = this.#crashes.get(process.name);
    this.#silentChecks.set(process.name, 0);
    this.#listener.onCrashed?.({
      process: process.name,
      what: `${what}; it was started again (${times} of at most ${CRASHES_MAX} times)`,
      exitCode: null,
      beforeReady: !exit.wasReady,
      lastLogLines: lastLogLines(process.logPath, LOG_LINES_SHOWN),
    });
    if (!this.hasDrained(process) && !this.#replaced.has(process.name)) void this.#restart(process);
  }

  async #restart(process: ComponentProcess): Promise<void> {
    if (this.#listener.beforeRestart !== undefined) await this.#listener.beforeRestart(process);
    if (this.#restarting) process.start();
  }

  #fail(process: ComponentProcess, found: { what: string; exitCode: number | null; beforeReady?: boolean }): void {
    this.#listener.onFailure({
      process: process.name,
      beforeReady: false,
      ...found,
      lastLogLines: lastLogLines(process.logPath, LOG_LINES_SHOWN),
    });
  }

  /**
   * Starts the broker, then the summers, then the chunkers. False when they are not all ready in time, or when the
   * signal comes.
   */
  async start(signal: AbortSignal): Promise<boolean> {
    for (const component of ['broker', 'summer', 'chunker'] as const) {
      const processes = this.of(component);
      for (const process of processes) process.start();
      const ready = (): boolean => processes.every((process) => process.state === 'ready');
      if (await until(ready, { clock: this.#clock, timeoutMs: READY_MS_MAX, signal })) {
        await this.#listener.onStarted?.(component);
        continue;
      }
      for (const process of processes.filter((one) => one.state === 'starting' && !signal.aborted)) {
        this.#fail(process, { what: `was not ready after ${READY_MS_MAX / 1e3} s`, exitCode: null });
      }
      return false;
    }
    return true;
  }

  /** Kills a ready process; it is started again as soon as it has ended. */
  kill(process: ComponentProcess): void {
    process.ask('kill', 'SIGKILL');
  }

  /** Ends a ready process by SIGTERM; it is started again as soon as it has ended. */
  restart(process: ComponentProcess): void {
    process.ask('restart', 'SIGTERM');
  }

  /**
   * Ends a process that is ready by SIGTERM. It is started again by another build as soon as it has ended. With
   * `mayRefuse` that one may end before it is ready, with an exit that says so: then by the build that it had.
   */
  exchange(process: ComponentProcess, launch: Launch, { mayRefuse }: { readonly mayRefuse: boolean }): void {
    if (mayRefuse) this.#trials.set(process.name, process.launch);
    process.launch = launch;
    process.ask('restart', 'SIGTERM');
  }

  /** Starts the pauser before the first pause, so that the first stop is not late. */
  preparePauses(): void {
    this.#pauser.start();
  }

  /** Stops a process (SIGSTOP) for `limitMs` at the most. */
  pause(process: ComponentProcess, limitMs: number): void {
    if (process.pid !== null) this.#pauser.stop(process.pid, limitMs);
  }

  /** Continues a stopped process (SIGCONT). */
  resume(process: ComponentProcess): void {
    if (process.pid !== null) this.#pauser.resume(process.pid);
  }

  /** Adds a process that was not there from the beginning. It is down, and is started by this build. */
  add(spec: ComponentSpec, launch: Launch = this.#launch): ComponentProcess {
    const process = this.#processes.get(spec.name) ?? this.#makeProcess(spec, launch);
    process.launch = launch;
    this.#processes.set(spec.name, process);
    return process;
  }

  /**
   * Starts `successor`, which is down, to take over what `old` owns. From now on `old` may end with exit 12, and is not
   * started again.
   */
  replace(old: ComponentProcess, successor: ComponentProcess): void {
    this.#replaced.add(old.name);
    this.#replaced.delete(successor.name);
    old.ask('replace');
    successor.start(['--take-over']);
  }

  /** Kills a process that is replaced or retired, or will be. It stays down. */
  killForGood(process: ComponentProcess, intent: 'replace' | 'retire' = 'replace'): void {
    this.#replaced.add(process.name);
    process.ask(intent, 'SIGKILL');
  }

  /**
   * Makes a process that was killed for good a process of the run again: it is started at once, or when it has ended.
   */
  startAgain(process: ComponentProcess): void {
    const isDying = this.#replaced.delete(process.name) && process.state !== 'down';
    if (isDying) process.ask('kill');
    else if (this.#restarting && process.state === 'down') process.start();
  }

  /**
   * Starts a replaced process that is down. It is expected to find out that it is replaced, and to end with exit 12.
   */
  startReplaced(process: ComponentProcess): void {
    if (process.state === 'down') process.start();
    process.ask('replace');
  }

  /**
   * Runs a command of this build that ends by itself. Returns its lines, which are also appended to the log of this
   * name. Any end other than exit 0 is a failure of the run and gives null, as does the end of the run.
   */
  run(name: string, argv: readonly string[]): Promise<readonly string[] | null> {
    return this.#commands.run(name, argv);
  }

  /** Whether the run ends: commands are ended, and none begins. */
  get isEnding(): boolean {
    return this.#commands.isClosed;
  }

  /** Reports that something the run needs of a process cannot be done. */
  fail(process: ComponentProcess, what: string): void {
    this.#fail(process, { what, exitCode: null });
  }

  /**
   * Asks every ready process for its progress, and waits a little for the answers. Returns whether all have answered.
   */
  async refresh(bound: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {}): Promise<boolean> {
    const asked = this.processes.filter((process) => process.state === 'ready');
    const before = new Map(asked.map((process) => [process.name, this.#reports.get(process.name)]));
    for (const process of asked) process.send({ command: 'progress' });
    const answered = (): boolean =>
      asked.every(({ name, state }) => state !== 'ready' || this.#reports.get(name) !== before.get(name));
    return until(answered, { clock: this.#clock, timeoutMs: PROGRESS_MS_MAX, ...bound });
  }

  /**
   * Called once a second. Fails the run when a process has said nothing for a minute. It counts calls and not time, so
   * that a pause of this process is not held against the others.
   */
  checkAlive(): void {
    for (const process of this.processes) {
      if (process.state === 'down') continue;
      const checks = (this.#silentChecks.get(process.name) ?? 0) + 1;
      this.#silentChecks.set(process.name, checks);
      if (checks === SILENT_CHECKS_MAX) this.#fail(process, { what: `said nothing for ${checks} s`, exitCode: null });
    }
  }

  /** Whether every process is ready, except those that another process has replaced. */
  isWhole(): boolean {
    return this.processes.every((process) => process.state === 'ready' || this.#replaced.has(process.name));
  }

  /** Asks the processes to end with SIGTERM and waits. Returns the names of those that had to be killed. */
  async stop(processes: readonly ComponentProcess[]): Promise<string[]> {
    this.#restarting = false;
    this.#pauser.close();
    for (const process of processes) process.ask('stop', 'SIGTERM');
    return this.#awaitEnd(processes, STOP_MS_MAX);
  }

  /** Ends everything that still runs: gracefully for a few seconds, or by SIGKILL when `atOnce`. */
  async abandon(atOnce: boolean): Promise<string[]> {
    this.#restarting = false;
    this.#pauser.close();
    await this.#commands.close();
    for (const process of this.processes) process.ask('abandon', atOnce ? 'SIGKILL' : 'SIGTERM');
    return this.#awaitEnd(this.processes, ABANDON_MS_MAX);
  }

  async #awaitEnd(processes: readonly ComponentProcess[], timeoutMs: number): Promise<string[]> {
    const ended = (): boolean => processes.every((process) => process.state === 'down');
    if (await until(ended, { clock: this.#clock, timeoutMs })) return [];
    const hung = processes.filter((process) => process.state !== 'down');
    for (const process of hung) process.ask('abandon', 'SIGKILL');
    // A process in an uninterruptible sleep ends when the kernel lets it. Nothing can be done but wait.
    while (!ended()) await delay(this.#clock, PROGRESS_MS_MAX);
    return hung.map((process) => process.name);
  }
}
