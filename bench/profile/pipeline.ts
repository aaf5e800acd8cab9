/** A whole pipeline of three processes, one of which runs under a profiler. */

import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LineSplitter } from '../../src/component/channel.ts';
import { type Component, type ReadyEvent, decodeEvent } from '../../src/component/protocol.ts';
import { OperatingError } from '../../src/core/errors.ts';
import { Child, type ChildEnd, howEnded } from '../../src/fleet/child.ts';
import type { Profiled } from './tools.ts';

/** A component under a profiler starts slowly. */
const READY_MS_MAX = 60_000;
/** A profiler may take minutes to make its page of a long run. */
const END_MS_MAX = 600_000;
const SHOWN_LINES = 3;

export type Stage = {
  readonly component: Component;
  readonly launch: Profiled;
  /** The working folder. A profiler that is ended early leaves its logs there. */
  readonly folder: string;
};

/** A process of the pipeline did not do its part. */
export class StageError extends OperatingError {
  readonly component: Component;

  constructor(component: Component, message: string) {
    super('ERR_PROFILE', message);
    this.component = component;
  }
}

class StageProcess {
  readonly component: Component;
  readonly #child: Child;
  readonly #ended: Promise<ChildEnd>;
  readonly #ready: Promise<ReadyEvent>;
  readonly #said: string[] = [];
  #pid: number | null = null;

  constructor({ component, launch, folder }: Stage, logsFolder: string) {
    this.component = component;
    this.#child = new Child({
      argv: launch.argv,
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      environment: { ...process.env, ...launch.environment },
    });
    const log = createWriteStream(join(logsFolder, `${component}.log`));
    this.#child.output(2)?.pipe(log);
    this.#ended = this.#child.ended;
    this.#ready = new Promise((resolve) => this.#listen(resolve));
    this.#child.output(2)?.on('data', (bytes: Buffer) => this.#keep(bytes.toString().trimEnd().split('\n')));
  }

  #listen(onReady: (event: ReadyEvent) => void): void {
    const lines = new LineSplitter();
    this.#child.output(1)?.on('data', (bytes: Buffer) => {
      for (const line of lines.push(bytes)) {
        // The profiler writes to the same stream.
        if (!line.startsWith('{')) this.#keep([line]);
        else {
          const event = decodeEvent(line);
          if (event.event !== 'ready') continue;
          this.#pid = event.pid;
          onReady(event);
        }
      }
    });
  }

  #keep(lines: readonly string[]): void {
    this.#said.push(...lines);
    this.#said.splice(0, this.#said.length - SHOWN_LINES);
  }

  get isOver(): boolean {
    return this.#child.isOver;
  }

  /** Resolves when the process serves. */
  async untilReady(signal: AbortSignal): Promise<void> {
    const started = Promise.race([this.#ready.then(() => 'is ready'), this.#ended.then(howEnded)]);
    const how = await withinTime(started, READY_MS_MAX, signal);
    if (how !== 'is ready') throw this.error(`did not start: ${how ?? `not ready after ${READY_MS_MAX / 1e3} s`}`);
  }

  /** Sends SIGTERM to the component itself; resolves when its profiler has also written. */
  async stop(signal: AbortSignal): Promise<void> {
    if (this.#pid !== null && !this.isOver) process.kill(this.#pid, 'SIGTERM');
    const end = await withinTime(this.#ended, END_MS_MAX, signal);
    if (end === null) throw this.error(`did not end in ${END_MS_MAX / 1e3} s`);
    if (end.code !== 0) throw this.error(howEnded(end));
  }

  /** Ends the process at once, and the profiler around it. */
  kill(): void {
    if (this.isOver) return;
    this.#child.kill('SIGKILL');
    if (this.#pid !== null && this.#pid !== this.#child.pid) killIfThere(this.#pid);
  }

  error(what: string): StageError {
    const said = this.#said.length === 0 ? '' : `: ${this.#said.join(' | ')}`;
    return new StageError(this.component, `the ${this.component} ${what}${said}`);
  }
}

/** Null when the time has passed. Throws when the signal comes first. */
async function withinTime<T>(promise: Promise<T>, ms: number, signal: AbortSignal): Promise<T | null> {
  const settled = new AbortController();
  const late = sleep(ms, null, { signal: AbortSignal.any([settled.signal, signal]) });
  return Promise.race([promise, late]).finally(() => {
    late.catch(() => undefined);
    settled.abort();
  });
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // The process has ended already.
  }
}

/**
 * Runs the stages for so long, started from first to last, and stops them from last to first. Leaves no process behind.
 */
export async function runPipeline(
  stages: readonly Stage[],
  options: {
    readonly durationMs: number;
    readonly logsFolder: string;
    readonly say: (line: string) => void;
    /** Ends the pipeline early; the call then throws. */
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { durationMs, signal } = options;
  const running: StageProcess[] = [];
  try {
    for (const stage of stages) {
      const started = new StageProcess(stage, options.logsFolder);
      running.unshift(started);
      await started.untilReady(signal);
    }
    options.say(`running for ${durationMs / 1e3} s`);
    for (let passedMs = 0; passedMs < durationMs; passedMs += 100) {
      await sleep(Math.min(100, durationMs - passedMs), undefined, { signal });
      const ended = running.find(({ isOver }) => isOver);
      if (ended !== undefined) throw ended.error('ended by itself');
    }
    options.say('stopping, and making the profile');
    for (const stage of running) await stage.stop(signal);
  } finally {
    for (const stage of running) stage.kill();
  }
}
