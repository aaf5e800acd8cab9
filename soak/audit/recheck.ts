/**
 * The checkers of a soak over recorded events: the same checkers in the same order, to a verdict by the same rules.
 * They are told of known gaps as a soak tells them, so that nothing missing counts as seen.
 */

import type { EnginePromises } from '../../src/journal/promises.ts';
import { BatchReader } from '../guarantee/checkers/batch-reader.ts';
import { makeSoakCheckers } from '../guarantee/checkers/index.ts';
import type { Checker, Findings, HistoryEvent } from '../guarantee/history.ts';
import { type Verdict, decideVerdict } from '../guarantee/verdict.ts';

/** What was judged again. */
export type Rechecked = {
  readonly verdict: Verdict;
  /** Whether this is everything that the checkers of the run saw. */
  readonly isAll: boolean;
  /** How much was judged, and what was not; one line each. */
  readonly remarks: readonly string[];
  /** What in the folder cannot be from a run, one line each. */
  readonly damages: readonly string[];
  /** The part that was judged, in words. */
  readonly part: string;
  /** How many violations the run has recorded in its history. Null: some of them may be missing. */
  readonly found: number | null;
};

export class Recheck {
  /** Null: a checker that is not of this share. */
  readonly #checkers: readonly (Checker | null)[];
  readonly #shown: readonly Checker[];
  #events = 0;
  #batches = 0;
  #checkpoints = 0;
  #bytes = 0;
  #lastNs = 0;
  #firstNs: number | null = null;
  #hasEnded = false;

  /** `promises`: those of the engine of the run's journals. `isOfShare`: whether a checker of this name judges. */
  constructor(promises: EnginePromises, isOfShare: (name: string) => boolean = () => true) {
    const checkers = makeSoakCheckers(new BatchReader(promises), promises);
    this.#checkers = checkers.map((checker) => (isOfShare(checker.name) ? checker : null));
    this.#shown = checkers.filter(({ name }) => isOfShare(name));
  }

  /** How many events were judged. */
  get events(): number {
    return this.#events;
  }

  get batches(): number {
    return this.#batches;
  }

  /** Bytes of all batches. */
  get bytes(): number {
    return this.#bytes;
  }

  get checkpoints(): number {
    return this.#checkpoints;
  }

  /** Seconds from the first event to the last. */
  get seconds(): number {
    return (this.#lastNs - (this.#firstNs ?? this.#lastNs)) / 1e9;
  }

  /** Whether the run has said that nothing is missing before its end. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  observe(event: HistoryEvent): void {
    // No checker of the run saw what the others found at the end.
    if (this.#hasEnded && event.event === 'found') return;
    this.#events += 1;
    this.#firstNs ??= event.atNs;
    this.#lastNs = event.atNs;
    if (event.event === 'batch') {
      this.#batches += 1;
      this.#bytes += event.bytes.length;
    } else if (event.event === 'checkpoint') this.#checkpoints += 1;
    else if (event.event === 'end') this.#hasEnded = true;
    this.#show(event);
  }

  /** The next events were not recorded. From here on the journals cannot be followed. */
  unfollow(reason: string): void {
    this.#show({ event: 'unfollowed', atNs: this.#lastNs, reason, leavesDoubt: true });
  }

  /** Nothing more was recorded. Called once, at the end. By number of the checker; null: not of this share. */
  findings(): (Findings | null)[] {
    if (!this.#hasEnded) this.#show({ event: 'halted', atNs: this.#lastNs });
    return this.#checkers.map((checker) => checker?.finish() ?? null);
  }

  #show(event: HistoryEvent): void {
    for (const checker of this.#shown) checker.observe(event);
  }
}

/** The verdict by the findings of all checkers. */
export function recheckedVerdict(findings: readonly (Findings | null)[]): Verdict {
  return decideVerdict(
    findings.filter((found) => found !== null),
    { othersIn: 'violations.csv' },
  );
}
