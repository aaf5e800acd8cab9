/**
 * The log of a run, written in the same way in both worlds. It gives each event its number and its time, shows it to
 * the listeners as it happened, and shows the checkers what the filter lets through. Findings are handed over as soon
 * as a checker has them.
 *
 * The log keeps no event, because a run may last for days. Events are kept by listeners.
 */

import type { Checker, Findings, Happening, HistoryEvent, HistoryFilter } from './history.ts';
import type { Finding } from './violation.ts';

/** What made an event happen. Causes serve the story of a run and not its verdict: no checker sees them. */
export type Cause = {
  readonly kind: 'message' | 'timer' | 'fault' | 'start' | 'signal';
  /** The process that sent the message, set the timer or was started. */
  readonly process?: string;
  /** The message, timer or fault, in a few words. */
  readonly what?: string;
  /** Number of the earlier event that led to this one. */
  readonly from?: number;
};

/** The process in the cause of everything that the schedule itself starts. Nothing leads to it. */
export const SCHEDULE: string = 'the schedule';

/** An event with its place in the log. */
export type LogEntry = {
  /** Counted from 1, before any filter. */
  readonly n: number;
  readonly event: HistoryEvent;
  readonly cause?: Cause;
};

export type LogListener = (entry: LogEntry) => void;

export class HistoryLog {
  readonly #nowNs: () => number;
  readonly #checkers: readonly Checker[];
  readonly #filter: HistoryFilter;
  readonly #listeners: readonly LogListener[];
  readonly #onFinding: ((finding: Finding, checker: Checker) => void) | null;
  readonly #causeNow: (() => Cause | undefined) | null;
  /** By checker, how many violations were handed over. */
  readonly #handedOver: number[];
  #events = 0;
  /** Events that are recorded and not shown yet. */
  readonly #unshown: LogEntry[] = [];
  #isShowing = false;
  #isFinished = false;

  constructor(options: {
    readonly nowNs: () => number;
    readonly checkers: readonly Checker[];
    /** Sabotage of the harness: what the checkers see instead of each event. */
    readonly filter?: HistoryFilter | undefined;
    /** Each listener is shown every event before the checkers are. */
    readonly listeners?: readonly LogListener[];
    /** Absent: findings are asked for only at the end. */
    readonly onFinding?: (finding: Finding, checker: Checker) => void;
    /** What is happening now, for events that are recorded without a cause. */
    readonly causeNow?: () => Cause | undefined;
  }) {
    this.#nowNs = options.nowNs;
    this.#checkers = options.checkers;
    this.#filter = options.filter ?? ((event) => [event]);
    this.#listeners = options.listeners ?? [];
    this.#onFinding = options.onFinding ?? null;
    this.#causeNow = options.causeNow ?? null;
    this.#handedOver = this.#checkers.map(() => 0);
  }

  /** The number of events so far, which is the number of the last one. */
  get events(): number {
    return this.#events;
  }

  /**
   * Returns the event's number, which a later event may name as its cause. Events that are recorded while an event is
   * shown come after it, for every listener.
   */
  record(happening: Happening, cause: Cause | undefined = this.#causeNow?.()): number {
    const event: HistoryEvent = { atNs: this.#nowNs(), ...happening };
    this.#events += 1;
    const n = this.#events;
    const entry: LogEntry = cause === undefined ? { n, event } : { n, event, cause };
    this.#unshown.push(entry);
    if (this.#isShowing) return n;
    this.#isShowing = true;
    try {
      for (let next = this.#unshown.shift(); next !== undefined; next = this.#unshown.shift()) this.#show(next);
    } finally {
      this.#isShowing = false;
    }
    return n;
  }

  #show(entry: LogEntry): void {
    for (const listener of this.#listeners) listener(entry);
    // Only listeners hear of the findings at the end.
    if (this.#isFinished) return;
    for (const seen of this.#filter(entry.event)) for (const checker of this.#checkers) checker.observe(seen);
    if (this.#onFinding === null) return;
    for (const [index, checker] of this.#checkers.entries()) {
      // Asked after every event: a checker without a finding need not list any.
      if (checker.hasFound === true) this.#handOver(index, checker.findings);
    }
  }

  /** Ends the history, and records how many events it has. */
  end(): void {
    this.record({ event: 'end', events: this.#events });
  }

  /** All findings of each checker, in their order. Called once, after `end`, or when a history was cut short. */
  finish(): readonly Findings[] {
    this.#isFinished = true;
    const findings = this.#checkers.map((checker) => checker.finish());
    for (const [index, found] of findings.entries()) this.#handOver(index, found);
    return findings;
  }

  #handOver(index: number, findings: Findings | undefined): void {
    const checker = this.#checkers[index];
    if (findings === undefined || checker === undefined || this.#onFinding === null) return;
    const before = this.#handedOver[index] ?? 0;
    if (findings.violations.length === before) return;
    this.#handedOver[index] = findings.violations.length;
    for (const finding of findings.violations.slice(before)) this.#onFinding(finding, checker);
  }
}
