import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { OperatingError, ViolationError, type ViolationKind, type ViolationWitness } from '../core/errors.ts';
import { crc32c } from '../hash/crc32c.ts';
import { PAGE_SLOTS } from '../hash/pool.ts';
import type { StoredBatch } from '../journal/journals.ts';
import { encodeBatch } from '../message/batch.ts';
import { type Chunk, encodeChunk, fileIdOf } from '../message/chunk.ts';
import { type Sum, decodeSums } from '../message/sum.ts';
import { keyOf, numberRange } from '../store/row.ts';
import { WriteBatch } from '../store/store.ts';
import { HeldCommits, MemoryStore } from '../store/testing/memory-store.ts';
import { SUMMER_TABLES, copyShard } from './rows.ts';
import { OUTBOX_SUMS_MAX, type OutboxEntry, Shard } from './shard.ts';
import {
  ChunkJournal,
  JOURNAL,
  OTHER_PRODUCER,
  PRODUCER,
  SHARD,
  fileOf,
  interleave,
  sumOf,
} from './testing/chunk-journal.ts';

async function commit(shard: Shard, store: MemoryStore): Promise<OutboxEntry | null> {
  const batch = new WriteBatch();
  shard.write(batch);
  await store.commit(batch.writes);
  return shard.committed();
}

function sumsOf(entry: OutboxEntry | null): Sum[] {
  return entry === null ? [] : (decodeSums(entry.sums) ?? []);
}

/** Sums by index, as the outboxes gave them; the same index twice must be the same sum. */
class Collected {
  readonly sums: Sum[] = [];

  add(t: ExecutionContext, entry: OutboxEntry | null): void {
    for (const [at, sum] of sumsOf(entry).entries()) {
      const index = (entry?.first ?? 0) + at;
      t.true(index <= this.sums.length, 'indexes are dense');
      if (index < this.sums.length) t.deepEqual(sum, this.sums[index]);
      else this.sums.push(sum);
    }
  }
}

function cut(chunks: readonly Chunk[], sizes: readonly number[]): Chunk[][] {
  const batches: Chunk[][] = [];
  for (let at = 0; at < chunks.length; ) {
    const size = sizes[batches.length % sizes.length] ?? 1;
    batches.push(chunks.slice(at, at + size));
    at += size;
  }
  return batches;
}

function violates(
  t: ExecutionContext,
  shard: Shard,
  stored: StoredBatch,
  kind: ViolationKind,
  witness: ViolationWitness,
): void {
  const error = t.throws(() => shard.fold(stored), { instanceOf: ViolationError });
  t.is(error?.kind, kind);
  t.deepEqual(error?.witness, { journal: JOURNAL, offset: stored.begin, ...witness });
}

const anyInterleave = fc.record({
  count: fc.integer({ min: 1, max: 12 }),
  open: fc.integer({ min: 1, max: 40 }),
  choices: fc.infiniteStream(fc.nat(1_000)),
  sizes: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 }),
});

test('the sums are those of node:crypto in the order of the journal, however the records are cut into batches', async (t) => {
  await fc.assert(
    fc.asyncProperty(anyInterleave, fc.infiniteStream(fc.boolean()), async (interleaving, commits) => {
      const { chunks, sums } = interleave(interleaving, () => interleaving.choices.next().value);
      const journal = new ChunkJournal();
      const store = new MemoryStore();
      const shard = new Shard(SHARD, store);
      const collected = new Collected();
      for (const records of cut(chunks, interleaving.sizes)) {
        shard.fold(journal.append(records));
        if (commits.next().value === true) collected.add(t, await commit(shard, store));
      }
      collected.add(t, await commit(shard, store));
      t.deepEqual(collected.sums, sums);
      t.is(shard.filesOpen, 0);
      t.is(shard.offset, journal.head);
      t.is(shard.durableOffset, journal.head);
      t.is(shard.nextSum, sums.length);
      t.is(shard.counts.chunksFolded, chunks.filter(({ data }) => data.length > 0).length);
    }),
    { numRuns: 60 },
  );
});

