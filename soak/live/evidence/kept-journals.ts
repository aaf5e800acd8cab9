/**
 * What the journals of a finished run have of one file: its records with their batches, its sums, and the digest of the
 * bytes that are really there. It is read from a copy of the broker's store and compared with what the seed says.
 */

import { createHash } from 'node:crypto';
import { crc32c } from '../../../src/hash/crc32c.ts';
import { SUMS_JOURNAL, chunkJournal } from '../../../src/journal/journals.ts';
import { BROKER_TABLES, isJournalRow } from '../../../src/journal/broker/tables.ts';
import { type Batch, type BatchHeader, decodeBatch } from '../../../src/message/batch.ts';
import { type Chunk, decodeChunks, fileNumberOf } from '../../../src/message/chunk.ts';
import { type Sum, decodeSums } from '../../../src/message/sum.ts';
import { readLmdbStore } from '../../../src/store/lmdb-store.ts';
import { keyOf, numberRange, offsetKey, offsetOfKey, openRow } from '../../../src/store/row.ts';
import type { StoreReader } from '../../../src/store/store.ts';
import { type Workload, fillChunk } from '../../../src/workload/workload.ts';
import { shardOfProducer } from '../../guarantee/checkers/batch-reader.ts';

/** A place in a journal. Offsets are bytes; `index` is that of the record among those of its producer. */
export type Place = { readonly journal: string; readonly begin: number; readonly end: number; readonly index: number };

export type KeptRecord = Place & {
  /** The number of the chunk in its file, from 1. */
  readonly sequence: number;
  readonly bytes: number;
  readonly isEnd: boolean;
  /** Whether its data is what the seed says; null: the file belongs to no producer of this run. */
  readonly isRight: boolean | null;
};

export type KeptSum = Sum & Place & { readonly shard: number | null; readonly epoch: number };

/** A batch as the journal has it. */
export type KeptBatch = {
  readonly journal: string;
  readonly begin: number;
  readonly bytes: Uint8Array;
  /** What is wrong with the batch; null: it verifies. */
  readonly fault: string | null;
};

/** The batch that a violation names, as the journal has it. */
export type NamedBatch = Omit<KeptBatch, 'bytes'> & {
  readonly header: BatchHeader | null;
  /** How many of its chunks differ from what the seed says, and for how many that is unknown. */
  readonly recordsWrong: number;
  readonly recordsUnknown: number;
};

export type KeptJournals = {
  /** The requested file, or the first file of the named batch. */
  readonly file: string | null;
  readonly named: NamedBatch | null;
  /** Where the journal of the file's partition and the sums journal begin and end. */
  readonly bounds: readonly { readonly journal: string; readonly begin: number; readonly head: number }[];
  readonly records: readonly KeptRecord[];
  readonly sums: readonly KeptSum[];
  /** The batches that hold the file, and the one that the violation names, each once. */
  readonly batches: readonly KeptBatch[];
  /** SHA-256 of the data of all chunks as the journal has them; null: some are missing. */
  readonly digest: string | null;
};

/** What is looked for. */
export type Sought = {
  /** Null: the first file of the batch. */
  readonly file: string | null;
  /** The partition of the file; null: unknown. */
  readonly partition: number | null;
  readonly partitions: number;
  /** The workload of the file's producer; null: no producer of this run. */
  readonly workloadOf: (file: string) => Workload | null;
  /** The batch that the violation names. */
  readonly batch: { readonly journal: string; readonly offset: number } | null;
};

/** The most batches that are kept unchanged. */
export const BATCHES_MAX = 64;

/** Throws an OperatingError when the store cannot be read. */
export function readKeptJournals(
  { brokerFolder, scratchFolder }: { readonly brokerFolder: string; readonly scratchFolder: string },
  sought: Sought,
): Promise<KeptJournals> {
  const options = { folder: brokerFolder, scratchFolder, kind: 'broker', tables: BROKER_TABLES } as const;
  return readLmdbStore(options, (reader) => new Search(reader, sought).result);
}

class Search {
  readonly #reader: StoreReader;
  readonly #sought: Sought;
  readonly #file: string | null;
  readonly #batches = new Map<string, KeptBatch>();
  readonly #records: KeptRecord[] = [];
  /** The data of each record. */
  readonly #data = new Map<KeptRecord, Uint8Array>();
  readonly #sums: KeptSum[] = [];
  readonly result: KeptJournals;

