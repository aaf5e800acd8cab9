/**
 * One member of a cluster as a process. It can be started, killed, asked to end, paused, and asked whether it answers.
 */

import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, delay } from '../../src/core/clock.ts';
import { OperatingError } from '../../src/core/errors.ts';
import { makeFoldersSync } from '../../src/core/folder.ts';
import { type Child, type ChildEnd, howEnded } from '../../src/fleet/child.ts';
import type { Laboratory } from './laboratory.ts';
import type { Program } from './programs.ts';

/** The time between its end and its next start, when it is kept running. */
const RESTART_MS = 1_000;
/** The time between two questions whether it answers, and the longest time of an answer. */
const ASK_MS = 500;
const ANSWER_MS = 2_000;

export type MemberExit = {
  readonly name: string;
  readonly pid: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
};

export type MemberEvents = {
  onExit?(exit: MemberExit): void;
  /** The member answers for the first time since its start. */
  onReady?(member: { readonly name: string; readonly pid: number }): void;
  /** The member has answered again. */
  onAnswer?(name: string): void;
  /** The member has ended, and nobody had ended it. */
  onEnded(line: string): void;
};

export type MemberOptions = {
  readonly program: Program;
  readonly laboratory: Pick<Laboratory, 'start' | 'seen'>;
  readonly logsFolder: string;
  readonly clock: Clock;
  /** Whether it is started again when it has ended, unless it was to end. */
  readonly isKept: boolean;
  readonly events: MemberEvents;
};

export class Member {
  readonly #options: MemberOptions;
  readonly #closed = new AbortController();
  #child: Child | null = null;
  #starts = 0;
  /** The member is to run. */
  #isWanted = false;
  /** The member was asked to end, and is to be started again. */
  #isRestarting = false;
  #isReady = false;
  /** Counts pauses: answers to questions from before the last pause prove nothing about that pause. */
  #pauses = 0;

  constructor(options: MemberOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.program.name;
  }

  /** Null while the member is down. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** Whether it has answered since its start. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** Starts it with its old data. */
  start(): void {
    if (this.#child !== null) throw new OperatingError('ERR_MEMBER', `${this.name} runs already`);
    const { program, laboratory, logsFolder } = this.#options;
    this.#starts += 1;
    this.#isWanted = true;
    this.#isReady = false;
    makeFoldersSync(laboratory.seen(join(program.folder, 'tmp')));
    const output = openSync(join(logsFolder, `${program.name}.log`), 'a');
    const child = laboratory.start(program.number, {
      file: program.file,
      args: program.args(this.#starts),
      // Brokers keep data that is not yet persisted in unlinked files there.
      environment: { ...process.env, TMPDIR: join(program.folder, 'tmp'), ...program.environment },
      output,
    });
    closeSync(output);
    this.#child = child;
    void child.ended.then((end) => this.#ended(child, end));
  }

  #ended(child: Child, end: ChildEnd): void {
    if (this.#child !== child) return;
    const { events, isKept, clock } = this.#options;
    const wasAsked = this.#isRestarting || !this.#isWanted;
    this.#child = null;
    this.#isReady = false;
    this.#isRestarting = false;
    const { code, signal } = end;
    if (child.pid !== null) events.onExit?.({ name: this.name, pid: child.pid, code, signal });
    if (!wasAsked) events.onEnded(`${this.name} ${howEnded(end)}, and nobody had ended it: see ${this.name}.log`);
    if (!this.#isWanted || !isKept) return;
    void delay(clock, wasAsked ? 0 : RESTART_MS, this.#closed.signal).then(() => {
      if (this.#isWanted && this.#child === null) this.start();
    });
  }

  /** Sends SIGKILL; the member stays down. Resolves when it is gone. */
  async kill(): Promise<void> {
    this.#isWanted = false;
    const child = this.#child;
    if (child === null) return;
    child.kill('SIGKILL');
    await child.ended;
  }

  /** Sends SIGTERM; the member is started again when it has ended. */
  restart(): void {
    this.#isRestarting = true;
    this.#child?.kill('SIGTERM');
  }

  pause(): void {
    this.#pauses += 1;
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Asks the member a few times a second whether it answers, until `close`. */
  async watch(): Promise<void> {
    while (!this.#closed.signal.aborted) {
      await this.ask();
      await delay(this.#options.clock, ASK_MS, this.#closed.signal);
    }
  }

  /** Asks the member once. */
  async ask(): Promise<void> {
    const { program, events } = this.#options;
    const { pid } = this;
    const pauses = this.#pauses;
    if (pid === null || !(await answers(program.health))) return;
    if (pid !== this.pid || pauses !== this.#pauses || this.#closed.signal.aborted) return;
    if (this.#isReady) return events.onAnswer?.(this.name);
    this.#isReady = true;
    events.onReady?.({ name: this.name, pid });
  }

  close(): void {
    this.#closed.abort();
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
