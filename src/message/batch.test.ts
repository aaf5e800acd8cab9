import test from 'ava';
import fc from 'fast-check';
import { InvariantError } from '../core/errors.ts';
import { CODE_POINT } from '../core/testing/code-point.ts';
import { crc32c } from '../hash/crc32c.ts';
import {
  BATCH_BYTES_MAX,
  BATCH_HEADER_BYTES,
  type BatchHeader,
  decodeBatch,
  encodeBatch,
  isProducerId,
  readProducer,
  sealBatch,
  shardProducer,
  writeProducer,
} from './batch.ts';
import { CHUNK_HEADER_BYTES } from './chunk.ts';
import { readCount, writeCount } from './counts.ts';
import { SUM_BYTES } from './sum.ts';
import { altered, anyBatch, anyCount, anyProducer } from './testing/arbitraries.ts';

const JOURNAL = 'chunks/part-003';
const HEADER: BatchHeader = { kind: 'chunks', producer: '80aabbccddeeff01', firstIndex: 300, count: 4, epoch: 0 };
/** Just enough room for the records of `HEADER`. */
const PAYLOAD: Buffer = Buffer.alloc(4 * CHUNK_HEADER_BYTES, 7);

/** CRC-32C bit by bit, over the journal's name and then the batch from byte 4. */
function checksumOf(batch: Uint8Array, journal: string): number {
  let crc = 0xffff_ffff;
  for (const byte of Buffer.concat([Buffer.from(journal, 'utf8'), batch.subarray(4)])) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ ((crc & 1) * 0x82f6_3b78);
  }
  return ~crc >>> 0;
}

function reseal(batch: Uint8Array, alter: (view: DataView) => void): Buffer {
  return altered(batch, alter, (bytes) => checksumOf(bytes, JOURNAL));
}

function writeU64(view: DataView, offset: number, value: bigint): void {
  view.setBigUint64(offset, value, true);
}

function faultOf(batch: Uint8Array, journal: string = JOURNAL): string | null {
  const decoded = decodeBatch(batch, journal, crc32c);
  return 'fault' in decoded ? decoded.fault : null;
}

test('a batch decodes to what was encoded', (t) => {
  fc.assert(
    fc.property(anyBatch, fc.string({ maxLength: 20 }), ([header, payload], journal) => {
      const batch = encodeBatch(header, payload, journal, crc32c);
      t.is(batch.length, BATCH_HEADER_BYTES + payload.length);
      const decoded = decodeBatch(batch, journal, crc32c);
      t.deepEqual({ ...decoded, payload: null }, { ...header, payload: null });
      t.true(!('fault' in decoded) && Buffer.compare(decoded.payload, payload) === 0);
    }),
  );
});

test('a batch that lies in the middle of a larger buffer decodes alike', (t) => {
  const batch = encodeBatch(HEADER, PAYLOAD, JOURNAL, crc32c);
  const outer = Buffer.concat([Buffer.alloc(5, 0xee), batch, Buffer.alloc(3, 0xee)]);
  const inner = outer.subarray(5, 5 + batch.length);
  t.deepEqual(decodeBatch(inner, JOURNAL, crc32c), decodeBatch(batch, JOURNAL, crc32c));
  const sealed = Buffer.from(outer).fill(0, 5, 5 + BATCH_HEADER_BYTES);
  sealBatch(sealed.subarray(5, 5 + batch.length), HEADER, JOURNAL, crc32c);
  t.deepEqual(sealed, outer);
});

test('the checksum is CRC-32C over the name of the journal and all that follows it', (t) => {
  fc.assert(
    fc.property(anyBatch, fc.string({ maxLength: 20, unit: CODE_POINT }), ([header, payload], journal) => {
      const batch = encodeBatch(header, payload, journal, crc32c);
      t.is(batch.readUInt32LE(0), checksumOf(batch, journal));
    }),
    { numRuns: 30 },
  );
});

