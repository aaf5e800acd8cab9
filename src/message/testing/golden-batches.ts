/**
 * The batches that `src/message/golden` holds as bytes, as the first version wrote them. Every later version, and the
 * native pool, must read them in the same way. After a new format version, `node
 * dist/src/message/testing/write-golden.js` writes them again.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BatchHeader } from '../batch.ts';
import type { Chunk } from '../chunk.ts';
import type { Sum } from '../sum.ts';

/** In the sources: compiled files lie in `dist/src/message/testing`. */
export const GOLDEN_FOLDER: string = join(import.meta.dirname, '../../../../src/message/golden');

export const CHUNKS_JOURNAL = 'chunks/part-007';
export const SUMS_JOURNAL = 'sums';

/** `length` bytes that are not all zeros. */
export function sampleBytes(length: number, first: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (first + at * 7 + (at >> 5)) & 0xff);
}

const FILE_A = 'c0ffee00000000010000000000000000';
const FILE_B = 'c0ffee000000000100000001000000ff';

/** Two files, interleaved; A has 65 + 64 + 1 bytes and ends, B is empty and ends at once. */
export const GOLDEN_CHUNKS: { readonly header: BatchHeader; readonly chunks: readonly Chunk[] } = {
  header: { kind: 'chunks', producer: 'c0ffee0000000001', firstIndex: 0x1_0000_0002, count: 5, epoch: 0 },
  chunks: [
    { fileId: FILE_A, sequence: 1, data: sampleBytes(65, 3) },
    { fileId: FILE_A, sequence: 2, data: sampleBytes(64, 4) },
    { fileId: FILE_B, sequence: 1, data: sampleBytes(0, 0) },
    { fileId: FILE_A, sequence: 3, data: sampleBytes(1, 5) },
    { fileId: FILE_A, sequence: 4, data: sampleBytes(0, 0) },
  ],
};

export const GOLDEN_SUMS: { readonly header: BatchHeader; readonly sums: readonly Sum[] } = {
  header: { kind: 'sums', producer: '0000000000000007', firstIndex: 9, count: 2, epoch: 0x2_0000_0003 },
  sums: [
    { fileId: FILE_A, lastSequence: 4, bytes: 130, digest: '01'.repeat(31) + 'ff' },
    { fileId: FILE_B, lastSequence: 0xffff_ffff, bytes: Number.MAX_SAFE_INTEGER, digest: 'ab'.repeat(32) },
  ],
};

export const GOLDEN_END: BatchHeader = {
  kind: 'end',
  producer: 'ffeeddccbbaa9988',
  firstIndex: Number.MAX_SAFE_INTEGER - 1,
  count: 1,
  epoch: 0,
};

export function readGolden(name: 'chunks' | 'sums' | 'end'): Buffer {
  return readFileSync(join(GOLDEN_FOLDER, `${name}.bin`));
}
