/**
 * Components as child processes, for tests: started, awaited by their output or their end, signalled by their id, and
 * never left behind. Every wait has a deadline, and when it passes, the output is shown.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ComponentCommand, ComponentEvent } from '../../component/protocol.ts';
import { encodeCommand } from '../../component/protocol.ts';

export const MAIN: string = fileURLToPath(new URL('../main.js', import.meta.url));
/** Far beyond what anything takes, even on a machine that does much other work. */
export const DEADLINE_MS = 300_000;

/** The part of a test's context that is used here. */
export type Teardown = { teardown(call: () => void | Promise<void>): void };

/** A new folder, which is removed when the test has ended. */
export function temporaryFolder(t: Teardown): string {
  const folder = mkdtempSync(join(tmpdir(), 'stream-sum-test-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Resolves as `promise`, or rejects once the deadline has passed. */
export async function within<T>(promise: Promise<T>, what: () => string, deadlineMs: number = DEADLINE_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${deadlineMs} ms: ${what()}`)), deadlineMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

export type TestProcessOptions = {
  readonly script?: string;
  readonly before?: readonly string[];
  readonly stdoutTo?: number;
  readonly stderrTo?: number;
  readonly environment?: Readonly<Record<string, string>>;
  /** The limit of open files under which the process runs. */
  readonly openFilesMax?: number;
};

export class TestProcess {
  readonly child: ChildProcess;
  readonly argv: readonly string[];
  readonly stdout: string[] = [];
  readonly stderr: string[] = [];
  /** Resolves when the process has ended and all its output is here. */
  readonly exited: Promise<Exit>;
  #waiting: { isMet: () => boolean; resolve: () => void }[] = [];

  /** `stdoutTo` and `stderrTo`: descriptors that get the output instead of this object. */
  constructor(t: Teardown, argv: readonly string[], options: TestProcessOptions = {}) {
    const {
      script = MAIN,
      before = [],
      stdoutTo = 'pipe',
      stderrTo = 'pipe',
      environment = {},
      openFilesMax,
    } = options;
    this.argv = argv;
    const node = [process.execPath, script, ...before, ...argv];
    // The shell becomes the process, so the child's id is the process's id.
    const limited = ['sh', '-c', `ulimit -n ${openFilesMax} && exec "$@"`, 'sh', ...node];
    const [file = '', ...rest] = openFilesMax === undefined ? node : limited;
    this.child = spawn(file, rest, {
      stdio: ['pipe', stdoutTo, stderrTo],
      env: { ...process.env, ...environment },
    });
    this.child.stdin?.on('error', () => {});
    this.exited = new Promise((resolve, reject) => {
      this.child.on('error', reject);
      this.child.on('close', (code, signal) => {
        resolve({ code, signal });
        this.#check();
      });
    });
    splitLines(this.child.stdout, (line) => {
      this.stdout.push(line);
      this.#check();
    });
    splitLines(this.child.stderr, (line) => {
      this.stderr.push(line);
      this.#check();
    });
    t.teardown(async () => {
      this.child.kill('SIGKILL');
      await this.exited;
    });
  }

  get pid(): number {
    return this.child.pid ?? Number.NaN;
  }

  get isOver(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  get events(): ComponentEvent[] {
    return this.stdout.map((line) => JSON.parse(line) as ComponentEvent);
  }

  /** The message of the last line on stderr, whether it is a log line or a plain one. */
  get lastMessage(): string {
    const line = this.stderr.at(-1) ?? '';
    return line.startsWith('{') ? String((JSON.parse(line) as { msg: unknown }).msg) : line;
  }

  /** The first event from the `from`th line on for which `find` returns a value. */
  async event<T>(find: (event: ComponentEvent) => T | undefined, from = 0): Promise<T> {
    const found = (): T | undefined => {
      for (const event of this.events.slice(from)) {
        const value = find(event);
        if (value !== undefined) return value;
      }
      return undefined;
    };
    await this.#until(() => found() !== undefined || this.isOver);
    const value = found();
    if (value === undefined) throw new Error(`it ended before: ${this.#told()}`);
    return value;
  }

  /** Resolves when the printed lines are as wanted. */
  async lines(isWanted: (lines: readonly string[]) => boolean, on: 'stdout' | 'stderr' = 'stdout'): Promise<void> {
    await this.#until(() => isWanted(this[on]) || this.isOver);
    if (!isWanted(this[on])) throw new Error(`it ended before: ${this.#told()}`);
  }

  /** Its ready event. */
  ready(): Promise<Extract<ComponentEvent, { event: 'ready' }>> {
    return this.event((event) => (event.event === 'ready' ? event : undefined));
  }

  command(command: ComponentCommand): void {
    this.child.stdin?.write(encodeCommand(command));
  }

  /** Asks for progress until it is as wanted. */
  async progress<T>(find: (event: Extract<ComponentEvent, { event: 'progress' }>) => T | undefined): Promise<T> {
    const deadline = Date.now() + DEADLINE_MS;
    while (Date.now() < deadline) {
      const from = this.stdout.length;
      this.command({ command: 'progress' });
      const event = await this.event((each) => (each.event === 'progress' ? each : undefined), from);
      const value = find(event);
      if (value !== undefined) return value;
    }
    throw new Error(`no such progress: ${this.#told()}`);
  }

  /** Sends a signal; for SIGSTOP resolves when the process is stopped. */
  async signal(signal: NodeJS.Signals): Promise<void> {
    this.child.kill(signal);
    if (signal !== 'SIGSTOP') return;
    const deadline = Date.now() + DEADLINE_MS;
    while (stateOf(this.pid) !== 'T' && Date.now() < deadline) await new Promise(setImmediate);
  }

  /** Kills it and resolves when it is gone. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
  }

  exit(): Promise<Exit> {
    return within(this.exited, () => this.#told());
  }

  async #until(isMet: () => boolean): Promise<void> {
    if (isMet()) return;
    const met = new Promise<void>((resolve) => this.#waiting.push({ isMet, resolve }));
    await within(met, () => this.#told());
  }

  #check(): void {
    for (const { isMet, resolve } of this.#waiting) if (isMet()) resolve();
    this.#waiting = this.#waiting.filter(({ isMet }) => !isMet());
  }

  #told(): string {
    return [this.argv.join(' '), ...this.stdout.slice(-5), ...this.stderr.slice(-5)].join('\n');
  }
}

/**
 * The kernel's letter for the state of a process: `T` stopped, `Z` dead and not waited for; empty without a process.
 */
export function stateOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.slice(0, 1) ?? '';
  } catch {
    return '';
  }
}

function splitLines(stream: NodeJS.ReadableStream | null, onLine: (line: string) => void): void {
  let rest = '';
  stream?.on('data', (bytes: Buffer) => {
    const lines = (rest + bytes.toString('utf8')).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
  stream?.on('end', () => {
    if (rest !== '') onLine(rest);
  });
}
