/** Violations that the components found themselves, and exits that report one. */

import { EXIT } from '../../../src/core/errors.ts';
import { FindingList } from './finding-list.ts';
import type { Checker, Findings, HistoryEvent } from '../history.ts';

export class ReportedChecker implements Checker {
  readonly name = 'reported';
  readonly #found = new FindingList(this.name);
  readonly #reporters = new Set<string>();
  readonly #silent = new Set<string>();

  observe(event: HistoryEvent): void {
    this.#found.at(event);
    if (event.event === 'violation') {
      const { process, kind, detail, journal, offset, file, index } = event;
      this.#reporters.add(process);
      const witness = {
        ...(journal === undefined ? {} : { journal }),
        ...(offset === undefined ? {} : { offset }),
        ...(file === undefined ? {} : { file }),
        ...(index === undefined ? {} : { index }),
      };
      this.#found.violation(kind, detail, witness, process);
    } else if (event.event === 'ended' && event.exitCode === EXIT.violation) this.#silent.add(event.process);
  }

  get hasFound(): boolean {
    return this.#found.hasViolation;
  }

  get findings(): Findings {
    return this.#found.findings;
  }

  finish(): Findings {
    for (const process of this.#silent) {
      if (this.#reporters.has(process)) continue;
      const detail = `exited with ${EXIT.violation} without saying which guarantee broke`;
      this.#found.violation('unnamed', detail, {}, process);
    }
    return this.#found.findings;
  }
}