test('a batch that is cut anywhere, or goes on, is refused', (t) => {
  const batch = encodeBatch(HEADER, Buffer.alloc(100, 7), JOURNAL, crc32c);
  for (let length = 0; length < batch.length; length += 1) {
    t.not(faultOf(batch.subarray(0, length)), null, `${length} bytes`);
    // The same when the cut batch has a correct checksum.
    if (length >= BATCH_HEADER_BYTES) {
      t.is(faultOf(reseal(batch.subarray(0, length), () => {})), 'the payload length is wrong');
    }
  }
  t.not(faultOf(Buffer.concat([batch, Buffer.alloc(1)])), null);
  t.is(faultOf(reseal(Buffer.concat([batch, Buffer.alloc(1)]), () => {})), 'the payload length is wrong');
  t.is(faultOf(batch), null);
});

test('a batch with any bit flipped is refused', (t) => {
  const batch = encodeBatch(HEADER, Buffer.alloc(100, 7), JOURNAL, crc32c);
  for (let bit = 0; bit < batch.length * 8; bit += 1) {
    const flipped = Buffer.from(batch);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    t.not(faultOf(flipped), null, `bit ${bit}`);
  }
});

test('a batch that was sealed for one journal does not verify in another', (t) => {
  fc.assert(
    fc.property(anyBatch, fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }), ([header, payload], own, other) => {
      fc.pre(own !== other);
      const fault = faultOf(encodeBatch(header, payload, own, crc32c), other);
      t.true(fault?.includes('the checksum is not that of this batch in'), String(fault));
    }),
  );
});

test('a field out of its bounds is refused even with the right checksum', (t) => {
  const batch = encodeBatch(HEADER, PAYLOAD, JOURNAL, crc32c);
  const cases: readonly [string, (view: DataView) => void, RegExp][] = [
    ['magic', (view) => view.setUint32(4, 0x32425353, true), /magic/],
    ['version 0', (view) => view.setUint16(8, 0, true), /version 0/],
    ['version 2', (view) => view.setUint16(8, 2, true), /version 2/],
    ['kind 0', (view) => view.setUint16(10, 0, true), /kind 0/],
    ['kind 4', (view) => view.setUint16(10, 4, true), /kind 4/],
    ['no records', (view) => view.setUint32(12, 0, true), /out of bounds/],
    ['a record too many', (view) => view.setUint32(12, 5, true), /5 records of chunks are not what a payload of 96/],
    ['as many as there are', (view) => view.setUint32(12, 0xffff_ffff, true), /4294967295 records of chunks/],
    ['sums that are none', (view) => view.setUint16(10, 2, true), /4 records of sums are not what/],
    ['index 2^53', (view) => writeU64(view, 24, 2n ** 53n), /out of bounds/],
    ['index 2^64 - 1', (view) => writeU64(view, 24, 2n ** 64n - 1n), /out of bounds/],
    ['index and count', (view) => writeU64(view, 24, 2n ** 53n - 4n), /out of bounds/],
    ['epoch 2^53', (view) => writeU64(view, 32, 2n ** 53n), /out of bounds/],
    ['payload', (view) => view.setUint32(40, 95, true), /payload length/],
    ['end with a payload', (view) => view.setUint16(10, 3, true), /an end has no payload/],
  ];
  for (const [name, alter, fault] of cases) t.regex(faultOf(reseal(batch, alter)) ?? 'accepted', fault, name);
  const end = encodeBatch({ ...HEADER, kind: 'end', count: 1 }, new Uint8Array(0), JOURNAL, crc32c);
  t.is(faultOf(end), null);
  t.is(faultOf(reseal(end, (view) => view.setUint32(12, 2, true))), 'an end has no payload');
  t.is(faultOf(reseal(batch, (view) => writeU64(view, 24, 2n ** 53n - 5n))), null);
});

test('whatever count a batch says, one that is taken has room for so many records', (t) => {
  const anyKind = fc.constantFrom(1, 2, 3);
  const someCount = fc.oneof(fc.nat(20), fc.integer({ min: 0, max: 0xffff_ffff }), fc.constantFrom(0xffff_ffff));
  fc.assert(
    fc.property(anyBatch, anyKind, someCount, ([header, payload], kind, count) => {
      const batch = reseal(encodeBatch(header, payload, JOURNAL, crc32c), (view) => {
        view.setUint16(10, kind, true);
        view.setUint32(12, count, true);
        view.setUint32(24, 0, true);
        view.setUint32(28, 0, true);
      });
      const room = [
        count >= 1 && count * CHUNK_HEADER_BYTES <= payload.length,
        count >= 1 && count * SUM_BYTES === payload.length,
        count === 1 && payload.length === 0,
      ][kind - 1];
      t.is(faultOf(batch) === null, room ?? false, `${count} of kind ${kind} in ${payload.length}`);
    }),
    { numRuns: 500 },
  );
});

