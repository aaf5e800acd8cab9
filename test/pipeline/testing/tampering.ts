/**
 * Planted faults as decorators of `Journals`: what a faulty summer would append, and what a faulty network would
 * deliver.
 */

import { crc32c } from '../../../src/hash/crc32c.ts';
import {
  type AppendOutcome,
  type Journals,
  type ReadEnd,
  type ReadStream,
  SUMS_JOURNAL,
  type ShardEpoch,
  type StoredBatch,
} from '../../../src/journal/journals.ts';
import { WrappedJournals } from '../../../src/journal/wrapped-journals.ts';
import { type Batch, decodeBatch, encodeBatch } from '../../../src/message/batch.ts';
import { decodeChunks, encodeChunk, fileIdOf } from '../../../src/message/chunk.ts';
import { openRow, sealRow } from '../../../src/store/row.ts';
import type { Write } from '../../../src/store/store.ts';
import { WrappedStore } from '../../../src/store/wrapped-store.ts';
import { isCheckpointRow } from '../../../src/summer/rows.ts';
import { SUM_BYTES, decodeSums, encodeSum } from '../../../src/message/sum.ts';

/** What happens to one batch of sums on its way into the journal. */
export const SUM_TAMPERINGS = ['alter-sum', 'repeat-sum', 'invent-sum'] as const;
/** What happens to one batch of chunks on its way to the summer. `-sealed`: with a checksum that is correct again. */
export const CHUNK_TAMPERINGS = [
  'drop-batch',
  'drop-batch-sealed',
  'repeat-batch',
  'alter-batch',
  'alter-batch-sealed',
  'alter-record-sealed',
] as const;

/** Where a summer dies in its claim of a shard. */
export const CRASH_POINTS = ['raised', 'copying', 'copied', 'confirmed'] as const;

export type CrashPoint = (typeof CRASH_POINTS)[number];
export type SumTampering = (typeof SUM_TAMPERINGS)[number];
export type ChunkTampering = (typeof CHUNK_TAMPERINGS)[number];
export type Tampering = SumTampering | ChunkTampering;

/**
 * `late-offset`: until it is killed, a summer commits each offset one transaction late, and reports no offset.
 * `isSilent`: it reports none either, so that no chunk journal is trimmed.
 */
export type Plan = {
  readonly tampering?: Tampering | 'late-offset';
  readonly crashAt?: CrashPoint;
  readonly isSilent?: boolean;
};

/** Which batch of a journal is tampered with, counted from 0. */
const TAMPERED_BATCH = 3;

export function tamper(journals: Journals, tampering: Tampering | 'late-offset'): Journals {
  const ofSums = SUM_TAMPERINGS.find((name) => name === tampering);
  if (ofSums !== undefined) return new TamperedSums(journals, ofSums);
  const ofChunks = CHUNK_TAMPERINGS.find((name) => name === tampering);
  return ofChunks === undefined ? journals : new TamperedChunks(journals, ofChunks);
}

function decoded(bytes: Uint8Array, journal: string): Batch {
  const batch = decodeBatch(bytes, journal, crc32c);
  if ('fault' in batch) throw new Error(batch.fault);
  return batch;
}

/** A summer that reports no progress: no journal is trimmed. */
export class SilentJournals extends WrappedJournals {
  override report(): Promise<'reported'> {
    return Promise.resolve('reported');
  }
}

/**
 * A store in which every checkpoint has the offset of the checkpoint before, so that the state is ahead of the offset.
 */
export class LateOffsetStore extends WrappedStore {
  readonly #offsets = new Map<string, number>();

  override commit(writes: readonly Write[]): Promise<void> {
    return super.commit(writes.map((write) => this.#late(write)));
  }

  #late(write: Write): Write {
    const { table, key, value } = write;
    if (table !== 'checkpoints' || value === null) return write;
    const shard = key.toString('hex');
    const checkpoint = openRow(Buffer.from(value), isCheckpointRow, 'a checkpoint');
    const offset = this.#offsets.get(shard) ?? 0;
    this.#offsets.set(shard, checkpoint.offset);
    return { table, key, value: sealRow({ ...checkpoint, offset }) };
  }
}

class TamperedSums extends WrappedJournals {
  readonly #tampering: SumTampering;
  #batches = 0;
  /** Sums that were slipped in, by producer. Later sums get higher indexes. */
  readonly #slippedIn = new Map<string, number>();

