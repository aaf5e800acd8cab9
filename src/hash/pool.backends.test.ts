// The pool against one node:crypto Hash a file; pages taken and loaded; and batches that it must refuse whole.

import test from 'ava';
import fc from 'fast-check';

import { type FoldFailure, HashPool, PAGE_BYTES, PAGE_SLOTS, RECORD_HEADER_BYTES, SUM_BYTES } from './pool.ts';
import { encodeRecords, type FixtureRecord, fixtureFileId, mistyped, ReferencePool } from './record-fixture.ts';
import { Sha256 } from './sha256.ts';

const message = Buffer.from(Array.from({ length: 400 }, (_, index) => (index * 167 + (index >> 8) * 13 + 5) & 0xff));
const end = Buffer.alloc(0);

interface Snapshot {
  readonly openFiles: number;
  readonly pageCount: number;
  readonly dirtyPages: number;
  readonly states: readonly string[];
}

/** Everything that a caller can see of a pool. */
function snapshot(pool: HashPool, ids: readonly Buffer[]): Snapshot {
  const states = ids.map((id) => {
    const file = pool.lookup(id);
    return file === null ? '-' : `${file.lastSequence} ${file.state.toString('hex')}`;
  });
  return { openFiles: pool.openFiles(), pageCount: pool.pageCount(), dirtyPages: pool.dirtyPages(), states };
}

function takePages(pool: HashPool): Map<number, Buffer> {
  const numbers = new Uint32Array(pool.dirtyPages());
  const pages = Buffer.alloc(numbers.length * PAGE_BYTES, 0xee);
  const count = pool.takeDirtyPages(numbers, pages);
  return new Map(
    Array.from(numbers.subarray(0, count), (number, at) => [
      number,
      Buffer.from(pages.subarray(at * PAGE_BYTES, (at + 1) * PAGE_BYTES)),
    ]),
  );
}

const steps = fc.array(
  fc.record({ file: fc.nat(40), bytes: fc.oneof(fc.constant(0), fc.nat(130), fc.nat(3000)), cut: fc.boolean() }),
  { maxLength: 200 },
);

test('batches of any interleaving have the sums of node:crypto, in journal order', (t) => {
  fc.assert(
    fc.property(steps, (chunks) => {
      const pool = new HashPool();
      const reference = new ReferencePool();
      let batch: FixtureRecord[] = [];
      let expected: Buffer[] = [];
      const fold = (): void => {
        const sums = Buffer.alloc((expected.length + 1) * SUM_BYTES, 0xee);
        t.is(pool.fold(encodeRecords(batch), batch.length, 0, sums), expected.length);
        t.deepEqual(sums, Buffer.concat([...expected, Buffer.alloc(SUM_BYTES, 0xee)]));
        batch = [];
        expected = [];
      };
      for (const { file, bytes, cut } of chunks) {
        const { record, sum } = reference.next(fixtureFileId(1, file), Buffer.alloc(bytes, file + bytes));
        batch.push(record);
        if (sum !== null) expected.push(sum);
        if (cut) fold();
      }
      fold();
      t.is(pool.openFiles(), reference.files.size);
    }),
  );
});

test('a file split anywhere has the sum of node:crypto, in one batch or in several', (t) => {
  for (let length = 1; length <= 200; length += 1) {
    for (let split = 1; split < length; split += 1) {
      const reference = new ReferencePool();
      const id = fixtureFileId(2, length);
      const parts = [message.subarray(0, split), message.subarray(split, length), end];
      const made = parts.map((part) => reference.next(id, part));
      const records = made.map(({ record }) => record);
      const sum = made[2]?.sum;
      const pool = new HashPool();
      const sums = Buffer.alloc(SUM_BYTES);
      pool.fold(encodeRecords(records), 3, 0, sums);
      if (sum === undefined || sum === null || !sums.equals(sum)) t.fail(`length ${length}, split ${split}`);
      sums.fill(0);
      for (const record of records) pool.fold(encodeRecords([record]), 1, 0, sums);
      if (sum === undefined || sum === null || !sums.equals(sum))
        t.fail(`length ${length}, split ${split}, in batches`);
    }
  }
  t.pass();
});

