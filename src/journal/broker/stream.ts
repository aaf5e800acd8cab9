/**
 * One open read stream at the broker: from an offset on, as far as credit goes. Pure: it is asked what to send next.
 *
 * Bounds: at most `STREAM_MESSAGES_MAX` messages that the reader has not taken yet, and at most `MESSAGE_PAYLOAD_BYTES`
 * (or one batch) in each, so that what is queued to a client is bounded whatever the size of its batches.
 */

import type { ShardEpoch, StoredBatch } from '../journals.ts';
import type { Credit } from '../protocol.ts';
import type { JournalLog } from './journal-log.ts';

export const STREAM_MESSAGES_MAX = 32;
const MESSAGE_PAYLOAD_BYTES = 1024 * 1024;
const MESSAGE_BATCHES_MAX = 256;

export class Stream {
  readonly id: number;
  readonly journal: JournalLog;
  readonly owner: ShardEpoch | undefined;
  #next: number;
  #through: number;
  /** End offsets of messages that were sent and not yet taken. */
  readonly #untaken: number[] = [];

  constructor(fields: {
    id: number;
    journal: JournalLog;
    offset: number;
    through: number;
    owner: ShardEpoch | undefined;
  }) {
    this.id = fields.id;
    this.journal = fields.journal;
    this.owner = fields.owner;
    this.#next = fields.offset;
    this.#through = fields.through;
  }

  /** Offset of the next batch that it sends. */
  get next(): number {
    return this.#next;
  }

  grant(credit: Credit): void {
    this.#through = Math.max(this.#through, credit.through);
    let taken = 0;
    while (taken < this.#untaken.length && (this.#untaken[taken] ?? 0) <= credit.taken) taken += 1;
    this.#untaken.splice(0, taken);
  }

  /** The batches of the next message; `null` when there is nothing to send now, `trimmed` when its place is gone. */
  take(batchAt: (journal: JournalLog, offset: number) => StoredBatch | null): StoredBatch[] | 'trimmed' | null {
    const { journal } = this;
    if (this.#next < journal.begin) return 'trimmed';
    if (this.#next >= journal.head || this.#next >= this.#through) return null;
    if (this.#untaken.length >= STREAM_MESSAGES_MAX) return null;
    const batches: StoredBatch[] = [];
    let bytes = 0;
    while (this.#next < journal.head && this.#next < this.#through && batches.length < MESSAGE_BATCHES_MAX) {
      const batch = batchAt(journal, this.#next);
      if (batch === null) return 'trimmed';
      if (batches.length > 0 && bytes + batch.bytes.length > MESSAGE_PAYLOAD_BYTES) break;
      batches.push(batch);
      bytes += batch.bytes.length;
      this.#next = batch.end;
    }
    if (batches.length === 0) return null;
    this.#untaken.push(this.#next);
    return batches;
  }
}
