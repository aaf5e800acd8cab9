/**
 * One component as a process that can be killed and started again under one name. It speaks the component protocol over
 * the child's stdin and a descriptor of its own; stdout and stderr are appended to the process's own log file.
 *
 * The child runs in a session of its own, so that Ctrl-C reaches the supervisor alone; it exits when its stdin closes,
 * so that it never outlives the supervisor.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, copyFileSync, openSync, renameSync, statSync, truncateSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { assert } from '../core/assert.ts';
import { OperatingError } from '../core/errors.ts';
import { LineSplitter } from '../component/channel.ts';
import {
  type Component,
  type ComponentCommand,
  type ComponentEvent,
  decodeEvent,
  encodeCommand,
  PROTOCOL_DESCRIPTOR,
} from '../component/protocol.ts';

/** What a process is: its name in the results, and the arguments that it is started with every time. */
export type ComponentSpec = {
  /** `broker`, `summer-0`, `chunker-2`. */
  readonly name: string;
  readonly component: Component;
  readonly argv: readonly string[];
  /** The partitions that a summer owns; empty for the others. */
  readonly partitions: readonly number[];
};

/** How a component is started: the program and what goes before the component's own arguments. */
export type Launch = {
  readonly command: string;
  readonly argv: readonly string[];
  /** Variables that it gets besides; those of this process come first. */
  readonly environment?: Readonly<Record<string, string>>;
};

/**
 * glibc gives buffers of 128 KiB and more back to the kernel when they are freed, and every new batch then faults its
 * pages in again. D-PROCESS-6 (docs/decisions/processes.md) has what it gives to keep them, and what it costs. Other C
 * libraries ignore these variables.
 */
export const COMPONENT_ENVIRONMENT: Readonly<Record<string, string>> = {
  MALLOC_MMAP_THRESHOLD_: String(32 * 1024 ** 2),
  MALLOC_TRIM_THRESHOLD_: String(256 * 1024 ** 2),
};

/**
 * MiB of one half of V8's young generation. V8 doubles it when much has survived a collection once, as the modules of a
 * start do, and then never gives it back: 10 to 20 MB of each process, for no CPU time that could be measured.
 */
const YOUNG_HALF_MIB = 4;

/** How Node starts the components of this build, given its `main.js`. */
export function componentLaunch(mainPath: string): Launch {
  const argv = [`--max-semi-space-size=${YOUNG_HALF_MIB}`, mainPath];
  return { command: process.execPath, argv, environment: COMPONENT_ENVIRONMENT };
}

/**
 * What the supervisor has asked of a process, by which its exit is judged. `restart`: to stop, and it is started again.
 * `replace`: another one takes over all that it owns. `retire`: its producer is ended for good.
 */
export type Intent = 'run' | 'kill' | 'restart' | 'replace' | 'retire' | 'drain' | 'stop' | 'abandon';

export type ProcessExit = {
  readonly pid: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly intent: Intent;
  /** Whether it had been ready. */
  readonly wasReady: boolean;
};

export type ComponentProcessListener = {
  onEvent(process: ComponentProcess, event: ComponentEvent): void;
  /** After the last event of this incarnation. `start` may be called from here. */
  onExit(process: ComponentProcess, exit: ProcessExit): void;
  /** It cannot be started, or says what is no event; in the second case it lives on. */
  onBroken(process: ComponentProcess, error: OperatingError): void;
};

/**
 * A log that is longer goes to `<log>.1`, in the place of an older one: at a start, and when a process that runs
 * reports its progress, once a second. So a run of days has logs of some 16 MiB a process, and what it writes in a
 * second.
 */
export const LOG_BYTES_MAX: number = 8 * 1024 * 1024;
/** Commands to a child that does not read are dropped beyond this. */
const COMMAND_BYTES_MAX = 64 * 1024;

type Incarnation = {
  readonly child: ChildProcess;
  readonly pid: number;
  ready: boolean;
  intent: Intent;
};

