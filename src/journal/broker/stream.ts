/**
 * One open read stream at the broker, from an offset as far as its credit goes. Pure: its owner asks it what to send
 * next.
 *
 * Bounds: at most `STREAM_MESSAGES_MAX` messages that the reader has not taken yet, and at most `MESSAGE_PAYLOAD_BYTES`
 * (or one batch) in each. So the queue to a client is bounded whatever the size of the batches. A reader behind a slow
 * link asks for smaller messages, and gets a larger batch in parts.
 */

import type { ShardEpoch, StoredBatch } from '../journals.ts';
import type { Credit } from '../protocol.ts';
import type { JournalLog } from './journal-log.ts';

export const STREAM_MESSAGES_MAX = 32;
const MESSAGE_PAYLOAD_BYTES = 1024 * 1024;
const MESSAGE_BATCHES_MAX = 256;

/** The content of one message: whole batches, or bytes of one batch from `at` on. */
export type Taken =
  | { readonly batches: readonly StoredBatch[] }
  | { readonly part: StoredBatch; readonly at: number; readonly bytes: Uint8Array };

export class Stream {
  readonly id: number;
  readonly journal: JournalLog;
  readonly owner: ShardEpoch | undefined;
  #next: number;
  /** Bytes of the batch at `next` that are already sent. */
  #partSent = 0;
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

  /** Offset of the next batch to send. */
  get next(): number {
    return this.#next;
  }

  grant(credit: Credit): void {
    this.#through = Math.max(this.#through, credit.through);
    let taken = 0;
    while (taken < this.#untaken.length && (this.#untaken[taken] ?? 0) <= credit.taken) taken += 1;
    this.#untaken.splice(0, taken);
  }

  /**
   * The next message, of about `messageBytes` at most. `null`: there is nothing to send now. `trimmed`: its place is
   * gone.
   */
  take(
    batchAt: (journal: JournalLog, offset: number) => StoredBatch | null,
    messageBytes: number,
  ): Taken | 'trimmed' | null {
    const { journal } = this;
    if (this.#next < journal.begin) return 'trimmed';
    if (this.#next >= journal.head || this.#next + this.#partSent >= this.#through) return null;
    if (this.#untaken.length >= STREAM_MESSAGES_MAX) return null;
    const bytesMax = Math.min(MESSAGE_PAYLOAD_BYTES, messageBytes);
    const batches: StoredBatch[] = [];
    let bytes = 0;
    while (this.#next < journal.head && this.#next < this.#through && batches.length < MESSAGE_BATCHES_MAX) {
      const batch = batchAt(journal, this.#next);
      if (batch === null) return 'trimmed';
      const { length } = batch.bytes;
      if (batches.length === 0 && (this.#partSent > 0 || length > messageBytes)) return this.#part(batch, messageBytes);
      if (batches.length > 0 && bytes + length > bytesMax) break;
      batches.push(batch);
      bytes += length;
      this.#next = batch.end;
    }
    if (batches.length === 0) return null;
    this.#untaken.push(this.#next);
    return { batches };
  }

  #part(batch: StoredBatch, bytesMax: number): Taken {
    const at = this.#partSent;
    const bytes = batch.bytes.subarray(at, at + bytesMax);
    this.#partSent = at + bytes.length;
    this.#untaken.push(batch.begin + this.#partSent);
    if (this.#partSent === batch.bytes.length) {
      this.#next = batch.end;
      this.#partSent = 0;
    }
    return { part: batch, at, bytes };
  }
}
