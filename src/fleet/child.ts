/**
 * One program that the harness has started, whatever it is: a component, a relay, a compiler. Its end is told once and
 * in one vocabulary, also when it could not be started at all. `run-to-end.ts` runs a program that does one thing.
 *
 * A child ends with the harness when its user makes it: by a stdin that it reads until it closes (components, relay,
 * members' namespaces), or by `setpriv --pdeathsig` (members). The others end soon, because their work is short.
 *
 * Not here: workers over Node's channel (`bench/harness/worker-process.ts`), git questions, for which this layer is too
 * high (`src/results/repository.ts`), and the build of a cluster's programs, which blocks (`soak/cluster/binaries.ts`).
 */

import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { OperatingError } from '../core/errors.ts';

export type ChildOptions = {
  /** The program and its arguments. */
  readonly argv: readonly string[];
  /** The folder that it runs in; absent: that of this process. */
  readonly cwd?: string;
  /** Absent: the environment of this process. */
  readonly environment?: NodeJS.ProcessEnv;
  readonly stdio: StdioOptions;
  /** In a separate session, so that Ctrl-C reaches only this process. Its process group is then separate, too. */
  readonly isDetached?: boolean;
};

/** How a program has ended. The code and the signal are both null when it could not be started. */
export type ChildEnd = {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why it was not started: ERR_SPAWN, or ERR_INTERRUPTED when that was no longer wanted. */
  readonly error: OperatingError | null;
};

/** `exited with 3`, `was ended by SIGKILL`, or `cannot start nft: there is no such program (ENOENT)`. */
export function howEnded({ code, signal, error }: ChildEnd): string {
  if (error !== null) return error.message;
  return signal === null ? `exited with ${code}` : `was ended by ${signal}`;
}

export class Child {
  /** Null: it could not be started. */
  readonly pid: number | null;
  /** Resolves when it has ended and all that it wrote was read, or when it could not be started. Never rejects. */
  readonly ended: Promise<ChildEnd>;
  readonly #process: ChildProcess | null;
  readonly #isDetached: boolean;
  #isOver = false;

  /** Never throws for a program that cannot be started: `ended` says why. */
  constructor(options: ChildOptions) {
    const [program = '', ...argv] = options.argv;
    const { cwd, environment: env, stdio, isDetached = false } = options;
    this.#isDetached = isDetached;
    const failed = (cause: unknown): ChildEnd => {
      this.#isOver = true;
      return { code: null, signal: null, error: new OperatingError('ERR_SPAWN', whyNot(cause, options), { cause }) };
    };
    let started: ChildProcess | null = null;
    let whyNone: unknown = null;
    try {
      started = spawn(program, argv, { cwd, env, stdio, detached: isDetached });
    } catch (error) {
      // Too long an argument list, or no memory. Other reasons come as an event.
      whyNone = error;
    }
    this.#process = started;
    this.pid = started?.pid ?? null;
    if (started === null) {
      this.ended = Promise.resolve(failed(whyNone));
      return;
    }
    // Writing to a program that has just ended fails; its end is what counts.
    started.stdin?.on('error', () => undefined);
    this.ended = endOf(started, failed).finally(() => (this.#isOver = true));
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Null when its stdin is no pipe, or it could not be started. */
  get stdin(): Writable | null {
    return this.#process?.stdin ?? null;
  }

  /** What it writes to a descriptor that is a pipe; null as for `stdin`. 1 is its stdout, 2 its stderr. */
  output(descriptor: number): Readable | null {
    return (this.#process?.stdio?.[descriptor] as Readable | null | undefined) ?? null;
  }

  /**
   * Nothing happens when the program has ended, or was not started: Node would then send the signal to a pid that it
   * reads from memory that nobody has set, and 0 is the process group of this process.
   */
  kill(signal: NodeJS.Signals): void {
    if (this.pid !== null) this.#process?.kill(signal);
  }

  /** Sends a signal also to all that the detached program has started and that is still there. */
  killGroup(signal: NodeJS.Signals): void {
    if (this.pid === null || !this.#isDetached) return this.kill(signal);
    try {
      process.kill(-this.pid, signal);
    } catch {
      // All of them have ended.
    }
  }
}

/** Node says `close` also after an error, so whichever comes first counts. */
function endOf(child: ChildProcess, failed: (cause: unknown) => ChildEnd): Promise<ChildEnd> {
  return new Promise((resolve) => {
    // A signal that could not be sent is an error, too, and no end.
    child.on('error', (cause) => {
      if (child.pid === undefined) resolve(failed(cause));
    });
    child.once('close', (code, signal) => resolve({ code, signal, error: null }));
  });
}

function whyNot(cause: unknown, { argv: [program = ''], cwd }: ChildOptions): string {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
  if (cwd !== undefined && !existsSync(cwd)) return `cannot start ${program}: there is no folder ${cwd}`;
  return `cannot start ${program}: ${MEANINGS.get(code) ?? 'the system refuses'} (${code})`;
}

const MEANINGS: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'there is no such program'],
  ['EACCES', 'it is not a program that this user may run'],
  ['EAGAIN', 'this user may have no more processes'],
  ['EMFILE', 'this process may have no more open files'],
  ['ENFILE', 'this machine may have no more open files'],
  ['E2BIG', 'its arguments are too long'],
  ['ENOMEM', 'there is not enough memory'],
]);
