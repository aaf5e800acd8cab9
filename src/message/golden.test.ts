/**
 * The formats on disk and on the wire do not drift: this version reads and writes the bytes of earlier versions
 * exactly.
 */

import { createHash } from 'node:crypto';
import test from 'ava';
import { crc32c } from '../hash/crc32c.ts';
import { HashPool } from '../hash/pool.ts';
import { decodeBatch, encodeBatch } from './batch.ts';
import { decodeChunks, encodeChunk } from './chunk.ts';
import { SUM_BYTES, decodeSums, encodeSum } from './sum.ts';
import {
  CHUNKS_JOURNAL,
  GOLDEN_CHUNKS,
  GOLDEN_END,
  GOLDEN_SUMS,
  SUMS_JOURNAL,
  readGolden,
  sampleBytes,
} from './testing/golden-batches.ts';

function digest(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

test('the golden batch of chunks is read and written byte for byte', (t) => {
  const golden = readGolden('chunks');
  const batch = decodeBatch(golden, CHUNKS_JOURNAL, crc32c);
  t.false('fault' in batch);
  if ('fault' in batch) return;
  const { payload, ...header } = batch;
  t.deepEqual(header, GOLDEN_CHUNKS.header);
  const chunks = decodeChunks(payload)?.map((chunk) => ({ ...chunk, data: Uint8Array.from(chunk.data) }));
  t.deepEqual(chunks, [...GOLDEN_CHUNKS.chunks]);
  const written = encodeBatch(header, Buffer.concat(GOLDEN_CHUNKS.chunks.map(encodeChunk)), CHUNKS_JOURNAL, crc32c);
  t.deepEqual(written, golden);
});

test('the golden batch of sums is read and written byte for byte', (t) => {
  const golden = readGolden('sums');
  const batch = decodeBatch(golden, SUMS_JOURNAL, crc32c);
  t.false('fault' in batch);
  if ('fault' in batch) return;
  const { payload, ...header } = batch;
  t.deepEqual(header, GOLDEN_SUMS.header);
  t.deepEqual(decodeSums(payload), [...GOLDEN_SUMS.sums]);
  t.deepEqual(encodeBatch(header, Buffer.concat(GOLDEN_SUMS.sums.map(encodeSum)), SUMS_JOURNAL, crc32c), golden);
});

test('the golden end of a producer is read and written byte for byte', (t) => {
  const golden = readGolden('end');
  const batch = decodeBatch(golden, CHUNKS_JOURNAL, crc32c);
  t.deepEqual(batch, { ...GOLDEN_END, payload: Buffer.alloc(0) });
  t.deepEqual(encodeBatch(GOLDEN_END, new Uint8Array(0), CHUNKS_JOURNAL, crc32c), golden);
});

test('the golden bytes lie where the tables of the layouts say', (t) => {
  const chunks = readGolden('chunks');
  t.is(chunks.toString('latin1', 4, 8), 'SSB1');
  t.is(chunks.readUInt16LE(8), 1);
  t.is(chunks.readUInt16LE(10), 1);
  t.is(chunks.readUInt32LE(12), 5);
  t.is(chunks.toString('hex', 16, 24), 'c0ffee0000000001');
  t.is(chunks.readBigUInt64LE(24), 0x1_0000_0002n);
  t.is(chunks.readBigUInt64LE(32), 0n);
  t.is(chunks.readUInt32LE(40), chunks.length - 48);
  t.is(chunks.readUInt32LE(44), 0);
  // The first chunk, of 65 bytes.
  t.is(chunks.readUInt32LE(48), 65);
  t.is(chunks.readUInt32LE(52), 1);
  t.is(chunks.toString('hex', 56, 72), 'c0ffee00000000010000000000000000');
  t.deepEqual(chunks.subarray(72, 137), Buffer.from(sampleBytes(65, 3)));
  const sums = readGolden('sums');
  t.is(sums.readUInt16LE(10), 2);
  t.is(sums.readBigUInt64LE(32), 0x2_0000_0003n);
  t.is(sums.length, 48 + 2 * SUM_BYTES);
  t.is(sums.toString('hex', 112, 128), 'c0ffee000000000100000001000000ff');
  t.is(sums.readUInt32LE(128), 0xffff_ffff);
  t.is(sums.readBigUInt64LE(136), 2n ** 53n - 1n);
  t.is(sums.toString('hex', 144, 176), 'ab'.repeat(32));
  t.is(readGolden('end').readUInt16LE(10), 3);
});

test('the native pool folds the golden chunks to the digests of node:crypto, in the layout of a sum', (t) => {
  const payload = readGolden('chunks').subarray(48);
  const sums = Buffer.alloc(2 * SUM_BYTES);
  t.is(new HashPool().fold(payload, 5, 0, sums), 2);
  const whole = Buffer.concat([sampleBytes(65, 3), sampleBytes(64, 4), sampleBytes(1, 5)]);
  t.deepEqual(decodeSums(sums), [
    { fileId: 'c0ffee000000000100000001000000ff', lastSequence: 1, bytes: 0, digest: digest(Buffer.alloc(0)) },
    { fileId: 'c0ffee00000000010000000000000000', lastSequence: 4, bytes: 130, digest: digest(whole) },
  ]);
});
