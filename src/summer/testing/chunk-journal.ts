/** A chunk journal as a shard reads it: batches at their offsets, made from records of any producer, cut anywhere. */

import { crc32c } from '../../hash/crc32c.ts';
import { type StoredBatch, chunkJournal } from '../../journal/journals.ts';
import { encodeBatch } from '../../message/batch.ts';
import { type Chunk, encodeChunk, fileIdOf } from '../../message/chunk.ts';
import type { Sum } from '../../message/sum.ts';
import { Workload, fillChunk } from '../../workload/workload.ts';

export const SHARD = 3;
export const JOURNAL: string = chunkJournal(SHARD);
export const PRODUCER = '80aabbccddeeff01';
export const OTHER_PRODUCER = '90aabbccddeeff02';

const workload = new Workload({
  seed: 9,
  chunkerNumber: 0,
  filesOpen: 1,
  chunks: { low: 0, high: 4 },
  chunkBytes: { low: 1, high: 150 },
  partitions: 1,
});

export class ChunkJournal {
  readonly batches: StoredBatch[] = [];
  head = 0;
  readonly #name: string;
  readonly #nextIndexes = new Map<string, number>();

  constructor(name: string = JOURNAL) {
    this.#name = name;
  }

  /** The next batch of a producer; `firstIndex` defaults to its next index. */
  append(chunks: readonly Chunk[], options: { producer?: string; firstIndex?: number } = {}): StoredBatch {
    const producer = options.producer ?? PRODUCER;
    const firstIndex = options.firstIndex ?? this.#nextIndexes.get(producer) ?? 0;
    this.#nextIndexes.set(producer, firstIndex + chunks.length);
    const header = { kind: 'chunks', producer, firstIndex, count: chunks.length, epoch: 0 } as const;
    return this.store(encodeBatch(header, Buffer.concat(chunks.map(encodeChunk)), this.#name, crc32c));
  }

  end(producer: string = PRODUCER): StoredBatch {
    const firstIndex = this.#nextIndexes.get(producer) ?? 0;
    const header = { kind: 'end', producer, firstIndex, count: 1, epoch: 0 } as const;
    return this.store(encodeBatch(header, new Uint8Array(0), this.#name, crc32c));
  }

  store(bytes: Uint8Array): StoredBatch {
    const begin = this.head;
    this.head += bytes.length;
    const stored = { begin, end: this.head, stampNs: 1, bytes };
    this.batches.push(stored);
    return stored;
  }
}

/** All records of a file, its end included. */
export function fileOf(fileNumber: number, producer: string = PRODUCER): Chunk[] {
  const fileId = fileIdOf(producer, fileNumber);
  const seed = workload.fileSeed(fileNumber);
  const chunks: Chunk[] = [];
  for (let sequence = 1; sequence <= workload.chunkCount(seed); sequence += 1) {
    const data = new Uint8Array(workload.chunkBytes(seed, sequence));
    fillChunk(new DataView(data.buffer), 0, data.length, seed, sequence);
    chunks.push({ fileId, sequence, data });
  }
  return [...chunks, { fileId, sequence: chunks.length + 1, data: new Uint8Array(0) }];
}

/** The sum of a file, by node:crypto. */
export function sumOf(fileNumber: number, producer: string = PRODUCER): Sum {
  return { fileId: fileIdOf(producer, fileNumber), ...workload.expectedSum(fileNumber) };
}

/**
 * Files `0` to `count - 1` with `open` files at a time, interleaved by `choices`, and their sums in the order in which
 * the files end.
 */
export function interleave(
  options: { count: number; open: number; producer?: string },
  choose: () => number,
): { chunks: Chunk[]; sums: Sum[] } {
  const { count, open, producer } = options;
  const waiting = Array.from({ length: count }, (_, file) => ({ file, chunks: fileOf(file, producer) }));
  const chunks: Chunk[] = [];
  const sums: Sum[] = [];
  while (waiting.length > 0) {
    const at = choose() % Math.min(open, waiting.length);
    const chosen = waiting[at];
    const chunk = chosen?.chunks.shift();
    if (chosen === undefined || chunk === undefined) throw new Error('a file that waits has chunks');
    chunks.push(chunk);
    if (chosen.chunks.length > 0) continue;
    sums.push(sumOf(chosen.file, producer));
    waiting.splice(at, 1);
  }
  return { chunks, sums };
}
