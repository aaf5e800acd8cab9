/**
 * One journal as the broker holds it in memory: durable batches, batches on their way to disk, and the most recent
 * batches that some reader has not taken yet. Pure state: the broker decides and the group commit writes.
 */

import { assert } from '../../core/assert.ts';
import { nameKey } from '../../store/row.ts';
import type { StoredBatch } from '../journals.ts';

export type ProducerState = {
  /** The key of the journal's row in the store. */
  readonly key: Buffer;
  /** The next index, including records that wait for their commit. */
  next: number;
  ended: boolean;
};

export type Pin = {
  offset: number;
  /** How long the reader was not heard while a broker served, and what the row says of that. */
  absentMs: number;
  writtenAbsentMs: number;
  /** How long the pin has not moved although there was something to read, while this broker served. */
  unmovedMs: number;
  /** The reader has taken leave, and has not come back. */
  isAway: boolean;
};

/** Memory of a small batch in addition to its bytes: its objects and its buffer. 1 to 4 KiB were measured. */
const BATCH_OVERHEAD_BYTES = 3072;
const COMPACT_BATCHES = 256;
const FORGOTTEN: StoredBatch = { begin: 0, end: 0, stampNs: 0, bytes: new Uint8Array(0) };

export class JournalLog {
  readonly number: number;
  readonly name: string;
  readonly kind: 'chunks' | 'sums';
  /** The first offset that is kept. */
  begin: number;
  /** The end of the durable, and so visible, batches. */
  head: number;
  /** The end of the accepted batches, durable or not. */
  tail: number;
  readonly producers: Map<string, ProducerState> = new Map();
  /** By name: the shard of a chunk journal, the verifiers of the sums journal, and auditors of either. */
  readonly pins: Map<string, Pin> = new Map();
  readonly #recent: StoredBatch[] = [];
  /** Batches before this one are forgotten. */
  #first = 0;
  #recentBytes = 0;

  constructor(fields: { number: number; name: string; kind: 'chunks' | 'sums'; begin: number; head: number }) {
    this.number = fields.number;
    this.name = fields.name;
    this.kind = fields.kind;
    this.begin = fields.begin;
    this.head = fields.head;
    this.tail = fields.head;
  }

  /** Bytes that are kept or on their way to disk. */
  get bytes(): number {
    return this.tail - this.begin;
  }

  producer(id: string): ProducerState {
    let state = this.producers.get(id);
    if (state === undefined) {
      state = { key: nameKey(this.number, id), next: 0, ended: false };
      this.producers.set(id, state);
    }
    return state;
  }

  /** The lowest offset that some reader still needs; `null` when nobody has a pin in the journal. */
  lowestPin(): number | null {
    let lowest: number | null = null;
    for (const pin of this.pins.values()) {
      if (lowest === null || pin.offset < lowest) lowest = pin.offset;
    }
    return lowest;
  }

  /** Bytes of the batches in memory, including their overhead. */
  get recentBytes(): number {
    return this.#recentBytes;
  }

  /**
   * Adds a batch that has become durable. The oldest batches leave memory, so that at most `bytesMax` bytes stay. The
   * newest batch stays even if it is larger, unless all journals together would keep more than `totalBytesMax`; the
   * other journals have `othersBytes` of it.
   */
  remember(batch: StoredBatch, bounds: { bytesMax: number; totalBytesMax: number; othersBytes: number }): void {
    assert(batch.begin === this.head, 'batches become durable in order');
    this.head = batch.end;
    this.#recent.push(batch);
    this.#recentBytes += batch.bytes.length + BATCH_OVERHEAD_BYTES;
    const { bytesMax, totalBytesMax, othersBytes } = bounds;
    while (this.#recentBytes > bytesMax && this.#first < this.#recent.length - 1) this.#forgetOldest();
    if (this.#recentBytes > bytesMax && this.#recentBytes + othersBytes > totalBytesMax) this.#forgetOldest();
    this.#compact();
  }

  /**
   * Lets go of the batches below `offset`, which no reader is about to read. Small batches that stay in memory for a
   * while make garbage collection slow, and with it the tail of the latencies.
   */
  forget(offset: number): void {
    while (this.#first < this.#recent.length && (this.#recent[this.#first]?.begin ?? offset) < offset) {
      this.#forgetOldest();
    }
    this.#compact();
  }

  #forgetOldest(): void {
    this.#recentBytes -= (this.#recent[this.#first]?.bytes.length ?? 0) + BATCH_OVERHEAD_BYTES;
    this.#recent[this.#first] = FORGOTTEN;
    this.#first += 1;
  }

  #compact(): void {
    if (this.#first === this.#recent.length) {
      this.#recent.length = 0;
      this.#first = 0;
      return;
    }
    if (this.#first >= COMPACT_BATCHES && this.#first * 2 >= this.#recent.length) {
      this.#recent.splice(0, this.#first);
      this.#first = 0;
    }
  }

  /** The batch that begins at `offset`, if it is still in memory. */
  recall(offset: number): StoredBatch | undefined {
    let low = this.#first;
    let high = this.#recent.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const batch = this.#recent[middle];
      if (batch !== undefined && batch.begin < offset) low = middle + 1;
      else high = middle;
    }
    const found = this.#recent[low];
    return found?.begin === offset ? found : undefined;
  }
}