test('skipped records are not folded', (t) => {
  const pool = new HashPool();
  const id = fixtureFileId(1, 1);
  const record = (sequence: number, text: string): FixtureRecord => ({ fileId: id, sequence, data: Buffer.from(text) });
  t.is(pool.fold(encodeRecords([record(1, 'a'), record(2, 'b')]), 2, 0, end), 0);
  t.is(pool.fold(encodeRecords([record(1, 'a'), record(2, 'b'), record(3, 'c')]), 3, 2, end), 0);
  t.is(pool.fold(encodeRecords([record(1, 'a')]), 1, 1, end), 0);
  t.deepEqual(pool.lookup(id), { lastSequence: 3, state: new Sha256().update('abc').serialize() });
});

test('an id that ended may start again, within a batch too', (t) => {
  const reference = new ReferencePool();
  const id = fixtureFileId(1, 1);
  const made = [Buffer.from('one'), end, end, Buffer.from('two'), end].map((data) => reference.next(id, data));
  const sums = Buffer.alloc(3 * SUM_BYTES);
  const pool = new HashPool();
  const payload = encodeRecords(made.map(({ record }) => record));
  t.is(pool.fold(payload, 5, 0, sums), 3);
  t.deepEqual(sums, Buffer.concat(made.flatMap(({ sum }) => (sum === null ? [] : [sum]))));
  t.is(pool.openFiles(), 0);
});

test('a refused batch changes nothing, whatever is wrong with it', (t) => {
  const ids = Array.from({ length: 50 }, (_, file) => fixtureFileId(3, file));
  const faults = fc.constantFrom('sequence', 'short', 'long', 'count', 'length', 'space');
  fc.assert(
    fc.property(steps, steps, faults, fc.nat(199), (before, batchSteps, fault, at) => {
      const pool = new HashPool();
      const reference = new ReferencePool();
      const make = (chunks: typeof before): FixtureRecord[] =>
        chunks.map(({ file, bytes }) => reference.next(fixtureFileId(3, file), Buffer.alloc(bytes, file)).record);
      const first = make(before);
      pool.fold(encodeRecords(first), first.length, 0, Buffer.alloc(first.length * SUM_BYTES));
      if (at % 2 === 0) takePages(pool);
      const good = [...make(batchSteps), reference.next(fixtureFileId(3, 49), end).record];
      const seen = snapshot(pool, ids);
      let count = good.length;
      let kind: FoldFailure['kind'] = 'malformed';
      let payload = encodeRecords(good);
      let space = good.length * SUM_BYTES;
      if (fault === 'sequence') {
        const broken = good.with(at % count, {
          ...(good[at % count] ?? mistyped<FixtureRecord>(null)),
          sequence: 7777,
        });
        payload = encodeRecords(broken);
        kind = 'sequence';
      } else if (fault === 'short') payload = payload.subarray(0, payload.length - 1 - (at % RECORD_HEADER_BYTES));
      else if (fault === 'long') payload = Buffer.concat([payload, Buffer.alloc(1 + at)]);
      else if (fault === 'count') count += at % 2 === 0 ? 1 : -1;
      else if (fault === 'length') payload.writeUInt32LE(0xffff_ffff - at, payload.length - RECORD_HEADER_BYTES);
      else {
        space = (good.filter(({ data }) => data.length === 0).length - 1) * SUM_BYTES;
        kind = 'space';
      }
      const sums = Buffer.alloc(space, 0xee);
      t.is(pool.fold(payload, count, 0, sums), -1);
      t.is(pool.failure().kind, kind);
      t.true(sums.every((byte) => byte === 0xee));
      t.deepEqual(snapshot(pool, ids), seen);
      // The pool goes on as if nothing had happened.
      t.true(pool.fold(encodeRecords(good), good.length, 0, Buffer.alloc(good.length * SUM_BYTES)) > 0);
      t.is(pool.openFiles(), reference.files.size);
    }),
    { numRuns: 300 },
  );
});

