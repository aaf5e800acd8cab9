import { copyFileSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { temporaryFolder } from '../cli/testing/test-process.ts';
import { Prng } from '../core/prng.ts';
import { checkLmdbFile } from './lmdb-file.ts';
import { openLmdbStore } from './lmdb-store.ts';
import { keyOf } from './row.ts';

const PAGE_BYTES = 4096;

test('whatever a store went through, its file is sound, also where LMDB left pages at its end unwritten', async (t) => {
  const folder = temporaryFolder(t);
  const seed = Date.now() % 1_000_000;
  t.log(`seed ${seed}`);
  const prng = Prng.fromSeed(seed);
  const store = await openLmdbStore({ folder, kind: 'broker', tables: ['a', 'b'] });
  const file = join(folder, 'store.lmdb');
  for (let commit = 0; commit < 400; commit += 1) {
    // Growing and shrinking in turns leaves unwritten pages.
    const removed = commit % 3 === 2 ? 80 : 30;
    const writes = Array.from({ length: prng.below(200) }, () => ({
      table: prng.below(2) === 0 ? 'a' : 'b',
      key: keyOf(prng.below(400)),
      value: prng.below(100) < removed ? null : Buffer.alloc(prng.below(prng.below(5) === 0 ? 20_000 : 600), 1),
    }));
    await store.commit(writes);
    t.notThrows(() => checkLmdbFile(file));
  }
  await store.close();
});

test('a file that lost a page in use is refused, however few it lost', async (t) => {
  const folder = temporaryFolder(t);
  const store = await openLmdbStore({ folder, kind: 'broker', tables: ['a'] });
  const writes = Array.from({ length: 200 }, (_, key) => ({
    table: 'a',
    key: keyOf(key),
    value: Buffer.alloc(5000, key),
  }));
  await store.commit(writes);
  await store.close();
  const file = join(folder, 'store.lmdb');
  const copy = join(folder, 'copy.lmdb');
  const pages = Math.floor(statSync(file).size / PAGE_BYTES);
  for (let lost = 1; lost < pages - 2; lost += 7) {
    copyFileSync(file, copy);
    truncateSync(copy, (pages - lost) * PAGE_BYTES);
    t.throws(() => checkLmdbFile(copy), { code: 'ERR_STORE_DAMAGED' }, `${lost} of ${pages} pages lost`);
  }
});

/** Offsets in a meta page: the roots of the free list and of the main tree, the last page, the transaction. */
const META = { rootsAt: [88, 136], lastPageAt: 144, transactionAt: 152 } as const;

test('a flipped bit in the transaction id of either meta page is refused: no older snapshot opens', async (t) => {
  const folder = temporaryFolder(t);
  const store = await openLmdbStore({ folder, kind: 'broker', tables: ['a'] });
  const file = join(folder, 'store.lmdb');
  const copy = join(folder, 'copy.lmdb');
  // Six commits: their ids end in every pair of bits, and each meta page is in turn the newer one.
  for (let commit = 0; commit < 6; commit += 1) {
    await store.commit([{ table: 'a', key: keyOf(commit), value: Buffer.alloc(100, commit) }]);
    const bytes = readFileSync(file);
    for (let bit = 0; bit < 128; bit += 1) {
      const at = (bit < 64 ? 0 : PAGE_BYTES) + META.transactionAt + ((bit % 64) >> 3);
      const flipped = Buffer.from(bytes);
      flipped[at] = (bytes[at] ?? 0) ^ (1 << (bit % 8));
      writeFileSync(copy, flipped);
      const refused = { code: 'ERR_STORE_DAMAGED', message: /wrong transaction ids: \d+ and \d+/ };
      t.throws(() => checkLmdbFile(copy), refused, `bit ${bit} after ${commit + 1} commits`);
    }
    writeFileSync(copy, bytes);
    t.notThrows(() => checkLmdbFile(copy));
  }
  await store.close();
});

test('a file into which nothing was committed yet is sound', async (t) => {
  const folder = temporaryFolder(t);
  const store = await openLmdbStore({ folder, kind: 'broker', tables: [] });
  await store.close();
  const file = join(folder, 'store.lmdb');
  const fresh = readFileSync(file).subarray(0, 2 * PAGE_BYTES);
  for (const page of [0, PAGE_BYTES]) {
    for (const root of META.rootsAt) fresh.writeBigUInt64LE(0xffff_ffff_ffff_ffffn, page + root);
    fresh.writeBigUInt64LE(1n, page + META.lastPageAt);
    fresh.writeBigUInt64LE(0n, page + META.transactionAt);
  }
  writeFileSync(file, fresh);
  t.notThrows(() => checkLmdbFile(file));
  const opened = await openLmdbStore({ folder, kind: 'broker', tables: ['a'] });
  await opened.commit([{ table: 'a', key: keyOf(1), value: keyOf(1) }]);
  await opened.close();
  t.notThrows(() => checkLmdbFile(file));
});
