/** Arbitrary messages for fast-check. */

import fc from 'fast-check';
import { type BatchHeader, BATCH_HEADER_BYTES, type BatchKind } from '../batch.ts';
import { type Chunk, fileIdOf } from '../chunk.ts';
import type { Sum } from '../sum.ts';

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

/** A header of this kind whose index leaves room for the count. */
export function anyHeader(kind: BatchKind): fc.Arbitrary<BatchHeader> {
  return fc.record({
    kind: fc.constant(kind),
    producer: anyProducer,
    firstIndex: anyCount.map((count) => Math.min(count, 2 ** 53 - 2 ** 32)),
    count: kind === 'end' ? fc.constant(1) : fc.integer({ min: 1, max: 0xffff_ffff }),
    epoch: anyCount,
  });
}

/** The same batch with another header field and a checksum that is right again. */
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
