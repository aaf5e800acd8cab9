/**
 * Commands of this build that end by themselves, such as `retire`: they run beside the processes of a fleet, and end
 * with its run.
 */

import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT } from '../core/errors.ts';
import { howEnded } from './child.ts';
import type { Launch } from './component-process.ts';
import { type Failure, LOG_LINES_SHOWN, messageOf } from './exit-judgement.ts';
import { runToEnd } from './run-to-end.ts';

export class Commands {
  readonly #launch: Launch;
  readonly #logsFolder: string;
  readonly #onFailure: (failure: Failure) => void;
  readonly #running: Set<Promise<unknown>> = new Set();
  readonly #ended: AbortController = new AbortController();

  constructor(options: {
    readonly launch: Launch;
    readonly logsFolder: string;
    readonly onFailure: (failure: Failure) => void;
  }) {
    this.#launch = options.launch;
    this.#logsFolder = options.logsFolder;
    this.#onFailure = options.onFailure;
  }

  /**
   * Returns the lines of the command, which are also appended to the log of this name. Any end other than exit 0 is a
   * failure and gives null, as does `close`.
   */
  async run(name: string, argv: readonly string[]): Promise<readonly string[] | null> {
    if (this.isClosed) return null;
    const { command, argv: before, environment } = this.#launch;
    const running = runToEnd({
      argv: [command, ...before, ...argv],
      environment: { ...environment, ...process.env },
      output: 'keep',
      isDetached: true,
      abort: { signal: this.#ended.signal, graceMs: 0 },
    });
    this.#running.add(running);
    const end = await running;
    this.#running.delete(running);
    appendTo(join(this.#logsFolder, `${name}.log`), end.said);
    const lines = end.said.split('\n').filter((line) => line !== '');
    if (end.code === EXIT.holds) return lines;
    if (this.isClosed) return null;
    const { pid, code } = end;
    const what = pid === null ? howEnded(end) : `pid ${pid} ${howEnded(end)}`;
    const lastLogLines = lines.slice(-LOG_LINES_SHOWN).map(messageOf);
    this.#onFailure({ process: name, what, exitCode: code, beforeReady: false, lastLogLines });
    return null;
  }

  /** Commands are ended, and none begins. */
  get isClosed(): boolean {
    return this.#ended.signal.aborted;
  }

  /** Resolves when all have ended. */
  async close(): Promise<void> {
    this.#ended.abort();
    await Promise.all(this.#running);
  }
}

/** A log that cannot be written is not a failure, because the lines are returned as well. */
function appendTo(path: string, text: string): void {
  try {
    appendFileSync(path, text);
  } catch {
    // The disk is full.
  }
}
