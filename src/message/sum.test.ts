import test from 'ava';
import fc from 'fast-check';
import { SUM_BYTES, decodeSums, encodeSum } from './sum.ts';
import { anySum } from './testing/arbitraries.ts';

test('sums decode to what was encoded', (t) => {
  fc.assert(
    fc.property(fc.array(anySum, { maxLength: 5 }), (sums) => {
      const payload = Buffer.concat(sums.map(encodeSum));
      t.is(payload.length, sums.length * SUM_BYTES);
      t.deepEqual(decodeSums(payload), sums);
    }),
  );
});

test('sums that are cut, have a reserved byte set or too many bytes do not decode', (t) => {
  const sum = { fileId: '80'.repeat(16), lastSequence: 3, bytes: 2 ** 40, digest: 'cd'.repeat(32) };
  const payload = Buffer.concat([encodeSum(sum), encodeSum(sum)]);
  for (let length = 0; length < payload.length; length += 1) {
    t.is(decodeSums(payload.subarray(0, length)) !== null, length % SUM_BYTES === 0, `${length} bytes`);
  }
  for (const at of [20, 21, 22, 23, SUM_BYTES + 20, SUM_BYTES + 23]) {
    t.is(decodeSums(Buffer.from(payload).fill(1, at, at + 1)), null, `byte ${at}`);
  }
  const many = Buffer.from(payload);
  many.writeBigUInt64LE(2n ** 53n, SUM_BYTES + 24);
  t.is(decodeSums(many), null);
  many.writeBigUInt64LE(2n ** 53n - 1n, SUM_BYTES + 24);
  t.is(decodeSums(many)?.[1]?.bytes, Number.MAX_SAFE_INTEGER);
});
