/**
 * The published data as a pure function of the seed, the chunker's number and the workload's options: the number of
 * chunks of each file, their lengths, every byte, and the partition of the file. The data never depends on time,
 * acknowledgements or back-pressure. The verifier computes the expected sums from this module with node:crypto.
 *
 * Rule P-STREAM-1 of docs/protocol.md.
 */

import { createHash } from 'node:crypto';
import { assert } from '../core/assert.ts';
import { mix32, mixNext, mixWords } from '../core/prng.ts';

export type CountRange = { readonly low: number; readonly high: number };

export type WorkloadOptions = {
  readonly seed: number;
  readonly chunkerNumber: number;
  /** Files that are open at once. */
  readonly filesOpen: number;
  /** Data chunks of a file. */
  readonly chunks: CountRange;
  /** Bytes of a chunk, from 1. */
  readonly chunkBytes: CountRange;
  readonly partitions: number;
};

/** The sum that the pipeline must find for a file. */
export type ExpectedSum = { readonly lastSequence: number; readonly bytes: number; readonly digest: string };

const FILE = 0x66696c65;
const CHUNKS = 0x63686e6b;
const LENGTH = 0x6c656e67;
const PARTITION = 0x70617274;
const SEGMENT_BYTES = 64 * 1024;

export class Workload {
  readonly options: WorkloadOptions;
  /** What the seeds of all files begin with. */
  readonly #filesWord: number;
  /** Reused for every expected sum. */
  #segment: Buffer = Buffer.alloc(0);

  constructor(options: WorkloadOptions) {
    const { chunks, chunkBytes, filesOpen, partitions } = options;
    assert(filesOpen >= 1 && partitions >= 1, 'a workload has files and partitions');
    assert(
      chunkBytes.low >= 1 && chunkBytes.low <= chunkBytes.high && chunks.low <= chunks.high,
      'ranges are in order',
    );
    this.options = options;
    const { seed, chunkerNumber } = options;
    this.#filesWord = mixWords(FILE, seed % 0x1_0000_0000, Math.floor(seed / 0x1_0000_0000), chunkerNumber);
  }

  /** The seed of everything about one file. */
  fileSeed(fileNumber: number): number {
    const low = mixNext(this.#filesWord, fileNumber % 0x1_0000_0000);
    return mixNext(low, Math.floor(fileNumber / 0x1_0000_0000));
  }

  /** The number of data chunks of the file. The end follows them, so the last sequence is one more. */
  chunkCount(fileSeed: number): number {
    return within(this.options.chunks, mixWords(CHUNKS, fileSeed));
  }

  /** Bytes of the data chunk with this sequence, from 1. */
  chunkBytes(fileSeed: number, sequence: number): number {
    const { low, high } = this.options.chunkBytes;
    return low === high ? low : within(this.options.chunkBytes, mix32(fileSeed ^ mix32(LENGTH + sequence)));
  }

  /** The partition of a file: a hash of the file number in its id, modulo the partitions. */
  partitionOf(fileNumber: number): number {
    const hash = mixWords(PARTITION, fileNumber % 0x1_0000_0000, Math.floor(fileNumber / 0x1_0000_0000));
    return hash % this.options.partitions;
  }

  /** The sum of a file, over its bytes from first to last. */
  expectedSum(fileNumber: number): ExpectedSum {
    const fileSeed = this.fileSeed(fileNumber);
    const chunks = this.chunkCount(fileSeed);
    const room = Math.max(SEGMENT_BYTES, this.options.chunkBytes.high);
    if (this.#segment.length < room) this.#segment = Buffer.allocUnsafeSlow(room);
    const segment = this.#segment;
    const view = new DataView(segment.buffer, segment.byteOffset, segment.length);
    const hash = createHash('sha256');
    let filled = 0;
    let bytes = 0;
    for (let sequence = 1; sequence <= chunks; sequence += 1) {
      const length = this.chunkBytes(fileSeed, sequence);
      if (filled + length > segment.length) {
        hash.update(segment.subarray(0, filled));
        filled = 0;
      }
      fillChunk(view, filled, length, fileSeed, sequence);
      filled += length;
      bytes += length;
    }
    const digest = hash.update(segment.subarray(0, filled)).digest('hex');
    return { lastSequence: chunks + 1, bytes, digest };
  }
}

function within(range: CountRange, random: number): number {
  return range.low + Math.floor((random / 0x1_0000_0000) * (range.high - range.low + 1));
}

/** Writes the data of one chunk: a stream of mixed 32-bit words, little-endian, of which the last is cut. */
export function fillChunk(view: DataView, offset: number, length: number, fileSeed: number, sequence: number): void {
  const seed = mix32(fileSeed + Math.imul(sequence, 0x9e3779b9));
  const whole = offset + (length & ~3);
  let counter = seed;
  let at = offset;
  for (; at < whole; at += 4) {
    counter = (counter + 0x9e3779b9) | 0;
    let word = Math.imul(counter ^ (counter >>> 16), 0x21f0aaad);
    word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
    view.setInt32(at, word ^ (word >>> 15), true);
  }
  if (at === offset + length) return;
  counter = (counter + 0x9e3779b9) | 0;
  let last = Math.imul(counter ^ (counter >>> 16), 0x21f0aaad);
  last = Math.imul(last ^ (last >>> 15), 0x735a2d97);
  last ^= last >>> 15;
  for (; at < offset + length; at += 1) {
    view.setUint8(at, last & 0xff);
    last >>>= 8;
  }
}
