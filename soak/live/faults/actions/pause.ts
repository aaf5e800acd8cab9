/**
 * SIGSTOP, and SIGCONT when the pause has lasted as long as planned. Proven when at one look the kernel has all targets
 * in state T, and no target answers a question that is asked after that. A pause does not end before its answer was
 * waited for. Over when each target was seen in another state and has said something after that.
 */

import { type FaultAction, type SeenReady, type Sight, lastSight } from './action.ts';
import type { FaultTarget } from './target.ts';
import { pidText } from './words.ts';

/** If nobody continues a process, the pauser continues it so long after the planned end of the pause. */
const LIMIT_MARGIN_MS = 60_000;
const STOPPED = 'T';
/**
 * Looks after the proof, within which earlier words of the process are read. Then the process is asked, and must not
 * answer.
 */
const QUIET_TURNS = 3;
/** Looks after the proof, within which an answer would have been read. */
const ANSWER_TURNS: number = QUIET_TURNS + 1;

type Sleeper = { readonly target: FaultTarget; pid: number | null; awakeNs: number | null; heard: Sight | null };

export class Pause implements FaultAction {
  readonly #sleepers: readonly Sleeper[];
  readonly #lengthMs: number;
  #proof: Sight | null = null;
  #turns = 0;
  #isEnded = false;
  /** The target that answered although it was stopped. */
  #spoke: string | null = null;

  constructor(targets: readonly FaultTarget[], { lengthMs }: { readonly lengthMs: number }) {
    this.#sleepers = targets.map((target) => ({ target, pid: null, awakeNs: null, heard: null }));
    this.#lengthMs = lengthMs;
  }

  inject(): void {
    for (const sleeper of this.#sleepers) {
      sleeper.pid = sleeper.target.pid;
      sleeper.target.pause(this.#lengthMs + LIMIT_MARGIN_MS);
    }
  }

  proven(nowNs: number): Sight | null {
    if (this.#proof === null && this.#sleepers.every(({ target }) => target.state === STOPPED)) {
      const pids = this.#sleepers.map(({ pid }) => pid);
      this.#proof = { atNs: nowNs, saw: `state ${STOPPED} of ${pidText(pids)}` };
    }
    return this.#proof;
  }

  /** A stopped process answers nobody. Its earlier words have been read after some turns. */
  onTurn(): void {
    if (this.#proof === null || this.#isEnded) return;
    this.#turns += 1;
    if (this.#turns !== QUIET_TURNS) return;
    for (const { target } of this.#sleepers) target.send({ command: 'progress' });
  }

  disproven(): string | null {
    return this.#spoke === null ? null : `${this.#spoke} answered in state ${STOPPED}`;
  }

  /** Every target that was asked has kept silent. */
  mayHeal(): boolean {
    return this.#turns >= ANSWER_TURNS;
  }

  heal(): void {
    this.#isEnded = true;
    for (const { target } of this.#sleepers) target.resume();
  }

  isOver(): boolean {
    return this.#sleepers.every(({ target }) => target.state !== STOPPED);
  }

  healed(nowNs: number): Sight | null {
    for (const sleeper of this.#sleepers) {
      const { state } = sleeper.target;
      if (state !== null && state !== STOPPED) sleeper.awakeNs ??= nowNs;
    }
    return lastSight(
      this.#sleepers.map(({ heard }) => heard),
      (pids) => `progress of ${pidText(pids)}`,
    );
  }

  onHeard(name: string, nowNs: number): void {
    const sleeper = this.#sleepers.find(({ target }) => target.name === name);
    if (sleeper === undefined) return;
    if (!this.#isEnded && this.#turns >= QUIET_TURNS) this.#spoke ??= name;
    if (sleeper.awakeNs === null) return;
    sleeper.heard ??= { atNs: nowNs, saw: String(sleeper.target.pid) };
  }

  /** The process has crashed on waking and is back, so it runs. Other checks judge the crash. */
  onReady({ name, nowNs }: SeenReady): void {
    const sleeper = this.#sleepers.find(({ target }) => target.name === name);
    if (sleeper !== undefined) sleeper.awakeNs ??= nowNs;
    this.onHeard(name, nowNs);
  }
}
