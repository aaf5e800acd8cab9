/** Arbitrary messages for fast-check. */

import fc from 'fast-check';
import { type BatchHeader, BATCH_HEADER_BYTES, type BatchKind } from '../batch.ts';
import { CHUNK_HEADER_BYTES, type Chunk, fileIdOf } from '../chunk.ts';
import { SUM_BYTES, type Sum } from '../sum.ts';

export const anyProducer: fc.Arbitrary<string> = fc
  .uint8Array({ minLength: 8, maxLength: 8 })
  .map((bytes) => Buffer.from(bytes).toString('hex'));

export const anyCount: fc.Arbitrary<number> = fc.oneof(
  fc.nat(1000),
  fc.maxSafeNat(),
  fc.constantFrom(0, 0xffff_ffff, 0x1_0000_0000, 0x1_0000_0001),
);

export const anyChunk: fc.Arbitrary<Chunk> = fc.record({
  fileId: fc.tuple(anyProducer, fc.maxSafeNat()).map(([producer, number]) => fileIdOf(producer, number)),
  sequence: fc.integer({ min: 1, max: 0xffff_ffff }),
  data: fc.uint8Array({ maxLength: 70 }),
});

export const anySum: fc.Arbitrary<Sum> = fc.record({
  fileId: fc.tuple(anyProducer, fc.maxSafeNat()).map(([producer, number]) => fileIdOf(producer, number)),
  lastSequence: fc.integer({ min: 1, max: 0xffff_ffff }),
  bytes: anyCount,
  digest: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex')),
});

/** A header of this kind with one record, whose index leaves room for any count. */
export function anyHeader(kind: BatchKind): fc.Arbitrary<BatchHeader> {
  return fc.record({
    kind: fc.constant(kind),
    producer: anyProducer,
    firstIndex: anyCount.map((count) => Math.min(count, 2 ** 53 - 2 ** 32)),
    count: fc.constant(1),
    epoch: anyCount,
  });
}

/** A header and a payload that has room for its records. */
export const anyBatch: fc.Arbitrary<readonly [BatchHeader, Uint8Array]> = fc.oneof(
  fc
    .tuple(anyHeader('chunks'), fc.uint8Array({ minLength: CHUNK_HEADER_BYTES, maxLength: 300 }), fc.nat())
    .map(([header, payload, some]) => {
      const room = Math.floor(payload.length / CHUNK_HEADER_BYTES);
      return [{ ...header, count: 1 + (some % room) }, payload] as const;
    }),
  fc
    .tuple(anyHeader('sums'), fc.integer({ min: 1, max: 5 }), fc.uint8Array({ minLength: 320, maxLength: 320 }))
    .map(([header, count, bytes]) => [{ ...header, count }, bytes.subarray(0, count * SUM_BYTES)] as const),
  anyHeader('end').map((header) => [header, new Uint8Array(0)] as const),
);

/** The same batch with another header field and a correct checksum. */
export function altered(
  batch: Uint8Array,
  alter: (view: DataView) => void,
  checksum: (batch: Uint8Array) => number,
): Buffer {
  const bytes = Buffer.from(batch);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  alter(view);
  if (bytes.length >= BATCH_HEADER_BYTES) view.setUint32(0, checksum(bytes), true);
  return bytes;
}
