/**
 * The relay of a run as the harness sees it: a separate process that carries every link, and ends with the harness. If
 * it ends before it is told to, the run has failed, and the failure says so.
 */

import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { LineSplitter } from '../../../../src/component/channel.ts';
import { type Clock, type Timer, inTime } from '../../../../src/core/clock.ts';
import { OperatingError } from '../../../../src/core/errors.ts';
import { Child, howEnded } from '../../../../src/fleet/child.ts';
import { type Failure, lastLogLines } from '../../../../src/fleet/exit-judgement.ts';
import type { LinkCounters } from './counters.ts';
import { decodeRelayAnswer, encodeLine, type LinkSetting, type RelayCommand } from './relay-protocol.ts';

/**
 * The requests of the harness to a relay. They reject with an OperatingError when the relay cannot do it, or is gone.
 */
export interface Relay {
  /** Sets all of these links at once. Resolves when every mode holds. */
  set(settings: readonly LinkSetting[]): Promise<void>;
  /** In the order of the names. */
  counters(links: readonly string[]): Promise<readonly LinkCounters[]>;
}

const MAIN = fileURLToPath(new URL('./relay-main.js', import.meta.url));
/** Long, because a busy harness sees its timers before it reads the answer. The death of a relay is seen at once. */
const ANSWER_MS_MAX = 60_000;
const CLOSE_MS_MAX = 10_000;
const LOG_LINES_SHOWN = 3;

type Waiting = {
  readonly resolve: (counters: readonly LinkCounters[]) => void;
  readonly reject: (error: Error) => void;
};
/** A command without its number. */
type Unnumbered<C extends RelayCommand = RelayCommand> = C extends RelayCommand ? Omit<C, 'id'> : never;

export class RelayProcess implements Relay {
  readonly #child: Child;
  readonly #clock: Clock;
  readonly #waiting = new Map<number, Waiting>();
  readonly #ended: Promise<void>;
  #lastId = 0;
  #isClosing = false;
  #gone: OperatingError | null = null;

  /**
   * `logPath`: the file to which its emergency output is appended. `onFailure`: the relay has ended, and nobody has
   * asked it to.
   */
  constructor(options: {
    readonly clock: Clock;
    readonly logPath: string;
    readonly onFailure: (failure: Failure) => void;
  }) {
    const { clock, logPath, onFailure } = options;
    this.#clock = clock;
    const log = openSync(logPath, 'a');
    // In a separate session, so that Ctrl-C reaches only the harness.
    const child = new Child({ argv: [process.execPath, MAIN], stdio: ['pipe', 'pipe', log], isDetached: true });
    closeSync(log);
    this.#child = child;
    const splitter = new LineSplitter();
    child.output(1)?.on('data', (bytes: Buffer) => {
      for (const line of splitter.push(bytes)) this.#hear(line);
    });
    this.#ended = child.ended.then((end) => {
      const how = child.pid === null ? howEnded(end) : `pid ${child.pid} ${howEnded(end)}`;
      const what = `${how}: no process of the run can reach the broker any more`;
      this.#isGone(what);
      if (this.#isClosing) return;
      const lines = lastLogLines(logPath, LOG_LINES_SHOWN);
      onFailure({ process: 'relay', what, exitCode: end.code, beforeReady: false, lastLogLines: lines });
    });
  }

  /** Null when the relay could not be started. */
  get pid(): number | null {
    return this.#child.pid;
  }

  /** Begins to carry a link: from `listen`, where its client dials, to `broker`. */
  async open(link: string, at: { readonly listen: string; readonly broker: string }): Promise<void> {
    await this.#ask({ command: 'open', link, ...at });
  }

  async set(settings: readonly LinkSetting[]): Promise<void> {
    await this.#ask({ command: 'set', settings });
  }

  counters(links: readonly string[]): Promise<readonly LinkCounters[]> {
    return this.#ask({ command: 'counters', links });
  }

  /** Resolves when the relay has ended. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#child.stdin?.end();
    const timer: Timer = this.#clock.after(CLOSE_MS_MAX, () => this.#child.kill('SIGKILL'));
    await this.#ended;
    timer.clear();
  }

  #ask(command: Unnumbered): Promise<readonly LinkCounters[]> {
    const answer = new Promise<readonly LinkCounters[]>((resolve, reject) => {
      if (this.#gone !== null) return reject(this.#gone);
      this.#lastId += 1;
      this.#waiting.set(this.#lastId, { resolve, reject });
      this.#child.stdin?.write(encodeLine({ id: this.#lastId, ...command }));
    });
    const late = (): Error => new OperatingError('ERR_RELAY', `the relay has not answered in ${ANSWER_MS_MAX} ms`);
    return inTime(answer, { clock: this.#clock, limitMs: ANSWER_MS_MAX, late });
  }

  #hear(line: string): void {
    const answer = decodeRelayAnswer(line);
    if (answer === null) return this.#isGone(`it answers with what is no answer: ${line}`);
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('error' in answer) waiting?.reject(new OperatingError('ERR_RELAY', answer.error));
    else waiting?.resolve(answer.counters);
  }

  #isGone(what: string): void {
    this.#gone ??= new OperatingError('ERR_RELAY', `the relay is gone: ${what}`);
    for (const { reject } of this.#waiting.values()) reject(this.#gone);
    this.#waiting.clear();
  }
}
