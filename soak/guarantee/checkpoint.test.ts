import { createHash } from 'node:crypto';
import test from 'ava';
import { OperatingError } from '../../src/core/errors.ts';
import type { Chunk } from '../../src/message/chunk.ts';
import { keyOf, numberRange } from '../../src/store/row.ts';
import { WriteBatch } from '../../src/store/store.ts';
import { MemoryStore } from '../../src/store/testing/memory-store.ts';
import { Shard } from '../../src/summer/shard.ts';
import { ChunkJournal, OTHER_PRODUCER, PRODUCER, SHARD, fileOf } from '../../src/summer/testing/chunk-journal.ts';
import type { OpenFileState } from './history.ts';
import { readCheckpoint } from './checkpoint.ts';

type Committed = {
  readonly store: MemoryStore;
  readonly head: number;
  readonly nextIndexes: Record<string, number>;
  readonly openFiles: Record<string, OpenFileState>;
};

/** A shard that has committed one whole file, and everything except the end of files of two producers. */
async function committed(): Promise<Committed> {
  const store = new MemoryStore();
  const journal = new ChunkJournal();
  const shard = new Shard(SHARD, store);
  const nextIndexes: Record<string, number> = {};
  const openFiles: Record<string, OpenFileState> = {};
  const fold = (producer: string, chunks: readonly Chunk[]): void => {
    shard.fold(journal.append(chunks, { producer }));
    nextIndexes[producer] = (nextIndexes[producer] ?? 0) + chunks.length;
  };
  fold(PRODUCER, fileOf(0));
  for (const producer of [PRODUCER, OTHER_PRODUCER]) {
    for (let file = 1; file < 8; file += 1) {
      const chunks = fileOf(file, producer).slice(0, -1);
      const [first] = chunks;
      if (first === undefined) continue;
      fold(producer, chunks);
      openFiles[first.fileId] = stateOf(chunks);
    }
  }
  const batch = new WriteBatch();
  shard.write(batch);
  await store.commit(batch.writes);
  shard.committed();
  return { store, head: journal.head, nextIndexes, openFiles };
}

function stateOf(chunks: readonly Chunk[]): OpenFileState {
  const data = Buffer.concat(chunks.map((chunk) => chunk.data));
  const digest = createHash('sha256').update(data).digest('hex');
  return { lastSequence: chunks.length, bytes: data.length, digest };
}

test('a checkpoint is what the shard has committed, with the digest of each open file by node:crypto', async (t) => {
  const { store, head, nextIndexes, openFiles } = await committed();
  const checkpoint = readCheckpoint(store, SHARD);
  t.is(checkpoint?.offset, head);
  t.is(checkpoint?.nextSum, 1);
  t.deepEqual(
    checkpoint?.outbox.map(({ first, sums }) => [first, sums.length]),
    [[0, 64]],
  );
  t.deepEqual(checkpoint?.nextIndexes, nextIndexes);
  t.true(Object.keys(openFiles).length > 5);
  t.deepEqual(checkpoint?.openFiles, openFiles);
});

test('a store that has nothing of the shard has no checkpoint, and damaged rows are errors', async (t) => {
  const { store } = await committed();
  t.is(readCheckpoint(store, SHARD + 1), null);
  for (const { key, value } of store.range('states', numberRange(SHARD))) {
    value.writeUInt8(value.readUInt8(40) ^ 1, 40);
    store.overwrite('states', key, value);
  }
  t.throws(() => readCheckpoint(store, SHARD), { instanceOf: OperatingError, message: /does not verify/ });
  store.overwrite('checkpoints', keyOf(SHARD), Buffer.from('damaged'));
  t.throws(() => readCheckpoint(store, SHARD), { instanceOf: OperatingError });
});
