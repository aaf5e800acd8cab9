/**
 * One journal on its way into a history, in the order that the checkers ask for (`soak/guarantee/history.ts`): batches
 * no further than is allowed, which is what the shard has durably folded, and each checkpoint between the batches below
 * its offset and those from it on. Pure: batches are offered one at a time, and it says when the next one may come.
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

  /** Everything of the journal below is in the history. */
  get through(): number {
    return this.#through;
  }

  /** Batches that were offered so far. */
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

  /** Resolves when the batch is in the history; the next one may be offered then. */
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

  /** Nothing goes into the history until it is let go, whatever is allowed. */
  holdBack(isHeldBack: boolean): void {
    this.#isHeldBack = isHeldBack;
    this.#advance();
  }

  /** What is below its offset is durably folded, and so allowed. */
  checkpoint(checkpoint: CheckpointHappening): void {
    this.#checkpoints.push(checkpoint);
    this.#advance();
  }

  /** The journal ends where it was read to: checkpoints that wait for more of it wait in vain. */
  end(): void {
    for (const checkpoint of this.#checkpoints.splice(0)) this.#record(checkpoint);
  }

  #advance(): void {
    while (!this.#isHeldBack) {
      const checkpoint = this.#checkpoints[0];
      const next = this.#offered;
      // One that is below what is in the history, or inside of a batch, says something wrong: the checkers name it.
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
