/**
 * The processing of one partition: folds its chunks in journal order and keeps the state that must move together: hash
 * states, read-through offset, producers' next indexes, finished sums. Invariant 2: `write` puts all of them into one
 * transaction.
 *
 * Pure except for the native pool: it gets batches and gives writes and sums. It sends nothing and commits nothing.
 *
 * Rules P-READ-1, P-COMMIT-1 of docs/protocol.md.
 */

import { assert, unreachable } from '../core/assert.ts';
import { OperatingError, ViolationError } from '../core/errors.ts';
import { crc32c } from '../hash/crc32c.ts';
import { type FoldFailure, HashPool, PAGE_BYTES } from '../hash/pool.ts';
import { chunkJournal } from '../journal/journals.ts';
import type { StoredBatch } from '../journal/journals.ts';
import { BATCH_BYTES_MAX, BATCH_HEADER_BYTES, type Batch, decodeBatch, writeProducer } from '../message/batch.ts';
import { CHUNK_HEADER_BYTES } from '../message/chunk.ts';
import { SUM_BYTES } from '../message/sum.ts';
import {
  keyOf,
  nameKey,
  nameOfKey,
  numberRange,
  offsetKey,
  offsetOfKey,
  openBytes,
  openRow,
  sealBytes,
  sealRow,
} from '../store/row.ts';
import type { StoreReader, WriteBatch } from '../store/store.ts';
import { isCheckpointRow, isProducerRow } from './rows.ts';

/**
 * The bound on a shard's sums that are finished and not acknowledged. From half of it on, acknowledgements start a
 * transaction. From the bound on, the shard accepts no batch. A batch that is accepted just below the bound may consist
 * of empty files, so the outbox holds at most the bound and one batch of sums: 15 MB. Waiting before each batch until
 * there is room for a whole batch would let in only one full batch at a time.
 */
export const OUTBOX_SUMS_MAX = 65_536;
export const BATCH_FILES_MAX: number = Math.floor((BATCH_BYTES_MAX - BATCH_HEADER_BYTES) / CHUNK_HEADER_BYTES);

/** A stored page: the page, then its CRC-32C. */
const PAGE_ROW_BYTES = PAGE_BYTES + 4;

/** Finished sums under consecutive indexes. `sums` is immutable. */
export type OutboxEntry = { readonly first: number; readonly count: number; readonly sums: Buffer };

export type ShardCounts = { chunksFolded: number; bytesFolded: number };

export class Shard {
  readonly number: number;
  readonly journal: string;
  readonly counts: ShardCounts = { chunksFolded: 0, bytesFolded: 0 };
  readonly #pool = new HashPool();
  readonly #nextIndexes = new Map<string, number>();
  readonly #dirtyProducers = new Set<string>();
  /** Folded up to here; durable up to `#durableOffset`. */
  #offset = 0;
  #durableOffset = 0;
  #nextSum = 0;
  /** Sums that were finished since the last `write`. */
  #finished: Buffer[] = [];
  /** Entries in the store, or in the commit under way, that are not acknowledged. */
  readonly #outbox: OutboxEntry[] = [];
  #outboxSums = 0;
  /** Acknowledged entries: the next transaction removes them from the store. */
  #cleared: number[] = [];
  #isDirty = false;
  #inCommit: { offset: number; entry: OutboxEntry | null } | null = null;
  #sums: Buffer = Buffer.alloc(0);
  #pages: Buffer = Buffer.alloc(0);
  /** The pages with their checksums, as they are stored. */
  #pageRows: Buffer = Buffer.alloc(0);
  #pageNumbers = new Uint32Array(0);

  /** Continues from the store's state of the shard, which may be empty. */
  constructor(number: number, store: StoreReader) {
    this.number = number;
    this.journal = chunkJournal(number);
    this.#load(store);
  }

  get offset(): number {
    return this.#offset;
  }

  get durableOffset(): number {
    return this.#durableOffset;
  }

  /** All sums below this index were handed out. Those that are not in the outbox are acknowledged. */
  get nextSum(): number {
    return this.#nextSum;
  }

  get filesOpen(): number {
    return this.#pool.openFiles();
  }

  /** Whether a transaction has something to write. Acknowledged entries alone do not start a transaction. */
  get isDirty(): boolean {
    return this.#isDirty || this.mustClear;
  }

  /** Whether acknowledged entries alone start a transaction, because the outbox is half full. */
  get mustClear(): boolean {
    return this.#cleared.length > 0 && this.#outboxSums >= OUTBOX_SUMS_MAX / 2;
  }

  /** Whether a last transaction would write anything at all. */
  get hasUnwritten(): boolean {
    return this.#isDirty || this.#cleared.length > 0;
  }

