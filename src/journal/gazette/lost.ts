/**
 * How long brokers may say that they hold less of a journal than its fragments prove (INDEX_HAS_GREATER_OFFSET). A
 * handover passes. What only the memory of lost brokers held does not come back.
 */

import { ViolationError } from '../../core/errors.ts';
import type { Meaning } from './status.ts';

const LOST_MS = 60_000;
/** The most that counts between two answers: a process that was stopped meanwhile has asked nobody. */
const GAP_MS = 5_000;

/** Counts for how long the answers have been `lost` without any other in between. */
export class LostAnswers {
  #countedNs = 0;
  #lastNs: number | null = null;

  /** Takes an answer. True: `lost` is all that was answered for too long. */
  note(meaning: Meaning, nowNs: number): boolean {
    if (meaning !== 'lost') {
      this.#countedNs = 0;
      this.#lastNs = null;
      return false;
    }
    if (this.#lastNs !== null) this.#countedNs += Math.min(nowNs - this.#lastNs, GAP_MS * 1e6);
    this.#lastNs = nowNs;
    return this.#countedNs > LOST_MS * 1e6;
  }
}

/** What only the memory of brokers held went with them. */
export function lostTail(journal: string, offset: number): ViolationError {
  const detail = `its brokers hold less of ${journal} than its fragments prove (INDEX_HAS_GREATER_OFFSET)`;
  return new ViolationError('acknowledged-loss', detail, { journal, offset });
}
