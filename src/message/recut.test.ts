import test from 'ava';
import fc from 'fast-check';
import { InvariantError } from '../core/errors.ts';
import { crc32c } from '../hash/crc32c.ts';
import { type BatchHeader, encodeBatch } from './batch.ts';
import { encodeChunk } from './chunk.ts';
import { dropLeadingRecords } from './recut.ts';
import { encodeSum } from './sum.ts';
import { anyChunk, anyHeader, anySum } from './testing/arbitraries.ts';

const JOURNAL = 'chunks/part-000';

function batchOf(header: BatchHeader, records: readonly Buffer[], from: number): Buffer {
  const rest = records.slice(from);
  const cut = { ...header, firstIndex: header.firstIndex + from, count: rest.length };
  return encodeBatch(cut, Buffer.concat(rest), JOURNAL, crc32c);
}

const anyRecords = fc.oneof(
  fc.tuple(anyHeader('chunks'), fc.array(anyChunk.map(encodeChunk), { minLength: 1, maxLength: 6 })),
  fc.tuple(anyHeader('sums'), fc.array(anySum.map(encodeSum), { minLength: 1, maxLength: 6 })),
);

test('dropping any number of leading records gives the batch of the remaining ones', (t) => {
  fc.assert(
    fc.property(anyRecords, ([header, records]) => {
      const whole = batchOf(header, records, 0);
      const before = Buffer.from(whole);
      for (let dropped = 0; dropped < records.length; dropped += 1) {
        t.true(dropLeadingRecords(whole, dropped, JOURNAL, crc32c).equals(batchOf(header, records, dropped)));
      }
      t.true(whole.equals(before));
    }),
  );
});

test('dropping records twice is dropping them at once', (t) => {
  fc.assert(
    fc.property(anyRecords, fc.nat(5), fc.nat(5), ([header, records], first, second) => {
      fc.pre(first + second < records.length);
      const whole = batchOf(header, records, 0);
      const once = dropLeadingRecords(whole, first + second, JOURNAL, crc32c);
      const twice = dropLeadingRecords(dropLeadingRecords(whole, first, JOURNAL, crc32c), second, JOURNAL, crc32c);
      t.true(twice.equals(once));
    }),
  );
});

test('a batch is never cut to nothing, and a damaged one is not cut at all', (t) => {
  const chunk = encodeChunk({ fileId: '80'.repeat(16), sequence: 1, data: Buffer.alloc(9) });
  const header = { kind: 'chunks', producer: '80aabbccddeeff01', firstIndex: 5, count: 2, epoch: 0 } as const;
  const batch = batchOf(header, [chunk, chunk], 0);
  for (const dropped of [-1, 2, 3]) {
    t.throws(() => dropLeadingRecords(batch, dropped, JOURNAL, crc32c), { instanceOf: InvariantError });
  }
  t.throws(() => dropLeadingRecords(batch, 1, 'chunks/part-001', crc32c), { instanceOf: InvariantError });
  const end = encodeBatch({ ...header, kind: 'end', count: 1 }, new Uint8Array(0), JOURNAL, crc32c);
  t.deepEqual(dropLeadingRecords(end, 0, JOURNAL, crc32c), end);
});