test('arbitrary bytes are folded or refused whole, and never crash', (t) => {
  const ids = [fixtureFileId(0, 0)];
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(10), fc.nat(10), (payload, count, skip) => {
      const pool = new HashPool();
      const seen = snapshot(pool, ids);
      if (skip > count) {
        t.throws(() => pool.fold(payload, count, skip, end), { code: 'ERR_OUT_OF_RANGE' });
      } else if (pool.fold(payload, count, skip, end) === -1) {
        t.deepEqual(snapshot(pool, ids), seen);
      }
    }),
  );
});

test('a failure names the record, its place, its file and what was expected', (t) => {
  const pool = new HashPool();
  const id = fixtureFileId(9, 9);
  const records = [
    { fileId: fixtureFileId(9, 8), sequence: 1, data: Buffer.alloc(10) },
    { fileId: id, sequence: 1, data: Buffer.alloc(10) },
    { fileId: id, sequence: 3, data: Buffer.alloc(10) },
  ];
  t.is(pool.fold(encodeRecords(records), 3, 0, end), -1);
  const place = { recordIndex: 2, byteOffset: 68, fileId: id };
  t.deepEqual(pool.failure(), { kind: 'sequence', expectedSequence: 2, actualSequence: 3, ...place });
  const ends = [{ fileId: id, sequence: 1, data: end }];
  t.is(pool.fold(encodeRecords(ends), 1, 0, Buffer.alloc(SUM_BYTES - 1)), -1);
  t.like(pool.failure(), { kind: 'space', needed: SUM_BYTES, recordIndex: 1 });
  t.throws(() => new HashPool().failure(), { message: /no batch was refused/ });
});

test('pages that were taken load into an equal pool, and only what changed is taken again', (t) => {
  const pool = new HashPool();
  const reference = new ReferencePool();
  const ids = Array.from({ length: 3 * PAGE_SLOTS }, (_, file) => fixtureFileId(4, file));
  const records = ids.map((id, at) => reference.next(id, message.subarray(0, 1 + at)).record);
  pool.fold(encodeRecords(records), records.length, 0, end);
  const stored = takePages(pool);
  t.is(stored.size, 3);
  t.is(pool.dirtyPages(), 0);
  // One file goes on in the middle page, and one ends in the last page.
  const [middle = end, last = end] = [ids[40], ids[80]];
  const later = [reference.next(middle, message).record, reference.next(last, end).record];
  pool.fold(encodeRecords(later), 2, 0, Buffer.alloc(SUM_BYTES));
  const changed = takePages(pool);
  t.deepEqual([...changed.keys()], [1, 2]);
  for (const [number, page] of changed) stored.set(number, page);
  const restored = new HashPool();
  for (const number of [2, 0, 1]) restored.loadPage(number, stored.get(number) ?? end);
  t.deepEqual(snapshot(restored, ids), snapshot(pool, ids));
  t.is(restored.openFiles(), ids.length - 1);
  const more = ids.filter((id) => id !== last).map((id) => reference.next(id, end));
  const sums = Buffer.alloc(more.length * SUM_BYTES);
  t.is(restored.fold(encodeRecords(more.map(({ record }) => record)), more.length, 0, sums), more.length);
  t.deepEqual(sums, Buffer.concat(more.map(({ sum }) => sum ?? end)));
  t.true([...takePages(restored).values()].every((page) => page.every((byte) => byte === 0)));
});

