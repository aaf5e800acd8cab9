import test from 'ava';
import fc from 'fast-check';
import { isCount } from '../core/assert.ts';
import { OperatingError } from '../core/errors.ts';
import {
  keyOf,
  nameKey,
  nameOfKey,
  numberRange,
  offsetKey,
  offsetOfKey,
  openBytes,
  openRow,
  sealBytes,
  sealRow,
  wholeRange,
} from './row.ts';

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const anyOffset = fc.oneof(fc.nat(1_000), fc.maxSafeNat(), fc.constantFrom(0xffff_ffff, 0x1_0000_0000));
const anyValue = (value: unknown): value is unknown => value !== undefined;

function inside(key: Buffer, range: { from: Buffer; to: Buffer }): boolean {
  return Buffer.compare(key, range.from) >= 0 && Buffer.compare(key, range.to) < 0;
}

test('keys sort as their numbers do', (t) => {
  fc.assert(
    fc.property(u32, anyOffset, u32, anyOffset, (number, offset, otherNumber, otherOffset) => {
      const order = Math.sign(Buffer.compare(offsetKey(number, offset), offsetKey(otherNumber, otherOffset)));
      t.is(order, Math.sign(number - otherNumber || offset - otherOffset));
      t.is(Math.sign(Buffer.compare(keyOf(number), keyOf(otherNumber))), Math.sign(number - otherNumber));
    }),
  );
});

test('an offset reads from its key as it was written', (t) => {
  fc.assert(
    fc.property(u32, anyOffset, (number, offset) => {
      t.is(offsetOfKey(offsetKey(number, offset)), offset);
      t.true(inside(offsetKey(number, offset), wholeRange()));
    }),
  );
  for (const odd of [-1, 0.5, 2 ** 53, Number.NaN]) t.throws(() => offsetKey(0, odd), { name: 'InvariantError' });
});

test('a name reads from its key as it was written', (t) => {
  fc.assert(
    fc.property(u32, fc.string({ unit: 'grapheme' }), (number, name) => {
      t.is(nameOfKey(nameKey(number, name)), name);
    }),
  );
});

test('the range of a number holds its keys and no others', (t) => {
  fc.assert(
    fc.property(fc.nat(1_000), fc.nat(1_000), anyOffset, fc.string(), (number, other, offset, name) => {
      for (const key of [keyOf(other), keyOf(other, 7), offsetKey(other, offset), nameKey(other, name)]) {
        t.is(inside(key, numberRange(number)), number === other);
      }
    }),
  );
});

test('a row opens to the value that was sealed', (t) => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      t.deepEqual(openRow(sealRow(value), anyValue, 'it'), JSON.parse(JSON.stringify(value)));
    }),
  );
});

test('bytes open to what was sealed, in a buffer of their own', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const source = Buffer.from(bytes);
      const sealed = sealBytes(source);
      source.fill(0xee);
      t.is(Buffer.compare(openBytes(sealed, 'it'), bytes), 0);
    }),
  );
});

test('a row with any bit flipped, or cut anywhere, is damaged and named', (t) => {
  const row = sealRow({ offset: 4096, name: 'sums' });
  const damaged = { instanceOf: OperatingError, code: 'ERR_STORE_DAMAGED', message: /the checkpoint of shard 3/ };
  for (let bit = 0; bit < row.length * 8; bit += 1) {
    const flipped = Buffer.from(row);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    t.throws(() => openRow(flipped, anyValue, 'the checkpoint of shard 3'), damaged, `bit ${bit}`);
  }
  for (let length = 0; length < row.length; length += 1)
    t.throws(() => openRow(row.subarray(0, length), anyValue, 'the checkpoint of shard 3'), damaged);
  t.notThrows(() => openRow(row, anyValue, 'the checkpoint of shard 3'));
});

test('a row of another shape, or that is no JSON, is damaged even with the right checksum', (t) => {
  const damaged = { instanceOf: OperatingError, code: 'ERR_STORE_DAMAGED' };
  t.throws(() => openRow(sealRow('text'), isCount, 'a count'), damaged);
  t.throws(() => openRow(sealRow(-1), isCount, 'a count'), damaged);
  t.throws(() => openRow(sealBytes(Buffer.from('{')), isCount, 'a count'), damaged);
  t.is(openRow(sealRow(7), isCount, 'a count'), 7);
});
