// The chunks that every contender of the hash suite gets: a random interleave over many open files, with the same bytes
// for all, a pure function of the seed. There are two shapes: sliced chunks, and the records of a batch as in the
// pipeline.

import { Prng } from '../../src/core/prng.ts';
import { RECORD_HEADER_BYTES } from '../../src/hash/pool.ts';

/** What a column of a table is measured on. */
export interface ChunkSetShape {
  /** Files that are open at once; each chunk goes to a random one. */
  readonly files: number;
  readonly chunkBytes: number;
  /** Chunks of one call, for contenders that take many. */
  readonly batchChunks: number;
  /** Batches of one measured round. */
  readonly batches: number;
}

/** One batch, made beforehand in every form that a contender needs. */
export interface ChunkSetBatch {
  /** The file of each chunk, from 0. */
  readonly files: Uint32Array;
  /** Where each chunk ends in `data`. */
  readonly ends: Uint32Array;
  readonly data: Buffer;
  /** `data` cut into chunks: views of it. */
  readonly views: readonly Buffer[];
  /** The same chunks as records, with the sequences that `renumber` wrote last. */
  readonly records: Buffer;
}

/** Chunks for one shape. */
export class ChunkSet {
  readonly shape: ChunkSetShape;
  readonly batches: readonly ChunkSetBatch[];
  /** 16 bytes a file. */
  readonly fileIds: readonly Buffer[];
  /** The last sequence of each file before and after the records as they are. */
  readonly #sequences: Uint32Array;
  readonly #nextSequences: Uint32Array;
  #isNumbered = false;

  constructor(shape: ChunkSetShape, seed: number) {
    this.shape = shape;
    const prng = Prng.fromSeed(seed, shape.files, shape.chunkBytes);
    this.fileIds = Array.from({ length: shape.files }, (_, file) => fileId(file));
    this.batches = Array.from({ length: shape.batches }, () => makeBatch(shape, this.fileIds, prng));
    this.#sequences = new Uint32Array(shape.files);
    this.#nextSequences = new Uint32Array(shape.files);
  }

  /** Chunks of one round. */
  get chunks(): number {
    return this.shape.batches * this.shape.batchChunks;
  }

  /** The files to which the first `chunks` chunks of a round go, ascending. */
  filesOf(chunks: number): number[] {
    const files = new Set(this.batches.flatMap((batch) => [...batch.files]).slice(0, chunks));
    return [...files].toSorted((a, b) => a - b);
  }

  /** The data of one file in the first `chunks` chunks of a round, in order. */
  dataOf(file: number, chunks: number): Buffer {
    const found: Buffer[] = [];
    let left = chunks;
    for (const { files, views } of this.batches) {
      for (let chunk = 0; chunk < views.length && left > 0; chunk++, left--) {
        const view = views[chunk];
        if (files[chunk] === file && view !== undefined) found.push(view);
      }
    }
    return Buffer.concat(found);
  }

  /**
   * Gives the records new sequences, so that a pool accepts them once more. It is not measured. Contenders that do not
   * need it call `rewrite`, so that all find the records in the same state of the caches.
   */
  renumber(): void {
    // The first time the records are numbered from 1, also when they were rewritten before.
    if (this.#isNumbered) this.#sequences.set(this.#nextSequences);
    this.#isNumbered = true;
    this.rewrite();
  }

  /** Writes the sequences that the records already have. */
  rewrite(): void {
    const stride = RECORD_HEADER_BYTES + this.shape.chunkBytes;
    this.#nextSequences.set(this.#sequences);
    for (const { files, records } of this.batches) {
      for (let chunk = 0; chunk < files.length; chunk++) {
        const file = files[chunk] ?? 0;
        const sequence = (this.#nextSequences[file] ?? 0) + 1;
        this.#nextSequences[file] = sequence;
        records.writeUInt32LE(sequence, chunk * stride + 4);
      }
    }
  }

  /** The number of the next record of each file. */
  nextSequence(file: number): number {
    return (this.#nextSequences[file] ?? 0) + 1;
  }
}

function fileId(file: number): Buffer {
  const id = Buffer.from('benchmrk\0\0\0\0\0\0\0\0', 'latin1');
  id.writeBigUInt64BE(BigInt(file), 8);
  return id;
}

function makeBatch(shape: ChunkSetShape, fileIds: readonly Buffer[], prng: Prng): ChunkSetBatch {
  const { batchChunks, chunkBytes } = shape;
  const files = Uint32Array.from({ length: batchChunks }, () => prng.below(shape.files));
  const ends = Uint32Array.from({ length: batchChunks }, (_, chunk) => (chunk + 1) * chunkBytes);
  // `allocUnsafeSlow`, because no contender may share pooled memory.
  const data = Buffer.allocUnsafeSlow(batchChunks * chunkBytes);
  const words = new Uint32Array(data.buffer);
  for (let word = 0; word < words.length; word++) words[word] = prng.next32();
  const views = Array.from(ends, (end) => data.subarray(end - chunkBytes, end));
  const stride = RECORD_HEADER_BYTES + chunkBytes;
  const records = Buffer.allocUnsafeSlow(batchChunks * stride);
  for (const [chunk, file] of files.entries()) {
    const start = chunk * stride;
    records.writeUInt32LE(chunkBytes, start);
    fileIds[file]?.copy(records, start + 8);
    views[chunk]?.copy(records, start + RECORD_HEADER_BYTES);
  }
  return { files, ends, data, views, records };
}