  constructor(reader: StoreReader, sought: Sought) {
    this.#reader = reader;
    this.#sought = sought;
    const { partition, partitions } = sought;
    const kept = this.#keptNamed();
    this.#file = sought.file ?? (kept === null ? null : firstFileOf(kept));
    const numbers = [...new Set([...(partition === null ? [] : [partition]), partitions])];
    for (const number of numbers) this.#searchJournal(number);
    if (kept !== null) this.#keep(kept);
    this.result = {
      file: this.#file,
      named: kept === null ? null : this.#named(kept),
      bounds: numbers.map((number) => ({ journal: nameOf(number, partitions), ...this.#boundsOf(number) })),
      records: this.#records,
      sums: this.#sums,
      batches: [...this.#batches.values()],
      digest: this.#digest(),
    };
  }

  #boundsOf(number: number): { begin: number; head: number } {
    const row = this.#reader.get('journals', keyOf(number));
    if (row === undefined) return { begin: 0, head: 0 };
    const { begin, head } = openRow(row, isJournalRow, `the row of journal ${number}`);
    return { begin, head };
  }

  #searchJournal(number: number): void {
    const { partitions } = this.#sought;
    const file = this.#file;
    const journal = nameOf(number, partitions);
    for (const key of this.#reader.keys('batches', numberRange(number))) {
      const begin = offsetOfKey(key);
      const bytes = this.#reader.get('batches', key);
      if (bytes === undefined || file === null) continue;
      const batch = decodeBatch(bytes, journal, crc32c);
      if ('fault' in batch) this.#keep({ journal, begin, bytes, fault: batch.fault });
      else if (this.#find(batch, { journal, begin, end: begin + bytes.length }, file)) {
        this.#keep({ journal, begin, bytes, fault: null });
      }
    }
  }

  /** Whether the batch has a part of the file. */
  #find(batch: Batch, place: Omit<Place, 'index'>, file: string): boolean {
    const before = this.#records.length + this.#sums.length;
    const { firstIndex, payload, producer, epoch } = batch;
    if (batch.kind === 'sums') {
      for (const [at, sum] of (decodeSums(payload) ?? []).entries()) {
        const index = firstIndex + at;
        if (sum.fileId === file) this.#sums.push({ ...sum, ...place, index, shard: shardOfProducer(producer), epoch });
      }
    } else if (batch.kind === 'chunks') {
      for (const [at, { fileId, sequence, data }] of (decodeChunks(payload) ?? []).entries()) {
        if (fileId !== file) continue;
        const [bytes, isEnd] = [data.length, data.length === 0];
        const isRight = isRightData(this.#sought.workloadOf(file), { fileId, sequence, data });
        const record = { ...place, index: firstIndex + at, sequence, bytes, isEnd, isRight };
        this.#records.push(record);
        this.#data.set(record, data.slice());
      }
    }
    return this.#records.length + this.#sums.length > before;
  }

  /** The batch that the violation names; null: it names none, or it is not there. */
  #keptNamed(): KeptBatch | null {
    const { batch, partitions } = this.#sought;
    if (batch === null) return null;
    const { journal, offset } = batch;
    const numbers = Array.from({ length: partitions + 1 }, (_, at) => at);
    const number = numbers.find((at) => nameOf(at, partitions) === journal);
    const bytes = number === undefined ? undefined : this.#reader.get('batches', offsetKey(number, offset));
    if (bytes === undefined) return null;
    const decoded = decodeBatch(bytes, journal, crc32c);
    return { journal, begin: offset, bytes, fault: 'fault' in decoded ? decoded.fault : null };
  }

  #named({ journal, begin, bytes, fault }: KeptBatch): NamedBatch {
    const batch = decodeBatch(bytes, journal, crc32c);
    if ('fault' in batch) return { journal, begin, fault, header: null, recordsWrong: 0, recordsUnknown: 0 };
    const { payload, ...header } = batch;
    const chunks = batch.kind === 'chunks' ? (decodeChunks(payload) ?? []) : [];
    const right = chunks.map((chunk) => isRightData(this.#sought.workloadOf(chunk.fileId), chunk));
    return {
      journal,
      begin,
      fault,
      header,
      recordsWrong: right.filter((is) => is === false).length,
      recordsUnknown: right.filter((is) => is === null).length,
    };
  }

  #keep(batch: KeptBatch): void {
    if (this.#batches.size < BATCHES_MAX) this.#batches.set(`${batch.journal} ${batch.begin}`, batch);
  }

  /** The digest over the first record of each sequence, when none is missing before the end. */
  #digest(): string | null {
    const hash = createHash('sha256');
    const records = this.#records.toSorted((one, other) => one.sequence - other.sequence);
    let next = 1;
    for (const record of records) {
      const { sequence, isEnd } = record;
      if (sequence < next) continue;
      if (sequence > next) return null;
      if (isEnd) return hash.digest('hex');
      hash.update(this.#data.get(record) ?? Buffer.alloc(0));
      next += 1;
    }
    return null;
  }
}

/** Whether a chunk is what the seed says; null: it belongs to no producer of this run. */
function isRightData(workload: Workload | null, { fileId, sequence, data }: Chunk): boolean | null {
  if (workload === null) return null;
  const fileSeed = workload.fileSeed(fileNumberOf(fileId));
  const chunks = workload.chunkCount(fileSeed);
  if (data.length === 0) return sequence === chunks + 1;
  if (sequence > chunks || data.length !== workload.chunkBytes(fileSeed, sequence)) return false;
  const expected = Buffer.alloc(data.length);
  fillChunk(new DataView(expected.buffer, expected.byteOffset, expected.length), 0, data.length, fileSeed, sequence);
  return expected.equals(data);
}

function firstFileOf({ journal, bytes }: KeptBatch): string | null {
  const batch = decodeBatch(bytes, journal, crc32c);
  if ('fault' in batch) return null;
  const [first] = batch.kind === 'sums' ? (decodeSums(batch.payload) ?? []) : (decodeChunks(batch.payload) ?? []);
  return batch.kind === 'end' || first === undefined ? null : first.fileId;
}

/** The name of a journal by its number in the broker's store. */
function nameOf(number: number, partitions: number): string {
  return number === partitions ? SUMS_JOURNAL : chunkJournal(number);
}
