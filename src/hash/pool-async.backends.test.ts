// Asynchronous folds: the order of the calls, the copy, and what is refused meanwhile.

import test from 'ava';

import { HashPool, SUM_BYTES } from './pool.ts';
import { encodeRecords, fixtureFileId, ReferencePool } from './record-fixture.ts';

test('concurrent asynchronous folds of one pool run in the order of the calls', async (t) => {
  const pool = new HashPool();
  const reference = new ReferencePool();
  const expected: Buffer[] = [];
  const outcomes = Array.from({ length: 40 }, (_, batch) => {
    const made = Array.from({ length: 100 }, (__, at) => {
      const data = batch === 39 ? Buffer.alloc(0) : Buffer.alloc(3000, at + batch);
      return reference.next(fixtureFileId(1, at), data);
    });
    expected.push(...made.flatMap(({ sum }) => (sum === null ? [] : [sum])));
    const payload = Uint8Array.from(encodeRecords(made.map(({ record }) => record)));
    const outcome = pool.foldAsync(payload, 100, 0);
    // The batch was copied: what becomes of it now does not matter.
    payload.fill(0xff);
    structuredClone(payload.buffer, { transfer: [payload.buffer] });
    return outcome;
  });
  t.throws(() => pool.fold(Buffer.alloc(0), 0, 0, Buffer.alloc(0)), { code: 'ERR_POOL_BUSY' });
  t.throws(() => pool.takeDirtyPages(new Uint32Array(9), Buffer.alloc(0)), { code: 'ERR_POOL_BUSY' });
  t.throws(() => pool.openFiles(), { code: 'ERR_POOL_BUSY' });
  const sums = (await Promise.all(outcomes)).map((outcome) => (outcome.kind === 'folded' ? outcome.sums : null));
  t.true(sums.slice(0, 39).every((sum) => sum?.length === 0));
  t.deepEqual(sums[39], Buffer.concat(expected));
  t.is(sums[39]?.length, expected.length * SUM_BYTES);
  t.is(pool.openFiles(), 0);
});

test('a refused batch resolves to its failure, and later ones go on', async (t) => {
  const pool = new HashPool();
  const id = fixtureFileId(1, 1);
  const batch = (sequence: number): Buffer => encodeRecords([{ fileId: id, sequence, data: Buffer.from('abc') }]);
  const outcomes = await Promise.all([1, 3, 2].map((sequence) => pool.foldAsync(batch(sequence), 1, 0)));
  t.deepEqual(
    outcomes.map(({ kind }) => kind),
    ['folded', 'sequence', 'folded'],
  );
  t.like(outcomes[1], { expectedSequence: 2, actualSequence: 3 });
  await t.throwsAsync(() => pool.foldAsync(batch(3), 1, 2), { code: 'ERR_OUT_OF_RANGE' });
  await t.throwsAsync(() => pool.foldAsync(new Uint8Array(new SharedArrayBuffer(8)), 1, 0), {
    code: 'ERR_INVALID_ARG_TYPE',
  });
  t.is(pool.lookup(id)?.lastSequence, 2);
});
