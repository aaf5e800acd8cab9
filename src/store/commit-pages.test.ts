/** The bound of what a commit appends, against real LMDB. */

import { closeSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { temporaryFolder } from '../cli/testing/test-process.ts';
import { Prng } from '../core/prng.ts';
import { testSeed } from '../journal/testing/seed.ts';
import { pagesAddedMax } from './commit-pages.ts';
import { type LmdbMeta, newestMeta } from './lmdb-file.ts';
import { openLmdbStore } from './lmdb-store.ts';
import { keyOf } from './row.ts';
import type { Store, Write } from './store.ts';
import type { Tables } from './lmdb-tables.ts';

type Opened = { readonly store: Store & Tables; readonly file: string; readonly meta: () => LmdbMeta };

async function open(t: ExecutionContext): Promise<Opened> {
  const folder = temporaryFolder(t);
  const store = (await openLmdbStore({ folder, kind: 'broker', tables: ['a', 'b'] })) as Store & Tables;
  const file = join(folder, 'store.lmdb');
  const descriptor = openSync(file, 'r');
  t.teardown(async () => {
    closeSync(descriptor);
    await store.close();
  });
  const meta = (): LmdbMeta => {
    const newest = newestMeta(descriptor);
    if (newest === null) throw new Error('no meta page');
    return newest;
  };
  return { store, file, meta };
}

/** Commits, and compares the growth with both bounds. Returns the growth in pages. */
async function grown(t: ExecutionContext, { store, file, meta }: Opened, writes: readonly Write[]): Promise<number> {
  const before = meta();
  const loose = pagesAddedMax(writes, before, null);
  const tight = pagesAddedMax(writes, before, (table) => store.treeShape(table));
  await store.commit(writes);
  const added = meta().pages - before.pages;
  const said = `${writes.length} writes added ${added} pages, at most ${tight} and ${loose}`;
  if (added > tight || tight > loose) t.fail(said);
  // Every page of the file has its blocks, even pages that LMDB has not written.
  const { blocks } = statSync(file);
  if (blocks * 512 < meta().pages * before.pageBytes) t.fail(`${said}: blocks are missing`);
  return added;
}

/**
 * One kind of load: how many writes, over how many keys of how many bytes, values up to so many, removals in percent.
 */
type Load = readonly [writes: number, keys: number, keyBytes: number, valueBytes: number, removed: number];
const LOADS: readonly Load[] = [
  [1, 10, 4, 10, 0],
  [20, 100_000, 4, 200, 0],
  [20, 100_000, 200, 1_500, 10],
  [400, 4_000, 8, 2_000, 20],
  [400, 200, 8, 3_000, 60],
  [2_000, 100_000, 64, 100, 5],
  [60, 300, 8, 65_000, 30],
  [300, 3_000, 1_000, 1_000, 50],
];

for (const load of LOADS) {
  const [writesMax, keys, keyBytes, valueBytes, removed] = load;
  test(`no commit appends more pages than were reserved for it: loads of ${load.join(', ')}`, async (t) => {
    const prng = Prng.fromSeed(testSeed(t));
    const opened = await open(t);
    let added = 0;
    for (let commit = 0; commit < 60; commit += 1) {
      const begin = prng.below(keys);
      const isSequential = prng.below(2) === 0;
      const writes = Array.from({ length: 1 + prng.below(writesMax) }, (_, index) => {
        const number = isSequential ? (begin + index) % keys : prng.below(keys);
        const key = Buffer.alloc(keyBytes);
        keyOf(number).copy(key);
        const value = prng.below(100) < removed ? null : Buffer.alloc(prng.below(valueBytes) + 1, 1);
        return { table: prng.below(4) === 0 ? 'a' : 'b', key, value };
      });
      added += await grown(t, opened, writes);
    }
    // The load has put the bound to the test.
    t.true(added > 0);
  });
}

function put(from: number, count: number): Write[] {
  return Array.from({ length: count }, (_, at) => ({ table: 'a', key: keyOf(from + at), value: Buffer.alloc(9_000) }));
}

test('removing most of a large store, whose free list is then long, stays within the bound', async (t) => {
  const opened = await open(t);
  for (let commit = 0; commit < 20; commit += 1) await grown(t, opened, put(commit * 300, 300));
  const removed = Array.from({ length: 5_000 }, (_, index) => ({ table: 'a', key: keyOf(index), value: null }));
  await grown(t, opened, removed);
  for (let commit = 0; commit < 20; commit += 1) await grown(t, opened, put(commit * 7, 13));
  t.pass();
});
