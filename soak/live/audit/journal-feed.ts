/**
 * One journal on its way into a history, in the order that the checkers ask for (`soak/guarantee/history.ts`). Batches
 * go in only as far as is allowed, which is what the shard has durably folded. Each checkpoint stands between the
 * batches below its offset and those from it on. Pure: batches are offered one at a time, and the feed says when the
 * next one may come.
 */

import { assert } from '../../../src/core/assert.ts';
import type { StoredBatch } from '../../../src/journal/journals.ts';
import type { Happening } from '../../guarantee/history.ts';

export type CheckpointHappening = Extract<Happening, { event: 'checkpoint' }>;

export class JournalFeed {
  readonly journal: string;
  readonly #record: (happening: Happening) => void;
  /** Checkpoints that are not in the history yet, in the order in which they were taken. */
  readonly #checkpoints: CheckpointHappening[] = [];
  #through = 0;
  #allowed = 0;
  #isHeldBack = false;
  #arrived = 0;
  #offered: { readonly batch: StoredBatch; readonly taken: () => void } | null = null;

  constructor(journal: string, record: (happening: Happening) => void) {
    this.journal = journal;
    this.#record = record;
  }

  /** Everything of the journal below this offset is in the history. */
  get through(): number {
    return this.#through;
  }

  /** The number of batches offered so far. */
  get arrived(): number {
    return this.#arrived;
  }

  /** Whether a batch has arrived and may not go into the history yet. */
  get isWaiting(): boolean {
    return this.#offered !== null;
  }

  /** Whether a checkpoint waits for batches below its offset. */
  get isBehind(): boolean {
    return this.#checkpoints.length > 0;
  }

  /** Resolves when the batch is in the history. Then the next one may be offered. */
  offer(batch: StoredBatch): Promise<void> {
    assert(this.#offered === null, 'batches are offered one at a time');
    this.#arrived += 1;
    return new Promise((taken) => {
      this.#offered = { batch, taken };
      this.#advance();
    });
  }

  /** Batches that end at `offset` or below may go into the history. */
  allow(offset: number): void {
    this.#allowed = Math.max(this.#allowed, offset);
    this.#advance();
  }

  /** Until it is let go, nothing goes into the history, whatever is allowed. */
  holdBack(isHeldBack: boolean): void {
    this.#isHeldBack = isHeldBack;
    this.#advance();
  }

  /** Everything below its offset is durably folded, and so allowed. */
  checkpoint(checkpoint: CheckpointHappening): void {
    this.#checkpoints.push(checkpoint);
    this.#advance();
  }

  /** The journal ends where it was read to, so checkpoints that wait for more of it wait in vain. */
  end(): void {
    for (const checkpoint of this.#checkpoints.splice(0)) this.#record(checkpoint);
  }

  #advance(): void {
    while (!this.#isHeldBack) {
      const checkpoint = this.#checkpoints[0];
      const next = this.#offered;
      // A checkpoint below the end of the history, or inside a batch, is wrong: the checkers name it.
      const isDue = this.#through >= (checkpoint?.offset ?? Number.POSITIVE_INFINITY);
      if (checkpoint !== undefined && (isDue || (next !== null && next.batch.end > checkpoint.offset))) {
        this.#checkpoints.shift();
        this.#record(checkpoint);
        continue;
      }
      if (next === null || next.batch.end > Math.max(this.#allowed, checkpoint?.offset ?? 0)) return;
      this.#offered = null;
      this.#through = next.batch.end;
      this.#record({ event: 'batch', journal: this.journal, ...next.batch });
      next.taken();
    }
  }
}
