/**
 * The history of a run while it is written: gives each event its time, shows it to the checkers, and hands over what they
 * find as soon as they find it. Nothing of it is kept: a run may last for days.
 */

import type { Clock } from '../../src/core/clock.ts';
import type { Checker, Finding, Findings, Happening, HistoryEvent, HistoryFilter } from './history.ts';
import { makeCheckers } from './checkers/index.ts';

export class RunHistory {
  readonly #clock: Clock;
  readonly #checkers: readonly Checker[];
  readonly #onFinding: (finding: Finding) => void;
  readonly #filter: HistoryFilter;
  /** By checker, violations that were handed over. */
  readonly #handedOver: number[];
  #events = 0;
  #batches = 0;
  #checkpoints = 0;

  constructor(options: {
    readonly clock: Clock;
    readonly onFinding: (finding: Finding) => void;
    readonly checkers?: readonly Checker[];
    readonly filter?: HistoryFilter | undefined;
  }) {
    this.#filter = options.filter ?? ((event) => [event]);
    this.#clock = options.clock;
    this.#onFinding = options.onFinding;
    this.#checkers = options.checkers ?? makeCheckers();
    this.#handedOver = this.#checkers.map(() => 0);
  }

  /** Batches and checkpoints that the checkers have seen. */
  get counts(): { readonly batches: number; readonly checkpoints: number } {
    return { batches: this.#batches, checkpoints: this.#checkpoints };
  }

  record(happening: Happening): void {
    const event: HistoryEvent = { atNs: this.#clock.nowNs(), ...happening };
    this.#events += 1;
    if (event.event === 'batch') this.#batches += 1;
    if (event.event === 'checkpoint') this.#checkpoints += 1;
    for (const seen of this.#filter(event)) {
      for (const [index, checker] of this.#checkers.entries()) {
        checker.observe(seen);
        this.#handOver(index, checker.findings);
      }
    }
  }

  /** Ends the history; one line for each reason why the checkers cannot vouch for the run. */
  finish(): string[] {
    this.record({ event: 'end', events: this.#events });
    return this.#checkers.flatMap((checker, index) => {
      const findings = checker.finish();
      this.#handOver(index, findings);
      return findings.inconclusive.map((reason) => `${checker.name}: ${reason}`);
    });
  }

  #handOver(index: number, findings: Findings | undefined): void {
    if (findings === undefined) return;
    const before = this.#handedOver[index] ?? 0;
    if (findings.violations.length === before) return;
    this.#handedOver[index] = findings.violations.length;
    for (const finding of findings.violations.slice(before)) this.#onFinding(finding);
  }
}
