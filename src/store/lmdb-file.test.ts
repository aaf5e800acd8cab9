import { copyFileSync, mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { Prng } from '../core/prng.ts';
import { checkLmdbFile } from './lmdb-file.ts';
import { openLmdbStore } from './lmdb-store.ts';
import { keyOf } from './row.ts';

const PAGE_BYTES = 4096;

test('whatever a store went through, its file is sound, also where LMDB left pages at its end unwritten', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'stream-sum-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const seed = Date.now() % 1_000_000;
  t.log(`seed ${seed}`);
  const prng = Prng.fromSeed(seed);
  const store = await openLmdbStore({ folder, kind: 'broker', tables: ['a', 'b'] });
  const file = join(folder, 'store.lmdb');
  for (let commit = 0; commit < 400; commit += 1) {
    // Growing and shrinking in turns is what leaves pages unwritten.
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
  const folder = mkdtempSync(join(tmpdir(), 'stream-sum-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
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
