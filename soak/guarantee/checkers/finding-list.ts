/** What one checker has found so far: the first violations in full, a count of the others, and its reasons to doubt. */

import type { ViolationWitness } from '../../../src/core/errors.ts';
import { FINDINGS_MAX, type Findings, type HistoryEvent } from '../history.ts';
import type { Finding } from '../violation.ts';

export class FindingList {
  readonly #checker: string;
  readonly #violations: Finding[] = [];
  readonly #inconclusive: string[] = [];
  readonly #missing: string[] = [];
  #violationCount = 0;
  #atNs = 0;

  constructor(checker: string) {
    this.#checker = checker;
  }

  /** This event shows whatever is found from now on. */
  at(event: HistoryEvent): void {
    this.#atNs = event.atNs;
  }

  violation(
    kind: Finding['kind'],
    detail: string,
    witness: ViolationWitness = {},
    process: string = this.#checker,
  ): void {
    this.#violationCount += 1;
    if (this.#violations.length === FINDINGS_MAX) return;
    this.#violations.push({ ...witness, process, kind, detail, atNs: this.#atNs });
  }

  inconclusive(reason: string): void {
    if (this.#inconclusive.length < FINDINGS_MAX) this.#inconclusive.push(reason);
  }

  /** Notes missing evidence. */
  missing(reason: string): void {
    if (this.#missing.length < FINDINGS_MAX) this.#missing.push(reason);
  }

  get hasViolation(): boolean {
    return this.#violationCount > 0;
  }

  get findings(): Findings {
    return {
      violations: this.#violations,
      violationCount: this.#violationCount,
      inconclusive: this.#inconclusive,
      ...(this.#missing.length === 0 ? {} : { missing: this.#missing }),
    };
  }
}
