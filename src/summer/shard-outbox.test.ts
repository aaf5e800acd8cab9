import test from 'ava';
import { BATCH_BYTES_MAX } from '../message/batch.ts';
import { CHUNK_HEADER_BYTES, type Chunk, fileIdOf } from '../message/chunk.ts';
import { numberRange } from '../store/row.ts';
import { WriteBatch } from '../store/store.ts';
import { MemoryStore } from '../store/testing/memory-store.ts';
import { BATCH_FILES_MAX, OUTBOX_SUMS_MAX, Shard } from './shard.ts';
import { ChunkJournal, PRODUCER, SHARD, fileOf, sumOf } from './testing/chunk-journal.ts';
import { commit, sumsOf } from './testing/shard-commits.ts';

test('finished sums are handed out only by the commit that made them durable', async (t) => {
  const store = new MemoryStore();
  const shard = new Shard(SHARD, store);
  const journal = new ChunkJournal();
  shard.fold(journal.append(fileOf(0)));
  t.deepEqual([...shard.outbox], []);
  const batch = new WriteBatch();
  shard.write(batch);
  // Folded while the commit is under way, so it belongs to the next commit.
  shard.fold(journal.append(fileOf(1)));
  t.deepEqual([...shard.outbox], []);
  t.is(shard.durableOffset, 0);
  await store.commit(batch.writes);
  t.deepEqual(sumsOf(shard.committed()), [sumOf(0)]);
  t.is(shard.durableOffset, journal.batches[0]?.end ?? -1);
  t.true(shard.isDirty);
  const second = await commit(shard, store);
  t.is(second?.first, 1);
  t.deepEqual(sumsOf(second), [sumOf(1)]);
  t.is(await commit(shard, store), null);
});

test('transactions follow each other, and none is durable that was not written', async (t) => {
  const store = new MemoryStore();
  const shard = new Shard(SHARD, store);
  shard.fold(new ChunkJournal().append(fileOf(0)));
  t.throws(() => shard.committed(), { name: 'InvariantError' });
  const batch = new WriteBatch();
  shard.write(batch);
  t.throws(() => shard.write(new WriteBatch()), { name: 'InvariantError' });
  await store.commit(batch.writes);
  t.not(shard.committed(), null);
});

function spans(shard: Shard): [number, number][] {
  return shard.outbox.map(({ first, count }) => [first, count]);
}

test('the outbox forgets what is acknowledged, entry by entry, and keeps the rest over a restart', async (t) => {
  let store = new MemoryStore();
  let shard = new Shard(SHARD, store);
  const journal = new ChunkJournal();
  for (const files of [[0, 1, 2], [3], [4, 5]]) {
    for (const file of files) shard.fold(journal.append(fileOf(file)));
    await commit(shard, store);
  }
  const all = [
    [0, 3],
    [3, 1],
    [4, 2],
  ] as [number, number][];
  t.deepEqual(spans(shard), all);
  t.is(shard.acknowledged(2), 0);
  t.is(shard.acknowledged(3), 3);
  t.is(shard.acknowledged(5), 1);
  t.deepEqual(spans(shard), [[4, 2]]);
  t.true(shard.hasUnwritten);
  t.false(shard.isDirty);
  // Not yet cleared on disk: a restart publishes it again, under the same indexes.
  store = store.crash('lost');
  shard = new Shard(SHARD, store);
  t.deepEqual(spans(shard), all);
  t.is(shard.acknowledged(4), 4);
  await commit(shard, store);
  t.false(shard.hasUnwritten);
  const loaded = new Shard(SHARD, store);
  t.deepEqual(spans(loaded), [[4, 2]]);
  t.deepEqual(sumsOf(loaded.outbox[0] ?? null), [sumOf(4), sumOf(5)]);
  t.is(loaded.nextSum, 6);
});

function emptyFiles(from: number, count: number): Chunk[] {
  return Array.from({ length: count }, (_, at) => ({
    fileId: fileIdOf(PRODUCER, from + at),
    sequence: 1,
    data: new Uint8Array(0),
  }));
}

test('at its bound the outbox has no room, below it again', async (t) => {
  const store = new MemoryStore();
  const shard = new Shard(SHARD, store);
  const journal = new ChunkJournal();
  shard.fold(journal.append(emptyFiles(0, OUTBOX_SUMS_MAX - 1)));
  t.true(shard.hasRoom);
  await commit(shard, store);
  t.true(shard.hasRoom);
  shard.fold(journal.append(emptyFiles(OUTBOX_SUMS_MAX - 1, 1)));
  t.false(shard.hasRoom);
  await commit(shard, store);
  t.false(shard.hasRoom);
  t.false(new Shard(SHARD, store).hasRoom);
  shard.acknowledged(OUTBOX_SUMS_MAX - 1);
  t.true(shard.hasRoom);
});

test('from half of its bound on acknowledgements start a transaction, below it they wait for the next', async (t) => {
  const store = new MemoryStore();
  const shard = new Shard(SHARD, store);
  const journal = new ChunkJournal();
  shard.fold(journal.append(emptyFiles(0, 10)));
  await commit(shard, store);
  shard.fold(journal.append(emptyFiles(10, 10)));
  await commit(shard, store);
  shard.fold(journal.append(emptyFiles(20, OUTBOX_SUMS_MAX / 2)));
  await commit(shard, store);
  t.false(shard.isDirty);
  shard.acknowledged(20);
  t.true(shard.isDirty);
  await commit(shard, store);
  t.false(shard.isDirty);
  t.is(store.keys('outbox', numberRange(SHARD)).length, 1);
  shard.acknowledged(20 + OUTBOX_SUMS_MAX / 2);
  t.false(shard.isDirty);
  t.true(shard.hasUnwritten);
});

test('the outbox holds no more than its bound and what one more batch can finish', async (t) => {
  const store = new MemoryStore();
  const shard = new Shard(SHARD, store);
  const journal = new ChunkJournal();
  shard.fold(journal.append(emptyFiles(0, OUTBOX_SUMS_MAX - 1)));
  t.true(shard.hasRoom);
  const largest = journal.append(emptyFiles(OUTBOX_SUMS_MAX - 1, BATCH_FILES_MAX));
  t.true(largest.bytes.length <= BATCH_BYTES_MAX && largest.bytes.length + CHUNK_HEADER_BYTES > BATCH_BYTES_MAX);
  shard.fold(largest);
  t.false(shard.hasRoom);
  const entry = await commit(shard, store);
  t.is(entry?.count, OUTBOX_SUMS_MAX - 1 + BATCH_FILES_MAX);
  // After a restart everything is there again, and leaves when it is acknowledged.
  const loaded = new Shard(SHARD, store.crash('lost'));
  t.false(loaded.hasRoom);
  t.is(loaded.acknowledged(loaded.nextSum), OUTBOX_SUMS_MAX - 1 + BATCH_FILES_MAX);
  t.true(loaded.hasRoom);
});
