/**
 * Opens the batches of a history for the checkers. A batch is validated as a reader must (invariant 9). It is opened
 * once, although several checkers look at it: its records are walked once, and its sums are decoded once.
 */

import { unreachable } from '../../../src/core/assert.ts';
import { crc32c } from '../../../src/hash/crc32c.ts';
import { PARTITIONS_MAX, SUMS_JOURNAL, chunkJournal } from '../../../src/journal/journals.ts';
import { type EnginePromises, PROMISES } from '../../../src/journal/promises.ts';
import { type Batch, type BatchFault, decodeBatch, shardProducer } from '../../../src/message/batch.ts';
import { SUM_BYTES, type Sum, decodeSums } from '../../../src/message/sum.ts';
import { ChunkCursor } from './chunk-cursor.ts';
import type { HistoryEvent } from '../history.ts';

export type BatchEvent = Extract<HistoryEvent, { event: 'batch' }>;

/** The end of a file in a batch of chunks. `index`: of its record. */
export type FileEnd = { readonly index: number; readonly fileNumber: number };

/** A sound batch, with what a walk over its records finds. */
export type OpenedBatch = Batch & {
  /** In the order of the batch. */
  readonly ends: readonly FileEnd[];
  readonly sums: readonly Sum[];
};

const NO_ENDS: readonly FileEnd[] = [];
const NO_SUMS: readonly Sum[] = [];

const PARTITION_NUMBERS = Array.from({ length: PARTITIONS_MAX }, (_, partition) => partition);
const PARTITION_OF_JOURNAL = new Map(PARTITION_NUMBERS.map((partition) => [chunkJournal(partition), partition]));
const SHARD_OF_PRODUCER = new Map(PARTITION_NUMBERS.map((shard) => [shardProducer(shard), shard]));

/** Several checkers ask for the same journal, one after the other. */
let asked: { readonly journal: string; readonly partition: number | null } = { journal: '', partition: null };

/** The partition of a chunk journal; `null` for any other name. */
export function partitionOfJournal(journal: string): number | null {
  if (asked.journal !== journal) asked = { journal, partition: PARTITION_OF_JOURNAL.get(journal) ?? null };
  return asked.partition;
}

/** The shard of a producer of sums; `null` for any other producer. */
export function shardOfProducer(producer: string): number | null {
  return SHARD_OF_PRODUCER.get(producer) ?? null;
}

export class BatchReader {
  readonly #cursor = new ChunkCursor();
  readonly #promises: EnginePromises;
  #event: BatchEvent | null = null;
  #batch: OpenedBatch | BatchFault = { fault: 'nothing was read' };
  #newPart: OpenedBatch | null = null;
  /** Where an engine may store records twice: by journal and producer, the next index. */
  readonly #nexts = new Map<string, number>();
  #repeatedRecords = 0;
  #holeBytes = 0;

  constructor(promises: EnginePromises = PROMISES.embedded) {
    this.#promises = promises;
  }

