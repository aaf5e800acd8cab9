// CRC-32C against published values (RFC 3720, B.4) and itself in pieces.

import test from 'ava';
import fc from 'fast-check';

import { crc32c } from './crc32c.ts';
import { mistyped } from './record-fixture.ts';

test('known checksums', (t) => {
  t.is(crc32c(0, Buffer.alloc(0)), 0);
  t.is(crc32c(0, Buffer.from('123456789')), 0xe306_9283);
  t.is(crc32c(0, Buffer.alloc(32)), 0x8a91_36aa);
  t.is(crc32c(0, Buffer.alloc(32, 0xff)), 0x62a8_ab43);
  t.is(
    crc32c(
      0,
      Uint8Array.from({ length: 32 }, (_, index) => index),
    ),
    0x46dd_794e,
  );
  t.is(
    crc32c(
      0,
      Uint8Array.from({ length: 32 }, (_, index) => 31 - index),
    ),
    0x113f_db5c,
  );
});

test('pieces have the checksum of the whole', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5000 }), fc.nat(5000), (data, split) => {
      t.is(crc32c(crc32c(0, data.subarray(0, split)), data.subarray(split)), crc32c(0, data));
    }),
  );
});

test('a flipped bit changes the checksum', (t) => {
  const data = Buffer.alloc(100, 7);
  const sum = crc32c(0, data);
  for (let bit = 0; bit < 800; bit++) {
    const flipped = Buffer.from(data);
    flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    t.not(crc32c(0, flipped), sum);
  }
});

test('odd arguments are errors with a code', (t) => {
  for (const argument of [undefined, null, 'text', [], new Uint8Array(new SharedArrayBuffer(8))]) {
    t.throws(() => crc32c(0, mistyped<Uint8Array>(argument)), { code: 'ERR_INVALID_ARG_TYPE' });
  }
  for (const seed of [-1, 0.5, Number.NaN, 2 ** 32]) {
    t.throws(() => crc32c(seed, Buffer.alloc(1)), { code: 'ERR_OUT_OF_RANGE' });
  }
  t.throws(() => crc32c(mistyped<number>('0'), Buffer.alloc(1)), { code: 'ERR_INVALID_ARG_TYPE' });
});
