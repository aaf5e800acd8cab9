import test from 'ava';
import { ViolationError } from '../../src/core/errors.ts';
import { HashPool, SUM_BYTES } from '../../src/hash/pool.ts';
import { CHUNK_HEADER_BYTES, decodeChunks } from '../../src/message/chunk.ts';
import { GeneratedBatches } from '../workload/generated-batches.ts';
import { checkFolded, type FoldedBatches } from './folded-batches.ts';

/** `filesOpen` files of 100 chunks. Of 3 files some end within 8 KiB of small chunks, of 100 files none does. */
function folded(filesOpen: number, spoil: (payload: Buffer) => void = () => undefined): FoldedBatches {
  const source = new GeneratedBatches({ seed: 3, chunkBytes: 32, batchBytes: 8192, filesOpen });
  const payloads = [source.nextBatch(), source.nextBatch(), source.nextBatch()].map(({ payload }) => payload);
  const pool = new HashPool();
  const sums = payloads.map((payload) => {
    const [taken, room] = [Buffer.from(payload), Buffer.alloc(64 * SUM_BYTES)];
    spoil(taken);
    return room.subarray(0, pool.fold(taken, decodeChunks(payload)?.length ?? 0, 0, room) * SUM_BYTES);
  });
  return { payloads, workload: source.workload, pool, sums: Buffer.concat(sums) };
}

function flipFirstByte(payload: Buffer): void {
  payload.writeUInt8(payload.readUInt8(CHUNK_HEADER_BYTES) ^ 1, CHUNK_HEADER_BYTES);
}

test('right sums and states pass, with and without files that end', (t) => {
  const some = folded(3);
  t.true(some.sums.length >= 2 * SUM_BYTES);
  t.notThrows(() => checkFolded(some));
  const none = folded(100);
  t.is(none.sums.length, 0);
  t.notThrows(() => checkFolded(none));
});

test('where no file ends, a wrong state is found', (t) => {
  t.throws(() => checkFolded(folded(100, flipFirstByte)), { instanceOf: ViolationError, message: /wrong state of/ });
});

test('a sum that is missing, one too many, a wrong one and no sum at all are found', (t) => {
  const right = folded(3);
  const other = Buffer.from(right.sums);
  other.writeUInt8(other.readUInt8(SUM_BYTES - 1) ^ 1, SUM_BYTES - 1);
  for (const [sums, message] of [
    [right.sums.subarray(SUM_BYTES), /no sum of/],
    [right.sums.subarray(0, -SUM_BYTES), /no sum of/],
    [Buffer.concat([right.sums, right.sums.subarray(0, SUM_BYTES)]), /which has not ended/],
    [other, /wrong sum of/],
    [right.sums.subarray(1), /not a row of sums/],
  ] as const) {
    t.throws(() => checkFolded({ ...right, sums }), { instanceOf: ViolationError, message });
  }
});

test('a file that the pool has lost is found', (t) => {
  const { pool, ...rest } = folded(100);
  const empty = new HashPool();
  t.throws(() => checkFolded({ ...rest, pool: empty }), { instanceOf: ViolationError, message: /the pool has 0/ });
  const forgetful = { openFiles: () => pool.openFiles(), lookup: () => null };
  t.throws(() => checkFolded({ ...rest, pool: forgetful }), { instanceOf: ViolationError, message: /is not open/ });
});