test('a shard that is loaded at any batch boundary gives the same sums under the same indexes', async (t) => {
  const anyEvent = fc.constantFrom('commit', 'commit', 'fold', 'crash-lost', 'crash-durable');
  await fc.assert(
    fc.asyncProperty(anyInterleave, fc.infiniteStream(anyEvent), async (interleaving, events) => {
      const { chunks, sums } = interleave(interleaving, () => interleaving.choices.next().value);
      const journal = new ChunkJournal();
      for (const records of cut(chunks, interleaving.sizes)) journal.append(records);
      let store = new MemoryStore();
      let shard = new Shard(SHARD, store);
      const collected = new Collected();
      const crash = (fate: 'lost' | 'durable'): void => {
        store = store.crash(fate);
        shard = new Shard(SHARD, store);
        for (const entry of shard.outbox) collected.add(t, entry);
      };
      let crashes = 0;
      for (let at = 0; at < journal.batches.length; ) {
        const next = journal.batches[at];
        if (next !== undefined) shard.fold(next);
        const event = crashes < 20 ? events.next().value : 'commit';
        if (event === 'commit') collected.add(t, await commit(shard, store));
        else if (event !== 'fold') {
          crashes += 1;
          const batch = new WriteBatch();
          shard.write(batch);
          store.gate = new HeldCommits().gate;
          void store.commit(batch.writes);
          crash(event === 'crash-lost' ? 'lost' : 'durable');
        }
        // A reader begins where the shard is, which is a batch boundary.
        at = journal.batches.findIndex(({ begin }) => begin === shard.offset);
        if (at < 0) t.is(shard.offset, journal.head);
        if (at < 0) break;
      }
      collected.add(t, await commit(shard, store));
      t.deepEqual(collected.sums, sums);
    }),
    { numRuns: 60 },
  );
});

test('loaded at every boundary of one journal, with many pages of open files, all sums are right', async (t) => {
  let choice = 0;
  const { chunks, sums } = interleave({ count: 120, open: 100 }, () => (choice += 7_919));
  const journal = new ChunkJournal();
  for (const records of cut(chunks, [40])) journal.append(records);
  let store = new MemoryStore();
  const collected = new Collected();
  for (const stored of journal.batches) {
    const shard = new Shard(SHARD, store);
    t.is(shard.offset, stored.begin);
    shard.fold(stored);
    collected.add(t, await commit(shard, store));
    t.is(new Shard(SHARD, store).filesOpen, shard.filesOpen);
    store = store.crash('lost');
  }
  t.deepEqual(collected.sums, sums);
});

test('records that were folded already are left out, wholly or in part', async (t) => {
  const store = new MemoryStore();
  const shard = new Shard(SHARD, store);
  const journal = new ChunkJournal();
  const [first, second] = [fileOf(2), fileOf(3)];
  const all = [...first, ...second];
  shard.fold(journal.append(all.slice(0, 4), { firstIndex: 0 }));
  shard.fold(journal.append(all.slice(1, 3), { firstIndex: 1 }));
  shard.fold(journal.append(all.slice(0, 4), { firstIndex: 0 }));
  t.is(shard.offset, journal.head);
  shard.fold(journal.append(all.slice(2), { firstIndex: 2 }));
  t.deepEqual(sumsOf(await commit(shard, store)), [sumOf(2), sumOf(3)]);
  t.is(shard.counts.chunksFolded, all.length - 2);
});

test('each producer has indexes and files of its own', async (t) => {
  const store = new MemoryStore();
  const shard = new Shard(SHARD, store);
  const journal = new ChunkJournal();
  const own = fileOf(2);
  const other = fileOf(2, OTHER_PRODUCER);
  for (let at = 0; at < own.length; at += 1) {
    shard.fold(journal.append(own.slice(at, at + 1)));
    shard.fold(journal.append(other.slice(at, at + 1), { producer: OTHER_PRODUCER }));
  }
  t.deepEqual(sumsOf(await commit(shard, store)), [sumOf(2), sumOf(2, OTHER_PRODUCER)]);
});

test('a batch beyond the next offset is a gap, one before it a duplicate', (t) => {
  const shard = new Shard(SHARD, new MemoryStore());
  const journal = new ChunkJournal();
  const [first, second] = [journal.append(fileOf(0)), journal.append(fileOf(1))];
  violates(t, shard, second, 'gap', {});
  shard.fold(first);
  violates(t, shard, first, 'duplicate', {});
  shard.fold(second);
  t.is(shard.offset, journal.head);
});

test('records that are missing are a gap at the first of them', (t) => {
  const shard = new Shard(SHARD, new MemoryStore());
  const journal = new ChunkJournal();
  const file = fileOf(0);
  shard.fold(journal.append(file.slice(0, 1)));
  violates(t, shard, journal.append(file.slice(1), { firstIndex: 2 }), 'gap', { index: 1 });
  const fresh = new Shard(SHARD, new MemoryStore());
  violates(t, fresh, new ChunkJournal().append(fileOf(1), { firstIndex: 5 }), 'gap', { index: 0 });
});

