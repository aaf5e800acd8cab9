import test from 'ava';
import fc from 'fast-check';
import { crc32c } from '../../hash/crc32c.ts';
import { encodeBatch } from '../../message/batch.ts';
import { encodeChunk, fileIdOf } from '../../message/chunk.ts';
import { chunkJournal } from '../journals.ts';
import { BatchCutter } from './batch-cutter.ts';

const JOURNAL = chunkJournal(0);
const PRODUCER = 'ca00000000000001';
const BEGIN = 1_000;

function batchOf(index: number, bytes: number): Buffer {
  const record = encodeChunk({ fileId: fileIdOf(PRODUCER, index), sequence: 1, data: Buffer.alloc(bytes, index) });
  const header = { kind: 'chunks', producer: PRODUCER, firstIndex: index, count: 1, epoch: 0 } as const;
  return encodeBatch(header, record, JOURNAL, crc32c);
}

test('however the bytes are cut into pieces, the batches come out as they were, with their places', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }),
      (sizes, cuts) => {
        const batches = sizes.map((bytes, index) => batchOf(index, bytes));
        const all = Buffer.concat(batches);
        const cutter = new BatchCutter(BEGIN);
        const found: Buffer[] = [];
        let through = BEGIN;
        for (let at = 0, turn = 0; at < all.length; turn += 1) {
          const piece = all.subarray(at, at + (cuts[turn % cuts.length] ?? 1));
          at += piece.length;
          const cut = cutter.push(piece);
          if ('fault' in cut) return false;
          for (const { begin, end, bytes } of cut) {
            if (begin !== through || end !== begin + bytes.length) return false;
            through = end;
            found.push(bytes);
          }
          if (cutter.through !== BEGIN + at || cutter.boundary !== through) return false;
        }
        return Buffer.concat(found).equals(all) && found.length === batches.length;
      },
    ),
  );
  t.pass();
});

test('bytes of another program, and the middle of a batch, are named with their place', (t) => {
  const batch = batchOf(0, 200);
  const foreign = new BatchCutter(BEGIN).push(Buffer.from(`${JSON.stringify({ UUID: 'x'.repeat(80) })}\n`));
  const middle = new BatchCutter(BEGIN + 7).push(batch.subarray(7));
  const behind = new BatchCutter(BEGIN).push(Buffer.concat([batch, Buffer.alloc(64, 1)]));
  for (const [cut, at] of [
    [foreign, BEGIN],
    [middle, BEGIN + 7],
    [behind, BEGIN + batch.length],
  ] as const) {
    t.regex('fault' in cut ? cut.fault : '', new RegExp(`^at ${at} no batch begins: another program wrote there`));
  }
});

test('a length beyond that of any batch is no header', (t) => {
  const batch = batchOf(0, 10);
  batch.writeUInt32LE(0xffff_ffff, 40);
  t.true('fault' in new BatchCutter(0).push(batch));
});
