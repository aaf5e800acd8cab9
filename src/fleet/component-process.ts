/**
 * One component as a process that can be killed and started again under one name. It speaks the component protocol over
 * the child's stdin and an extra descriptor; stdout and stderr are appended to the log file of the process.
 *
 * The child runs in its own session, so that Ctrl-C reaches only the supervisor. It exits when its stdin closes, so it
 * never outlives the supervisor.
 */

import { closeSync, copyFileSync, openSync, renameSync, statSync, truncateSync } from 'node:fs';
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
import { Child } from './child.ts';

/** What a process is: its name in the results, and the arguments of each of its starts. */
export type ComponentSpec = {
  /** `broker`, `summer-0`, `chunker-2`. */
  readonly name: string;
  readonly component: Component;
  readonly argv: readonly string[];
  /** The partitions that a summer owns; empty for other components. */
  readonly partitions: readonly number[];
  /**
   * Words before the program that run it elsewhere, for example in another network, under the same pid. Absent: none.
   */
  readonly within?: readonly string[];
  /** What Node is told besides, before the program. Absent: nothing. */
  readonly nodeFlags?: readonly string[];
};

/** How a component is started: the program, and the arguments before the component's own arguments. */
export type Launch = {
  readonly command: string;
  readonly argv: readonly string[];
  /** Extra environment variables; they are added to those of this process. */
  readonly environment?: Readonly<Record<string, string>>;
};

/**
 * glibc gives buffers of 128 KiB and more back to the kernel when they are freed, and every new batch then faults its
 * pages in again. D-PROCESS-6 (docs/decisions/processes.md) says what keeping them gains and costs. Other C libraries
 * ignore these variables.
 */
export const COMPONENT_ENVIRONMENT: Readonly<Record<string, string>> = {
  MALLOC_MMAP_THRESHOLD_: String(32 * 1024 ** 2),
  MALLOC_TRIM_THRESHOLD_: String(256 * 1024 ** 2),
};

/**
 * MiB of one half of V8's young generation. V8 doubles it when much has survived one collection, as the modules of a
 * start do, and never shrinks it again: 10 to 20 MB of each process, without a measurable saving of CPU time.
 */
const YOUNG_HALF_MIB = 4;

/** How Node starts the components of this build, given its `main.js`. */
export function componentLaunch(mainPath: string): Launch {
  const argv = [`--max-semi-space-size=${YOUNG_HALF_MIB}`, mainPath];
  return { command: process.execPath, argv, environment: COMPONENT_ENVIRONMENT };
}

/**
 * What the supervisor has asked of a process; its exit is judged by this. `restart`: to stop, before it is started
 * again. `replace`: another process takes over all that it owns. `retire`: its producer is ended for good.
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
  /** Called after the last event of this incarnation. The listener may call `start`. */
  onExit(process: ComponentProcess, exit: ProcessExit): void;
  /** The process cannot be started, or sends a line that is not an event. In the second case it lives on. */
  onBroken(process: ComponentProcess, error: OperatingError): void;
};

/**
 * A longer log is moved to `<log>.1`, in the place of an older one: at each start, and when a running process reports
 * its progress, once a second. So in a run of days each process has about 16 MiB of logs, plus what it writes in a
 * second.
 */
export const LOG_BYTES_MAX: number = 8 * 1024 * 1024;
/** Commands beyond this size are dropped when the child does not read. */
const COMMAND_BYTES_MAX = 64 * 1024;

type Incarnation = {
  readonly child: Child;
  readonly pid: number;
  ready: boolean;
  intent: Intent;
};

export class ComponentProcess {
  readonly spec: ComponentSpec;
  readonly logPath: string;
  /** By which it is started from now on. */
  launch: Launch;
  readonly #listener: ComponentProcessListener;
  /** Variables only for this process. */
  readonly #environment: Readonly<Record<string, string>>;
  #incarnation: Incarnation | null = null;

  constructor(
    spec: ComponentSpec,
    from: {
      readonly launch: Launch;
      readonly logPath: string;
      readonly listener: ComponentProcessListener;
      readonly environment?: Readonly<Record<string, string>> | undefined;
    },
  ) {
    this.spec = spec;
    this.logPath = from.logPath;
    this.launch = from.launch;
    this.#listener = from.listener;
    this.#environment = from.environment ?? {};
  }

  get name(): string {
    return this.spec.name;
  }

  get state(): 'down' | 'starting' | 'ready' {
    if (this.#incarnation === null) return 'down';
    return this.#incarnation.ready ? 'ready' : 'starting';
  }

  /** Null while the process is down. */
  get pid(): number | null {
    return this.#incarnation?.pid ?? null;
  }

  /** `besides`: arguments of this start alone. */
  start(besides: readonly string[] = []): void {
    assert(this.#incarnation === null, 'a process is started when it is down');
    const log = openLog(this.logPath);
    const { command, argv, environment } = this.launch;
    const { within = [], nodeFlags = [] } = this.spec;
    const child = new Child({
      argv: [...within, command, ...nodeFlags, ...argv, ...this.spec.argv, ...besides],
      stdio: ['pipe', log, log, 'pipe'],
      isDetached: true,
      environment: { ...environment, ...process.env, ...this.#environment },
    });
    closeSync(log);
    if (child.pid === null) {
      void child.ended.then(({ error }) => error !== null && this.#listener.onBroken(this, error));
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
    const events = child.output(PROTOCOL_DESCRIPTOR);
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
    void child.ended.then(({ code, signal }) => {
      this.#incarnation = null;
      this.#listener.onExit(this, { pid, code, signal, intent: incarnation.intent, wasReady: incarnation.ready });
    });
  }

  #receive(incarnation: Incarnation, event: ComponentEvent): void {
    if (event.event === 'ready') incarnation.ready = true;
    if (event.event === 'progress') boundLog(this.logPath);
    this.#listener.onEvent(this, event);
  }

  /** The command is dropped while the process is down or does not read. */
  send(command: ComponentCommand): void {
    const stdin = this.#incarnation?.child.stdin;
    if (stdin?.writable === true && stdin.writableLength < COMMAND_BYTES_MAX) stdin.write(encodeCommand(command));
  }

  /** Sets what is wanted of the running process from now on, and sends the signal, if any. */
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
 * Moves the log's content and not the file, because the process goes on appending to the file that it has open. A line
 * that is written between the copy and the cut is lost.
 */
function boundLog(path: string): void {
  if (sizeOf(path) <= LOG_BYTES_MAX) return;
  try {
    copyFileSync(path, `${path}.1`);
    truncateSync(path, 0);
  } catch {
    // The disk is full, so nothing grows there. The next report tries again.
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
