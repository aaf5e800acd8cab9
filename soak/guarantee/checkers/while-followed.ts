/**
 * A checker of journals in a soak that need not follow them to the end. It looks as long as the journals are followed,
 * and reports missing evidence only if the run went to its end. Its findings until then stay.
 */

import type { Checker, Findings, HistoryEvent } from '../history.ts';

export class WhileFollowed implements Checker {
  readonly name: string;
  readonly #checker: Checker;
  #isFollowed = true;
  #isHalted = false;

  constructor(checker: Checker) {
    this.name = checker.name;
    this.#checker = checker;
  }

  get hasFound(): boolean {
    return this.#checker.hasFound === true;
  }

  get findings(): Findings {
    return this.#checker.findings ?? { violations: [], violationCount: 0, inconclusive: [] };
  }

  observe(event: HistoryEvent): void {
    if (event.event === 'unfollowed') this.#isFollowed = false;
    if (event.event === 'halted') this.#isHalted = true;
    if (this.#isFollowed) this.#checker.observe(event);
  }

  finish(): Findings {
    if (!this.#isFollowed || this.#isHalted) return { ...this.findings, inconclusive: [] };
    const { inconclusive, ...found } = this.#checker.finish();
    return { ...found, inconclusive: inconclusive.map((reason) => `${this.name}: ${reason}`) };
  }

  summary(): Readonly<Record<string, number>> {
    return this.#checker.summary?.() ?? {};
  }
}