  constructor(journals: Journals, tampering: SumTampering) {
    super(journals);
    this.#tampering = tampering;
  }

  override append(journal: string, bytes: Uint8Array, owner?: ShardEpoch): Promise<AppendOutcome> {
    if (journal !== SUMS_JOURNAL) return this.inner.append(journal, bytes, owner);
    const batch = decoded(bytes, journal);
    const sums = decodeSums(batch.payload) ?? [];
    const first = batch.firstIndex + (this.#slippedIn.get(batch.producer) ?? 0);
    const last = sums.at(-1);
    if (this.#batches === TAMPERED_BATCH && last !== undefined) {
      if (this.#tampering === 'alter-sum') {
        sums[sums.length - 1] = { ...last, digest: last.digest.replace(/^./, (digit) => (digit === '0' ? '1' : '0')) };
      } else {
        const isInvented = this.#tampering === 'invent-sum';
        sums.push(isInvented ? { ...last, fileId: fileIdOf(last.fileId.slice(0, 16), 2 ** 40) } : last);
        this.#slippedIn.set(batch.producer, 1);
      }
    }
    this.#batches += 1;
    const payload = Buffer.concat(sums.map(encodeSum));
    const header = { ...batch, firstIndex: first, count: payload.length / SUM_BYTES };
    return this.inner.append(journal, encodeBatch(header, payload, journal, crc32c), owner);
  }
}

class TamperedChunks extends WrappedJournals {
  readonly #tampering: ChunkTampering;

  constructor(journals: Journals, tampering: ChunkTampering) {
    super(journals);
    this.#tampering = tampering;
  }

  override read(journal: string, offset: number, options: { creditBytes: number; owner?: ShardEpoch }): ReadStream {
    const stream = this.inner.read(journal, offset, options);
    return journal === SUMS_JOURNAL ? stream : new TamperedStream(stream, journal, this.#tampering);
  }
}

class TamperedStream implements ReadStream {
  readonly #inner: ReadStream;
  readonly #journal: string;
  readonly #tampering: ChunkTampering;
  #batches = 0;
  #again: StoredBatch | null = null;
  #hidden = 0;

  constructor(inner: ReadStream, journal: string, tampering: ChunkTampering) {
    this.#inner = inner;
    this.#journal = journal;
    this.#tampering = tampering;
  }

  async next(): Promise<StoredBatch | ReadEnd | null> {
    const again = this.#again;
    this.#again = null;
    if (again !== null) return again;
    const next = await this.#inner.next();
    if (next === null || !('bytes' in next)) return next;
    const isTampered = this.#batches === TAMPERED_BATCH;
    this.#batches += 1;
    if (!isTampered) return this.#hide(next);
    switch (this.#tampering) {
      case 'drop-batch':
        return this.next();
      case 'drop-batch-sealed':
        // Even the offsets close the gap: only the indexes reveal it.
        this.#hidden = next.end - next.begin;
        return this.next();
      case 'repeat-batch':
        this.#again = next;
        return next;
      case 'alter-batch': {
        const bytes = Buffer.from(next.bytes);
        bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
        return { ...next, bytes };
      }
      case 'alter-batch-sealed':
        return { ...next, bytes: this.#rewritten(next, 'data') };
      case 'alter-record-sealed':
        return { ...next, bytes: this.#rewritten(next, 'sequence') };
      default:
        return this.#tampering;
    }
  }

  close(): void {
    this.#inner.close();
  }

  #hide(batch: StoredBatch): StoredBatch {
    return { ...batch, begin: batch.begin - this.#hidden, end: batch.end - this.#hidden };
  }

  #rewritten({ bytes }: StoredBatch, part: 'data' | 'sequence'): Uint8Array {
    const batch = decoded(bytes, this.#journal);
    const chunks = (decodeChunks(batch.payload) ?? []).map((chunk) => ({ ...chunk, data: Buffer.from(chunk.data) }));
    const chosen = chunks.findIndex(({ data }) => data.length > 0);
    const chunk = chunks[chosen];
    if (chunk === undefined) throw new Error('a batch without data cannot be altered');
    if (part === 'data') chunk.data[0] = (chunk.data[0] ?? 0) ^ 1;
    else chunks[chosen] = { ...chunk, sequence: chunk.sequence + 1 };
    return encodeBatch(batch, Buffer.concat(chunks.map(encodeChunk)), this.#journal, crc32c);
  }
}