test('pages that cannot have been taken are refused, and change nothing', (t) => {
  const pool = new HashPool();
  const ids = [fixtureFileId(5, 0), fixtureFileId(5, 1)];
  const records = ids.map((fileId) => ({ fileId, sequence: 1, data: message.subarray(0, 70) }));
  pool.fold(encodeRecords(records), 2, 0, end);
  const page = takePages(pool).get(0) ?? end;
  const refused = (target: HashPool, number: number, bytes: Uint8Array): void => {
    const seen = snapshot(target, ids);
    t.throws(() => target.loadPage(number, bytes), { code: 'ERR_SHA256_PAGE' });
    t.deepEqual(snapshot(target, ids), seen);
  };
  const altered = (at: number, byte: number): Buffer => Buffer.from(page).fill(byte, at, at + 1);
  refused(pool, 0, page);
  refused(pool, 1, page);
  for (const length of [0, 1, PAGE_BYTES - 1]) refused(new HashPool(), 0, page.subarray(0, length));
  refused(new HashPool(), 0, Buffer.concat([page, end, Buffer.alloc(1)]));
  refused(new HashPool(), 2 ** 20, page);
  refused(new HashPool(), 2 ** 32 - 1, page);
  // The second slot: the first one's id, no sequence, another magic, a byte past the partial block.
  refused(new HashPool(), 0, Buffer.concat([page.subarray(0, 128), page.subarray(0, PAGE_BYTES - 128)]));
  refused(new HashPool(), 0, altered(128 + 16, 0));
  refused(new HashPool(), 0, altered(128 + 20, 0));
  refused(new HashPool(), 0, altered(128 + 119, 1));
  refused(new HashPool(), 0, altered(2 * 128, 1));
  // 70 bytes in one chunk: neither of 71 chunks, nor 2^32 - 24 bytes in one, which no payload holds.
  const counting = (sequence: number, bytes: number): Buffer => {
    const counted = Buffer.from(page);
    counted.writeUInt32LE(sequence, 128 + 16);
    counted.writeBigUInt64BE(BigInt(bytes), 128 + 120);
    return counted;
  };
  refused(new HashPool(), 0, counting(71, 70));
  refused(new HashPool(), 0, counting(2 ** 32 - 1, 70));
  // Multiples of 64, and lengths that leave 6 bytes in the block, as 70 does.
  refused(new HashPool(), 0, counting(1, 2 ** 32 + 6));
  refused(new HashPool(), 0, counting(3, 3 * 2 ** 32 - 58));
  refused(new HashPool(), 0, counting(1, 6));
  for (const [sequence, bytes] of [
    [70, 70],
    [1, 2 ** 32 - 58],
    [3, 3 * 2 ** 32 - 122],
  ] as const) {
    const loaded = new HashPool();
    loaded.loadPage(0, counting(sequence, bytes));
    t.is(loaded.lookup(ids[1] ?? end)?.lastSequence, sequence);
  }
});

test('dropping a producer frees its files only, and dirties their pages', (t) => {
  const pool = new HashPool();
  const ids = Array.from({ length: 2 * PAGE_SLOTS }, (_, at) => fixtureFileId(at < PAGE_SLOTS ? 6 : 7, at));
  const records = ids.map((fileId) => ({ fileId, sequence: 1, data: message }));
  pool.fold(encodeRecords(records), records.length, 0, end);
  takePages(pool);
  t.is(pool.dropProducer(fixtureFileId(6, 0).subarray(0, 8)), PAGE_SLOTS);
  t.is(pool.openFiles(), PAGE_SLOTS);
  t.deepEqual([...takePages(pool).keys()], [0]);
  t.is(pool.lookup(fixtureFileId(6, 0)), null);
  t.not(pool.lookup(fixtureFileId(7, PAGE_SLOTS)), null);
  pool.clear();
  t.is(pool.openFiles() + pool.pageCount() + pool.dirtyPages(), 0);
  t.is(pool.fold(encodeRecords(records), records.length, 0, end), 0);
});