  /** Whether a file has ended since the last transaction began. Its sum waits for the next transaction. */
  get hasFinished(): boolean {
    return this.#finished.length > 0;
  }

  get hasRoom(): boolean {
    return this.#outboxSums < OUTBOX_SUMS_MAX;
  }

  /** The sums to be appended to the sums journal, oldest first: durable and not acknowledged. */
  get outbox(): readonly OutboxEntry[] {
    return this.#outbox;
  }

  /**
   * Folds the batch that follows in the journal. Throws a ViolationError when the batch cannot be the one that was
   * appended there.
   */
  fold(stored: StoredBatch): void {
    const place = { journal: this.journal, offset: stored.begin };
    if (stored.begin > this.#offset)
      throw new ViolationError('gap', `read a batch at ${stored.begin}, the next is at ${this.#offset}`, place);
    if (stored.begin < this.#offset) {
      throw new ViolationError(
        'duplicate',
        `read a batch at ${stored.begin} again, the next is at ${this.#offset}`,
        place,
      );
    }
    const batch = decodeBatch(stored.bytes, this.journal, crc32c);
    if ('fault' in batch) throw new ViolationError('corrupt', batch.fault, place);
    const next = this.#nextIndexes.get(batch.producer) ?? 0;
    if (batch.firstIndex > next) {
      const detail = `records ${next} to ${batch.firstIndex - 1} of producer ${batch.producer} are missing`;
      throw new ViolationError('gap', detail, { ...place, index: next });
    }
    // Records below the next index were folded before.
    const skip = Math.min(next - batch.firstIndex, batch.count);
    if (skip < batch.count) this.#foldRecords(batch, skip, place);
    this.#offset = stored.end;
    this.#isDirty = true;
  }

  #foldRecords(batch: Batch, skip: number, place: { journal: string; offset: number }): void {
    switch (batch.kind) {
      case 'sums':
        throw new ViolationError('corrupt', 'a chunk journal holds a batch of sums', place);
      case 'end':
        this.#endProducer(batch.producer);
        return;
      case 'chunks':
        break;
      default:
        unreachable(batch.kind);
    }
    const needed = batch.count * SUM_BYTES;
    if (this.#sums.length < needed) this.#sums = Buffer.allocUnsafeSlow(needed);
    const finished = this.#pool.fold(batch.payload, batch.count, skip, this.#sums);
    if (finished < 0) throw foldError(this.#pool.failure(), batch.firstIndex, place);
    if (finished > 0) {
      this.#finished.push(Buffer.from(this.#sums.subarray(0, finished * SUM_BYTES)));
      this.#outboxSums += finished;
    }
    this.#nextIndexes.set(batch.producer, batch.firstIndex + batch.count);
    this.#dirtyProducers.add(batch.producer);
    this.counts.chunksFolded += batch.count - skip - finished;
    this.counts.bytesFolded += batch.payload.length;
  }

  #endProducer(producer: string): void {
    const id = new Uint8Array(8);
    writeProducer(id, 0, producer);
    this.#pool.dropProducer(id);
    this.#nextIndexes.delete(producer);
    this.#dirtyProducers.add(producer);
  }

  /**
   * Adds everything that changed to a transaction. The previous transaction must have resolved. The buffer of the
   * pages' rows belongs to LMDB until this transaction has resolved. `witness`: of everything that the shard was shown.
   */
  write(batch: WriteBatch, witness: string | null = null): void {
    assert(this.#inCommit === null, 'one transaction at a time');
    const first = this.#nextSum;
    const sums = Buffer.concat(this.#finished);
    const entry = sums.length === 0 ? null : { first, count: sums.length / SUM_BYTES, sums };
    this.#finished = [];
    if (entry !== null) {
      this.#nextSum += entry.count;
      batch.put('outbox', offsetKey(this.number, first), sealBytes(sums));
    }
    for (const cleared of this.#cleared) batch.remove('outbox', offsetKey(this.number, cleared));
    this.#cleared = [];
    this.#writeStates(batch);
    for (const producer of this.#dirtyProducers) {
      const key = nameKey(this.number, producer);
      const next = this.#nextIndexes.get(producer);
      if (next === undefined) batch.remove('producers', key);
      else batch.put('producers', key, sealRow({ next }));
    }
    this.#dirtyProducers.clear();
    const proven = witness === null ? {} : { witness };
    batch.put('checkpoints', keyOf(this.number), sealRow({ offset: this.#offset, nextSum: this.#nextSum, ...proven }));
    this.#isDirty = false;
    this.#inCommit = { offset: this.#offset, entry };
  }

  #writeStates(batch: WriteBatch): void {
    const dirty = this.#pool.dirtyPages();
    if (this.#pageNumbers.length < dirty) {
      this.#pageNumbers = new Uint32Array(dirty * 2);
      this.#pages = Buffer.allocUnsafeSlow(dirty * 2 * PAGE_BYTES);
      this.#pageRows = Buffer.allocUnsafeSlow(dirty * 2 * PAGE_ROW_BYTES);
    }
    const taken = this.#pool.takeDirtyPages(this.#pageNumbers, this.#pages);
    for (let index = 0; index < taken; index += 1) {
      const row = this.#pageRows.subarray(index * PAGE_ROW_BYTES, (index + 1) * PAGE_ROW_BYTES);
      this.#pages.copy(row, 0, index * PAGE_BYTES, (index + 1) * PAGE_BYTES);
      row.writeUInt32LE(crc32c(0, row.subarray(0, PAGE_BYTES)), PAGE_BYTES);
      batch.put('states', keyOf(this.number, this.#pageNumbers[index] ?? 0), row);
    }
  }

  /** The transaction of the last `write` is durable. Returns the sums that may be published now (invariant 4). */
  committed(): OutboxEntry | null {
    const commit = this.#inCommit;
    assert(commit !== null, 'a transaction was under way');
    this.#inCommit = null;
    this.#durableOffset = commit.offset;
    if (commit.entry !== null) this.#outbox.push(commit.entry);
    return commit.entry;
  }

  /** The sums journal holds all sums below `through`. Returns how many sums left the outbox. */
  acknowledged(through: number): number {
    let sums = 0;
    for (
      let entry = this.#outbox[0];
      entry !== undefined && entry.first + entry.count <= through;
      entry = this.#outbox[0]
    ) {
      this.#outbox.shift();
      this.#cleared.push(entry.first);
      sums += entry.count;
    }
    this.#outboxSums -= sums;
    return sums;
  }

  #load(store: StoreReader): void {
    const checkpoint = store.get('checkpoints', keyOf(this.number));
    if (checkpoint === undefined) return;
    const row = openRow(checkpoint, isCheckpointRow, `the checkpoint of shard ${this.number}`);
    this.#offset = row.offset;
    this.#durableOffset = row.offset;
    this.#nextSum = row.nextSum;
    for (const { key, value } of store.range('producers', numberRange(this.number))) {
      this.#nextIndexes.set(nameOfKey(key), openRow(value, isProducerRow, `a producer of shard ${this.number}`).next);
    }
    for (const { key, value } of store.range('outbox', numberRange(this.number))) {
      const sums = openBytes(value, `the outbox of shard ${this.number}`);
      const entry = { first: offsetOfKey(key), count: sums.length / SUM_BYTES, sums };
      this.#outbox.push(entry);
      this.#outboxSums += entry.count;
    }
    this.#loadStates(store);
  }

  /**
   * A pool grows page by page, and each new page is in the next transaction. So the pages of a store are dense, and
   * loading takes as much memory as the rows, whatever a damaged key says.
   */
  #loadStates(store: StoreReader): void {
    for (const [page, { key, value }] of store.range('states', numberRange(this.number)).entries()) {
      const bytes = value.subarray(0, PAGE_BYTES);
      try {
        if (!key.equals(keyOf(this.number, page)))
          throw new Error(`its key is ${key.toString('hex')}, the next page has number ${page}`);
        if (value.length !== PAGE_ROW_BYTES || value.readUInt32LE(PAGE_BYTES) !== crc32c(0, bytes))
          throw new Error('its checksum is wrong');
        this.#pool.loadPage(page, bytes);
      } catch (cause) {
        throw new OperatingError(
          'ERR_STORE_DAMAGED',
          `the store is damaged: page ${page} of the hash states of shard ${this.number} does not verify`,
          { cause },
        );
      }
    }
  }
}

function foldError(failure: FoldFailure, firstIndex: number, place: { journal: string; offset: number }): Error {
  const witness = { ...place, index: firstIndex + failure.recordIndex, file: failure.fileId.toString('hex') };
  switch (failure.kind) {
    case 'malformed':
      return new ViolationError(
        'corrupt',
        `the record at byte ${failure.byteOffset} of the payload is malformed`,
        witness,
      );
    case 'sequence': {
      const { expectedSequence, actualSequence } = failure;
      const kind = actualSequence > expectedSequence ? 'gap' : 'out-of-order';
      return new ViolationError(
        kind,
        `chunk ${actualSequence} of the file came when ${expectedSequence} was next`,
        witness,
      );
    }
    case 'full':
      return new OperatingError('ERR_POOL_FULL', `shard of ${place.journal}: no room for another open file`);
    case 'space':
      return new OperatingError(
        'ERR_POOL_SPACE',
        `shard of ${place.journal}: ${failure.needed} bytes of sums in one batch`,
      );
    default:
      return unreachable(failure);
  }
}