  /**
   * The event's batch, or its fault. A sound batch fits its offsets and its journal: chunks and ends in a chunk
   * journal, sums in the sums journal, and as many whole records as its header says.
   */
  read(event: BatchEvent): OpenedBatch | BatchFault {
    if (event === this.#event) return this.#batch;
    this.#event = event;
    this.#batch = this.#open(event);
    this.#newPart = 'fault' in this.#batch ? null : this.#newOf(event.journal, this.#batch);
    return this.#batch;
  }

  /** The batch, or null for checkers that leave faults to others. */
  readSound(event: BatchEvent): OpenedBatch | null {
    const batch = this.read(event);
    return 'fault' in batch ? null : batch;
  }

  /**
   * The same without the records that stand in the journal before, where its engine may store them twice; null: all of
   * them do. That they are the same records is for the checker of journals. Elsewhere it is all of the batch, so that
   * nothing hides a repetition.
   */
  readNew(event: BatchEvent): OpenedBatch | null {
    this.read(event);
    return this.#newPart;
  }

  /** Records that were left out because they stood in their journal before. */
  get repeatedRecords(): number {
    return this.#repeatedRecords;
  }

  #newOf(journal: string, batch: OpenedBatch): OpenedBatch | null {
    if (!this.#promises.mayRepeat) return batch;
    const { producer, firstIndex, count } = batch;
    const key = `${journal}/${producer}`;
    const next = this.#nexts.get(key) ?? firstIndex;
    this.#nexts.set(key, Math.max(next, firstIndex + count));
    const repeated = Math.min(Math.max(0, next - firstIndex), count);
    if (repeated === 0) return batch;
    this.#repeatedRecords += repeated;
    if (repeated === count) return null;
    const payload = batch.payload.subarray(this.#offsetOf(repeated, batch));
    const ends = batch.ends.filter(({ index }) => index >= firstIndex + repeated);
    const sums = batch.sums.slice(repeated);
    return { ...batch, firstIndex: firstIndex + repeated, count: count - repeated, payload, ends, sums };
  }

  /**
   * Walks the records of a sound batch of chunks. The cursor stands before the first one, and belongs to the caller
   * until another batch is read.
   */
  recordsOf({ payload }: Batch): ChunkCursor {
    this.#cursor.start(payload);
    return this.#cursor;
  }

  /** Where a record begins in the payload of a sound batch. */
  #offsetOf(record: number, { kind, payload }: Batch): number {
    if (kind === 'sums') return record * SUM_BYTES;
    const cursor = this.#cursor;
    cursor.start(payload);
    for (let at = 0; at <= record; at += 1) cursor.next();
    return cursor.offset;
  }

  /** Bytes of holes before the batches that were read: readers have passed over them. */
  get holeBytes(): number {
    return this.#holeBytes;
  }

  #open({ journal, begin, end, bytes }: BatchEvent): OpenedBatch | BatchFault {
    const fits = this.#promises.countsBytes ? end - begin === bytes.length : end > begin;
    if (this.#promises.mayHaveHoles) this.#holeBytes += Math.max(0, end - begin - bytes.length);
    if (!fits) return { fault: `${bytes.length} bytes stand at ${begin} to ${end}` };
    const batch = decodeBatch(bytes, journal, crc32c);
    if ('fault' in batch) return batch;
    if ((batch.kind === 'sums') !== (journal === SUMS_JOURNAL)) return { fault: `a batch of kind ${batch.kind}` };
    return this.#withRecords(batch) ?? { fault: `its payload is not ${batch.count} whole records` };
  }

  /** Null: the payload is not as many whole records as the header says. */
  #withRecords({ kind, producer, firstIndex, count, epoch, payload }: Batch): OpenedBatch | null {
    let ends = NO_ENDS;
    let sums: readonly Sum[] | null = NO_SUMS;
    switch (kind) {
      case 'end':
        break;
      case 'sums':
        sums = payload.length === count * SUM_BYTES ? decodeSums(payload) : null;
        break;
      case 'chunks': {
        const found = this.#endsOf(payload, firstIndex, count);
        if (found === null) return null;
        ends = found;
        break;
      }
      default:
        return unreachable(kind);
    }
    return sums === null ? null : { kind, producer, firstIndex, count, epoch, payload, ends, sums };
  }

  #endsOf(payload: Uint8Array, firstIndex: number, count: number): readonly FileEnd[] | null {
    const cursor = this.#cursor;
    cursor.start(payload);
    let ends: FileEnd[] | null = null;
    let found = 0;
    for (; cursor.next(); found += 1) {
      if (cursor.dataBytes > 0) continue;
      ends ??= [];
      ends.push({ index: firstIndex + found, fileNumber: cursor.fileNumber });
    }
    return found === count && cursor.isAtEnd ? (ends ?? NO_ENDS) : null;
  }
}