test('arbitrary bytes are refused and never throw', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      t.is(typeof faultOf(bytes), 'string');
    }),
  );
});

test('the largest batch is taken and one byte more is not', (t) => {
  const payload = Buffer.alloc(BATCH_BYTES_MAX - BATCH_HEADER_BYTES);
  const batch = encodeBatch(HEADER, payload, JOURNAL, crc32c);
  t.is(faultOf(batch), null);
  t.is(faultOf(Buffer.concat([batch, Buffer.alloc(1)])), `${BATCH_BYTES_MAX + 1} bytes are too many for a batch`);
  const larger = Buffer.alloc(payload.length + 1);
  t.throws(() => encodeBatch(HEADER, larger, JOURNAL, crc32c), { instanceOf: InvariantError });
});

test('a header that no reader would take is not sealed', (t) => {
  const bad = {
    count: [0, Number.NaN],
    firstIndex: [-1, 0.5, 2 ** 53],
    epoch: [-1, Number.NaN],
    producer: ['', 'xyz', 'AA'.repeat(8)],
  };
  for (const [field, values] of Object.entries(bad)) {
    for (const value of values) {
      const header = { ...HEADER, [field]: value };
      t.throws(() => encodeBatch(header, PAYLOAD, JOURNAL, crc32c), { instanceOf: InvariantError }, field);
    }
  }
  t.throws(() => sealBatch(Buffer.alloc(BATCH_HEADER_BYTES - 1), HEADER, JOURNAL, crc32c), {
    instanceOf: InvariantError,
  });
});

test('a u64 is little-endian and exact up to the largest safe integer', (t) => {
  fc.assert(
    fc.property(anyCount, (count) => {
      const view = new DataView(new ArrayBuffer(10));
      writeCount(view, 1, count);
      t.is(view.getBigUint64(1, true), BigInt(count));
      t.is(readCount(view, 1), count);
      t.is(view.getUint8(0) + view.getUint8(9), 0);
    }),
  );
});

test('a u64 above the safe integers reads as NaN, and none is written', (t) => {
  const view = new DataView(new ArrayBuffer(8));
  fc.assert(
    fc.property(fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }), (value) => {
      view.setBigUint64(0, value, true);
      t.is(readCount(view, 0), Number.NaN);
    }),
  );
  for (const odd of [-1, 1.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY]) {
    t.throws(() => writeCount(view, 0, odd), { instanceOf: InvariantError });
  }
});

test('a producer id is 8 bytes and reads as it was written', (t) => {
  fc.assert(
    fc.property(anyProducer, fc.nat(4), (producer, offset) => {
      const bytes = new Uint8Array(12).fill(0xee);
      writeProducer(bytes, offset, producer);
      t.is(readProducer(bytes, offset), producer);
      t.is(Buffer.from(bytes).toString('hex', offset, offset + 8), producer);
      t.is(bytes.filter((byte, at) => (at < offset || at >= offset + 8) && byte !== 0xee).length, 0);
    }),
  );
  for (const odd of ['', '80aabbccddeeff0', '80aabbccddeeff012', '80AABBCCDDEEFF01', ' 0aabbccddeeff01', 7, null]) {
    t.false(isProducerId(odd), String(odd));
  }
});

test('the producers of shards are distinct, constant, and begin with four zero bytes', (t) => {
  t.is(shardProducer(0), '0000000000000000');
  t.is(shardProducer(255), '00000000000000ff');
  const all = Array.from({ length: 256 }, (_, shard) => shardProducer(shard));
  t.is(new Set(all).size, 256);
  t.true(all.every((id) => isProducerId(id) && id.startsWith('00000000')));
});
