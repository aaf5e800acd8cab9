/** A soak's own statements that remove its evidence: something was not shown, or nobody looked. Finds no violation. */

import type { Checker, Findings, HistoryEvent } from '../history.ts';
import { FindingList } from './finding-list.ts';

/** The run was not ended early, neither by the user nor because it could not go on. */
export class InterruptionChecker implements Checker {
  readonly name = 'interruption';
  readonly #found = new FindingList(this.name);
  #how: 'no' | 'drained' | 'at once' = 'no';
  #isHalted = false;

  observe(event: HistoryEvent): void {
    if (event.event === 'interrupted') this.#how = event.how;
    else if (event.event === 'halted') this.#isHalted = true;
  }

  finish(): Findings {
    if (this.#how === 'at once') this.#found.missing('stopped by the user before everything was verified');
    else if (this.#isHalted) this.#found.missing('the run was ended early');
    return { ...this.#found.findings, isCutShort: this.#how === 'drained' };
  }
}

/** Every process and every check did its part. */
export class DoubtsChecker implements Checker {
  readonly name = 'doubts';
  readonly #found = new FindingList(this.name);
  #isAudited = false;
  #wasAudited = false;
  #isHalted = false;
  #unfollowed: string | null = null;

  observe(event: HistoryEvent): void {
    if (event.event === 'run') {
      this.#isAudited = event.isAudited === true;
    } else if (event.event === 'doubt') {
      this.#found.inconclusive(event.reason);
    } else if (event.event === 'audited') {
      this.#wasAudited = true;
      if (event.error !== undefined) this.#found.inconclusive(`the audit could not be made: ${event.error}`);
    } else if (event.event === 'unfollowed') {
      if (event.leavesDoubt) this.#unfollowed = `the journals were not followed: ${event.reason}`;
    } else if (event.event === 'halted') {
      this.#isHalted = true;
    }
  }

  finish(): Findings {
    if (this.#unfollowed !== null) this.#found.inconclusive(this.#unfollowed);
    if (this.#isAudited && !this.#wasAudited && !this.#isHalted) {
      this.#found.missing('nothing says that the audit at the end was made');
    }
    return this.#found.findings;
  }
}