test('a chunk that is missing in its file is a gap, one that came before is out of order, and both name the file', (t) => {
  const file = fileIdOf(PRODUCER, 7);
  const chunkOf = (sequence: number): Chunk => ({ fileId: file, sequence, data: Buffer.alloc(70, sequence) });
  const cases: [number[], ViolationKind][] = [
    [[1, 3], 'gap'],
    [[1, 1], 'out-of-order'],
    [[1, 2, 1], 'out-of-order'],
  ];
  for (const [sequences, kind] of cases) {
    const shard = new Shard(SHARD, new MemoryStore());
    const journal = new ChunkJournal();
    shard.fold(journal.append(fileOf(0)));
    const stored = journal.append([...fileOf(1), ...sequences.map(chunkOf)]);
    violates(t, shard, stored, kind, { file, index: fileOf(0).length + fileOf(1).length + sequences.length - 1 });
    // Nothing of the batch is kept.
    t.is(shard.offset, stored.begin);
    t.is(shard.filesOpen, 0);
  }
});

test('a file that begins in the middle is a gap', (t) => {
  const shard = new Shard(SHARD, new MemoryStore());
  const chunk = { fileId: fileIdOf(PRODUCER, 7), sequence: 2, data: Buffer.alloc(3) };
  violates(t, shard, new ChunkJournal().append([chunk]), 'gap', { file: fileIdOf(PRODUCER, 7), index: 0 });
});

test('a batch that does not verify, or is of another kind or journal, is corrupt', (t) => {
  const payload = encodeChunk(fileOf(2)[0] ?? { fileId: '', sequence: 1, data: Buffer.alloc(1) });
  const header = { kind: 'chunks', producer: PRODUCER, firstIndex: 0, count: 1, epoch: 0 } as const;
  const right = encodeBatch(header, payload, JOURNAL, crc32c);
  const flipped = Buffer.from(right);
  flipped[55] = (flipped[55] ?? 0) ^ 1;
  const bad = [
    flipped,
    right.subarray(0, right.length - 1),
    encodeBatch(header, payload, 'chunks/part-004', crc32c),
    encodeBatch({ ...header, kind: 'sums' }, payload, JOURNAL, crc32c),
  ];
  for (const bytes of bad) {
    const shard = new Shard(SHARD, new MemoryStore());
    violates(t, shard, new ChunkJournal().store(bytes), 'corrupt', {});
    t.is(shard.offset, 0);
    t.false(shard.isDirty);
  }
  const shard = new Shard(SHARD, new MemoryStore());
  shard.fold(new ChunkJournal().store(right));
  t.is(shard.filesOpen, 1);
});

test('records that do not add up to their batch are corrupt, and the witness names where', (t) => {
  const chunks = fileOf(2);
  const payload = Buffer.concat(chunks.map(encodeChunk));
  const long = Buffer.from(payload);
  long.writeUInt32LE(1_000_000, 0);
  const header = { kind: 'chunks', producer: PRODUCER, firstIndex: 0, count: chunks.length, epoch: 0 } as const;
  const cases: [Uint8Array, number, RegExp][] = [
    [long, chunks.length, /at byte 0 of the payload/],
    [payload.subarray(0, payload.length - 1), chunks.length, /malformed/],
    [payload, chunks.length + 1, /malformed/],
    [payload, chunks.length - 1, /malformed/],
  ];
  for (const [bytes, count, message] of cases) {
    const stored = new ChunkJournal().store(encodeBatch({ ...header, count }, bytes, JOURNAL, crc32c));
    const shard = new Shard(SHARD, new MemoryStore());
    const error = t.throws(() => shard.fold(stored), { instanceOf: ViolationError, message });
    t.is(error?.kind, 'corrupt');
    t.like(error?.witness, { journal: JOURNAL, offset: 0 });
  }
});

test('the end of a producer drops its files and its index, and nothing of another', async (t) => {
  const store = new MemoryStore();
  const shard = new Shard(SHARD, store);
  const journal = new ChunkJournal();
  const other = fileOf(2, OTHER_PRODUCER);
  for (const file of [2, 3, 4]) shard.fold(journal.append(fileOf(file).slice(0, 1)));
  shard.fold(journal.append(other.slice(0, 1), { producer: OTHER_PRODUCER }));
  await commit(shard, store);
  t.is(store.keys('producers', numberRange(SHARD)).length, 2);
  shard.fold(journal.end());
  t.is(shard.filesOpen, 1);
  await commit(shard, store);
  t.is(store.keys('producers', numberRange(SHARD)).length, 1);
  const loaded = new Shard(SHARD, store);
  t.is(loaded.filesOpen, 1);
  loaded.fold(journal.append(other.slice(1), { producer: OTHER_PRODUCER }));
  t.deepEqual(sumsOf(await commit(loaded, store)), [sumOf(2, OTHER_PRODUCER)]);
});

