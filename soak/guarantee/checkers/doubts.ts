/** A soak's own statements that remove its evidence: something was not shown, or nobody looked. Finds no violation. */

import { formatDuration } from '../../../src/core/units.ts';
import type { Checker, Findings, HistoryEvent } from '../history.ts';
import type { Phase } from '../phase.ts';
import { FindingList } from './finding-list.ts';

/**
 * The run was not ended early, neither by the user nor because it could not go on. How far the run had come when the
 * user ended it is the first cause of all other missing evidence.
 */
export class InterruptionChecker implements Checker {
  readonly name = 'interruption';
  readonly #found = new FindingList(this.name);
  #startNs = 0;
  #phase: Phase | null = null;
  #isUp = false;
  #isHalted = false;
  #asksForFaults = false;
  #faults = 0;
  #how: 'no' | 'drained' | 'at once' = 'no';
  /** How far the run had come when the user first wanted it to end. */
  #reached = '';

  observe(event: HistoryEvent): void {
    if (event.event === 'run') {
      this.#startNs = event.atNs;
      this.#asksForFaults = (event.faultKinds ?? []).length > 0;
    } else if (event.event === 'up') this.#isUp = true;
    else if (event.event === 'phase') this.#phase = event.phase;
    else if (event.event === 'fault') this.#faults += event.insteadOf === undefined ? 1 : 0;
    else if (event.event === 'halted') this.#isHalted = true;
    else if (event.event === 'interrupted') {
      if (this.#how === 'no') this.#reached = this.#describe(event.atNs);
      this.#how = event.how;
    }
  }

  finish(): Findings {
    const { findings } = this.#found;
    if (this.#how === 'drained') return { ...findings, interruption: `interrupted ${this.#reached}` };
    if (this.#how === 'no') {
      if (this.#isHalted) this.#found.missing('the run was ended early');
      return this.#found.findings;
    }
    const interruption = `stopped by the user before everything was verified, ${this.#reached}`;
    this.#found.missing(interruption);
    return { ...this.#found.findings, interruption };
  }

  #describe(atNs: number): string {
    const after = `after ${formatDuration(Math.max(0, atNs - this.#startNs) / 1e6)}`;
    if (!this.#isUp) return `${after}, before all processes were ready`;
    const phase = `${after}, in the phase ${this.#phase ?? 'unknown'}`;
    if (!this.#asksForFaults) return phase;
    if (this.#faults === 0) return `${phase}, before the first fault`;
    return `${phase}, after ${this.#faults} fault${this.#faults === 1 ? '' : 's'}`;
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
