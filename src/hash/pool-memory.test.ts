/** Memory that pools hold, and give back. `pool-memory.deep.test.ts` makes so many of them that it would run out. */

import test from 'ava';
import { HashPool, PAGE_BYTES } from './pool.ts';
import { encodeRecords, fixtureFileId, mistyped } from './record-fixture.ts';
import { SlotPool } from './slot-pool.ts';

const MIB = 2 ** 20;
const NO_SUMS = new Uint8Array(0);

/** A batch that opens `files` files with a byte each. */
function opening(files: number): Buffer {
  const data = Buffer.from('x');
  return encodeRecords(
    Array.from({ length: files }, (_, file) => ({ fileId: fixtureFileId(1, file), sequence: 1, data })),
  );
}

test('what a pool holds follows its files, and what a refused batch or clear leaves is given back', (t) => {
  const files = 100_000;
  const records = opening(files);
  const pool = new HashPool();
  const empty = pool.memoryBytes();
  pool.fold(records, files, 0, NO_SUMS);
  t.true(pool.memoryBytes() > 12 * MIB && pool.memoryBytes() < 32 * MIB, `${pool.memoryBytes()} bytes`);
  pool.clear();
  t.is(pool.memoryBytes(), empty);
  const refused = Buffer.concat([records, records.subarray(0, 10)]);
  t.is(pool.fold(refused, files + 1, 0, NO_SUMS), -1);
  // The notes about 65,536 records stay allocated for the next batch.
  t.true(pool.memoryBytes() < empty + 4 * MIB, `${pool.memoryBytes()} bytes`);
  const streams = new SlotPool();
  const slots = Uint32Array.from({ length: files }, () => streams.open());
  t.true(streams.memoryBytes() > 12 * MIB);
  streams.finish(slots, Buffer.alloc(slots.length * 32));
  t.true(streams.memoryBytes() < MIB, `${streams.memoryBytes()} bytes`);
});

test('a page that is far away takes as much as its files', (t) => {
  const pool = new HashPool();
  pool.fold(opening(1), 1, 0, NO_SUMS);
  const page = Buffer.alloc(PAGE_BYTES);
  pool.takeDirtyPages(new Uint32Array(1), page);
  const restored = new HashPool();
  const empty = restored.memoryBytes();
  restored.loadPage(2 ** 20 - 2, Buffer.alloc(PAGE_BYTES));
  t.is(restored.memoryBytes(), empty);
  restored.loadPage(2 ** 20 - 1, page);
  t.true(restored.memoryBytes() < empty + 4 * MIB, `${restored.memoryBytes()} bytes`);
  t.is(restored.pageCount(), 2 ** 20);
  t.is(restored.openFiles(), 1);
});

test('a closed pool throws, and closing again does not', (t) => {
  const closed = { code: 'ERR_POOL_CLOSED' };
  const pool = new HashPool();
  pool.fold(opening(3), 3, 0, NO_SUMS);
  pool.close();
  pool.close();
  t.throws(() => pool.fold(opening(3), 3, 0, NO_SUMS), closed);
  t.throws(() => pool.failure(), closed);
  t.throws(() => pool.openFiles(), closed);
  t.throws(() => pool.pageCount(), closed);
  t.throws(() => pool.memoryBytes(), closed);
  t.throws(() => pool.dirtyPages(), closed);
  t.throws(() => pool.takeDirtyPages(new Uint32Array(1), Buffer.alloc(4096)), closed);
  t.throws(() => pool.loadPage(0, Buffer.alloc(3968)), closed);
  t.throws(() => pool.dropProducer(Buffer.alloc(8)), closed);
  t.throws(() => pool.lookup(Buffer.alloc(16)), closed);
  t.throws(() => pool.clear(), closed);
  const streams = new SlotPool();
  const slot = Uint32Array.of(streams.open());
  streams[Symbol.dispose]();
  streams[Symbol.dispose]();
  t.throws(() => streams.open(), closed);
  t.throws(() => streams.openState(Buffer.alloc(108)), closed);
  t.throws(() => streams.openStreams(), closed);
  t.throws(() => streams.fold(slot, slot, NO_SUMS), closed);
  t.throws(() => streams.finish(slot, Buffer.alloc(32)), closed);
  t.throws(() => streams.save(slot, Buffer.alloc(108)), closed);
});

test('structuredClone and JSON refuse a pool instead of losing its files', (t) => {
  const refusal = { instanceOf: TypeError, code: 'ERR_UNCLONEABLE' };
  for (const pool of [new HashPool(), new SlotPool()]) {
    t.throws(() => structuredClone(mistyped<object>(pool)), refusal);
    t.throws(() => JSON.stringify({ pool }), refusal);
  }
});