test('finished sums are handed out only by the commit that made them durable', async (t) => {
  const store = new MemoryStore();
  const shard = new Shard(SHARD, store);
  const journal = new ChunkJournal();
  shard.fold(journal.append(fileOf(0)));
  t.deepEqual([...shard.outbox], []);
  const batch = new WriteBatch();
  shard.write(batch);
  // Folded while the commit is under way: it belongs to the next one.
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

async function storeOfAll(): Promise<MemoryStore> {
  const store = new MemoryStore();
  const shard = new Shard(SHARD, store);
  const journal = new ChunkJournal();
  shard.fold(journal.append([...fileOf(0), ...fileOf(4).slice(0, 2)]));
  await commit(shard, store);
  return store;
}

test('a row with any byte altered is a damaged store, which is named', async (t) => {
  const good = await storeOfAll();
  t.notThrows(() => new Shard(SHARD, good));
  for (const table of SUMMER_TABLES) {
    const [entry] = good.range(table, numberRange(SHARD));
    if (entry === undefined) return t.fail(table);
    const altered = Array.from({ length: entry.value.length }, (_, at) => {
      const value = Buffer.from(entry.value);
      value[at] = (value[at] ?? 0) ^ 0x10;
      return value;
    });
    for (const value of [...altered, entry.value.subarray(1), entry.value.subarray(0, -1), Buffer.alloc(0)]) {
      const store = good.crash('lost');
      store.overwrite(table, entry.key, value);
      t.throws(() => new Shard(SHARD, store), {
        instanceOf: OperatingError,
        code: 'ERR_STORE_DAMAGED',
        message: /^the store is damaged: .*shard 3/,
      });
    }
  }
  return undefined;
});

test('a page of hash states under another number, or missing before the last, is a damaged store', async (t) => {
  const good = new MemoryStore();
  const shard = new Shard(SHARD, good);
  const journal = new ChunkJournal();
  for (let file = 0; file < 3 * PAGE_SLOTS; file += 1) shard.fold(journal.append(fileOf(file).slice(0, 1)));
  await commit(shard, good);
  const pages = good.range('states', numberRange(SHARD));
  t.is(pages.length, 3);
  t.true(new Shard(SHARD, good).filesOpen > 2 * PAGE_SLOTS);
  const damagedKeys = [4, 1_000, 2 ** 20 - 1, 2 ** 20, 2 ** 32 - 1].map((page) => keyOf(SHARD, page));
  for (const key of [null, ...damagedKeys, keyOf(SHARD), keyOf(SHARD, 2, 0)]) {
    for (const [page, entry] of pages.entries()) {
      // Nothing tells that the last page is missing, but what is folded next.
      if (key === null && page === 2) continue;
      const store = good.crash('lost');
      store.overwrite('states', entry.key, null);
      if (key !== null) store.overwrite('states', key, entry.value);
      t.throws(() => new Shard(SHARD, store), {
        instanceOf: OperatingError,
        code: 'ERR_STORE_DAMAGED',
        message: /^the store is damaged: page \d of the hash states of shard 3/,
      });
    }
  }
});

test("copying a shard replaces its rows by the other store's, and no row of another shard", async (t) => {
  const other = await storeOfAll();
  const own = new MemoryStore('/own');
  const stale = new Shard(SHARD, own);
  const journal = new ChunkJournal();
  for (let file = 0; file < 40; file += 1) stale.fold(journal.append(fileOf(file + 10).slice(0, 1)));
  stale.fold(journal.append(fileOf(90, OTHER_PRODUCER), { producer: OTHER_PRODUCER }));
  await commit(stale, own);
  const neighbours = [SHARD - 1, SHARD + 1];
  for (const table of SUMMER_TABLES) {
    const writes = neighbours.map((shard) => ({ table, key: keyOf(shard), value: Buffer.from(`${shard}`) }));
    await own.commit(writes);
  }
  await own.commit(copyShard(SHARD, other, own).writes);
  for (const table of SUMMER_TABLES) {
    t.deepEqual(own.range(table, numberRange(SHARD)), other.range(table, numberRange(SHARD)));
    for (const shard of neighbours) t.is(own.get(table, keyOf(shard))?.toString(), `${shard}`);
  }
  const taken = new Shard(SHARD, own);
  const rest = new ChunkJournal().append(fileOf(4).slice(2), { firstIndex: fileOf(0).length + 2 });
  taken.fold({ ...rest, begin: taken.offset, end: taken.offset + rest.end });
  t.deepEqual(sumsOf(await commit(taken, own)), [sumOf(4)]);
});

test('copying a shard that the other store does not have leaves nothing of it', async (t) => {
  const own = await storeOfAll();
  await own.commit(copyShard(SHARD, new MemoryStore(), own).writes);
  for (const table of SUMMER_TABLES) t.deepEqual(own.keys(table, numberRange(SHARD)), []);
  const shard = new Shard(SHARD, own);
  t.is(shard.offset + shard.nextSum + shard.filesOpen, 0);
});
