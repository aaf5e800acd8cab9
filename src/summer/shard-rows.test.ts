import test from 'ava';
import { OperatingError } from '../core/errors.ts';
import { PAGE_SLOTS } from '../hash/pool.ts';
import { keyOf, numberRange } from '../store/row.ts';
import { MemoryStore } from '../store/testing/memory-store.ts';
import { SUMMER_TABLES, copyShard } from './rows.ts';
import { Shard } from './shard.ts';
import { ChunkJournal, OTHER_PRODUCER, SHARD, fileOf, sumOf } from './testing/chunk-journal.ts';
import { commit, sumsOf } from './testing/shard-commits.ts';

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
    // Read before the shard is: `claim.test.ts`.
    if (table === 'claims') continue;
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
      // Only the next fold can find that the last page is missing.
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