test('odd arguments are errors with a code, and change nothing', (t) => {
  const pool = new HashPool();
  const sums = Buffer.alloc(SUM_BYTES);
  const bytes = { code: 'ERR_INVALID_ARG_TYPE' };
  for (const odd of [
    undefined,
    null,
    'text',
    [],
    new DataView(new ArrayBuffer(8)),
    new Uint8Array(new SharedArrayBuffer(64)),
  ]) {
    const argument = mistyped<Uint8Array>(odd);
    t.throws(() => pool.fold(argument, 0, 0, sums), bytes);
    t.throws(() => pool.fold(sums, 0, 0, argument), bytes);
    t.throws(() => pool.loadPage(0, argument), bytes);
    t.throws(() => pool.dropProducer(argument), bytes);
    t.throws(() => pool.lookup(argument), bytes);
    t.throws(() => pool.takeDirtyPages(new Uint32Array(1), argument), bytes);
    t.throws(() => pool.takeDirtyPages(mistyped<Uint32Array>(odd), sums), bytes);
  }
  for (const count of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 32]) {
    t.throws(() => pool.fold(end, count, 0, sums), { code: 'ERR_OUT_OF_RANGE' });
    t.throws(() => pool.fold(end, 1, count, sums), { code: 'ERR_OUT_OF_RANGE' });
    t.throws(() => pool.loadPage(count, Buffer.alloc(PAGE_BYTES)), { code: 'ERR_OUT_OF_RANGE' });
  }
  t.is(pool.fold(end, 2 ** 32 - 1, 0, sums), -1);
  t.throws(() => pool.fold(sums, 1, 0, sums.subarray(10)), { code: 'ERR_BUFFERS_OVERLAP' });
  t.throws(() => pool.dropProducer(Buffer.alloc(7)), { code: 'ERR_OUT_OF_RANGE' });
  t.is(pool.lookup(Buffer.alloc(15)), null);
  const detached = new Uint8Array(64);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  t.is(pool.fold(detached, 0, 0, detached), 0);
  t.is(pool.fold(detached, 1, 0, sums), -1);
  const record = encodeRecords([{ fileId: fixtureFileId(8, 8), sequence: 1, data: message }]);
  const shrunk = new ArrayBuffer(record.length);
  t.is(pool.fold(new Uint8Array(shrunk, 0, 10), 1, 0, sums), -1);
  pool.fold(record, 1, 0, sums);
  t.throws(() => pool.takeDirtyPages(new Uint32Array(0), Buffer.alloc(PAGE_BYTES)), { code: 'ERR_OUT_OF_RANGE' });
  t.throws(() => pool.takeDirtyPages(new Uint32Array(1), Buffer.alloc(PAGE_BYTES - 1)), { code: 'ERR_OUT_OF_RANGE' });
  t.is(pool.dirtyPages(), 1);
});

test('a view whose memory was shrunk below it is empty, and no crash', (t) => {
  // Resizable buffers are newer than the type library.
  const memory = mistyped<ArrayBuffer>(Reflect.construct(ArrayBuffer, [4096, { maxByteLength: 8192 }]));
  const resize = mistyped<(this: ArrayBuffer, bytes: number) => void>(Reflect.get(memory, 'resize'));
  const [whole, fixed] = [new Uint8Array(memory), new Uint8Array(memory, 2048, 1024)];
  const record = encodeRecords([{ fileId: fixtureFileId(9, 1), sequence: 1, data: message }]);
  whole.set(record);
  const pool = new HashPool();
  t.is(pool.fold(whole.subarray(0, record.length), 1, 0, fixed), 0);
  resize.call(memory, 100);
  t.is(pool.fold(whole, 1, 0, end), -1);
  t.is(pool.fold(fixed, 1, 0, end), -1);
  t.is(pool.fold(end, 0, 0, fixed), 0);
  t.throws(() => pool.takeDirtyPages(new Uint32Array(1), fixed), { code: 'ERR_OUT_OF_RANGE' });
  t.throws(() => pool.loadPage(5, fixed), { code: 'ERR_SHA256_PAGE' });
  resize.call(memory, 8192);
  t.is(pool.fold(whole, 1, 0, end), -1);
  t.is(new Sha256().update(fixed).byteCount, 1024);
  t.is(pool.openFiles(), 1);
});