export class ComponentProcess {
  readonly spec: ComponentSpec;
  readonly logPath: string;
  readonly #launch: Launch;
  readonly #listener: ComponentProcessListener;
  #incarnation: Incarnation | null = null;

  constructor(spec: ComponentSpec, from: { launch: Launch; logPath: string; listener: ComponentProcessListener }) {
    this.spec = spec;
    this.logPath = from.logPath;
    this.#launch = from.launch;
    this.#listener = from.listener;
  }

  get name(): string {
    return this.spec.name;
  }

  get state(): 'down' | 'starting' | 'ready' {
    if (this.#incarnation === null) return 'down';
    return this.#incarnation.ready ? 'ready' : 'starting';
  }

  /** Null while it is down. */
  get pid(): number | null {
    return this.#incarnation?.pid ?? null;
  }

  /** `besides`: arguments of this one start. */
  start(besides: readonly string[] = []): void {
    assert(this.#incarnation === null, 'a process is started when it is down');
    const log = openLog(this.logPath);
    const { command, argv, environment } = this.#launch;
    const child = spawn(command, [...argv, ...this.spec.argv, ...besides], {
      stdio: ['pipe', log, log, 'pipe'],
      detached: true,
      env: { ...environment, ...process.env },
    });
    closeSync(log);
    if (child.pid === undefined) {
      child.once('error', (cause) => {
        this.#listener.onBroken(this, new OperatingError('ERR_SPAWN', `cannot start ${command}`, { cause }));
      });
      return;
    }
    const incarnation: Incarnation = { child, pid: child.pid, ready: false, intent: 'run' };
    this.#incarnation = incarnation;
    this.#listen(incarnation);
  }

  #listen(incarnation: Incarnation): void {
    const { child, pid } = incarnation;
    const splitter = new LineSplitter();
    let broken = false;
    const events = child.stdio[PROTOCOL_DESCRIPTOR] as Readable | null | undefined;
    events?.on('error', () => undefined);
    events?.on('data', (bytes: Buffer) => {
      if (broken) return;
      try {
        for (const line of splitter.push(bytes)) this.#receive(incarnation, decodeEvent(line));
      } catch (error) {
        if (!(error instanceof OperatingError)) throw error;
        broken = true;
        this.#listener.onBroken(this, error);
      }
    });
    // Writing to a child that has just died fails; its exit event is what counts.
    child.stdin?.on('error', () => undefined);
    child.once('close', (code, signal) => {
      this.#incarnation = null;
      this.#listener.onExit(this, { pid, code, signal, intent: incarnation.intent, wasReady: incarnation.ready });
    });
  }

  #receive(incarnation: Incarnation, event: ComponentEvent): void {
    if (event.event === 'ready') incarnation.ready = true;
    if (event.event === 'progress') boundLog(this.logPath);
    this.#listener.onEvent(this, event);
  }

  /** Dropped while the process is down or does not read. */
  send(command: ComponentCommand): void {
    const stdin = this.#incarnation?.child.stdin;
    if (stdin?.writable === true && stdin.writableLength < COMMAND_BYTES_MAX) stdin.write(encodeCommand(command));
  }

  /** Says what is wanted of the running process from now on, and sends the signal, if any. */
  ask(intent: Exclude<Intent, 'run'>, signal?: NodeJS.Signals): void {
    if (this.#incarnation === null) return;
    this.#incarnation.intent = intent;
    if (signal !== undefined) this.#incarnation.child.kill(signal);
  }
}

function openLog(path: string): number {
  if (sizeOf(path) > LOG_BYTES_MAX) renameSync(path, `${path}.1`);
  return openSync(path, 'a');
}

/**
 * The process goes on writing to the file that it has open, at its end: so its content is moved, and not the file. A
 * line that is written between the copy and the cut is lost.
 */
function boundLog(path: string): void {
  if (sizeOf(path) <= LOG_BYTES_MAX) return;
  try {
    copyFileSync(path, `${path}.1`);
    truncateSync(path, 0);
  } catch {
    // The disk is full: nothing grows there, and the next report tries again.
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
