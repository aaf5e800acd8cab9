/** Where copies of other stores are made, and when they are removed. */

import { mkdirSync, readdirSync, statfsSync, truncateSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { TestProcess, temporaryFolder, within } from '../cli/testing/test-process.ts';
import { lookAtLmdbStore, openLmdbStore, readLmdbStore } from './lmdb-store.ts';
import { keyOf } from './row.ts';
import { TABLES } from './testing/written.ts';

const READER = fileURLToPath(new URL('./testing/reader.js', import.meta.url));
const STORE = { kind: 'summer', tables: TABLES } as const;

/** A closed store with one row. */
async function written(t: ExecutionContext): Promise<string> {
  const folder = temporaryFolder(t);
  const store = await openLmdbStore({ folder, ...STORE });
  await store.commit([{ table: 'a', key: keyOf(1), value: keyOf(1) }]);
  await store.close();
  return folder;
}

/** Resolves with the names in a folder once there is one. */
function firstNames(folder: string): Promise<string[]> {
  return new Promise((resolve) => {
    const watcher = watch(folder, look);
    function look(): void {
      const names = readdirSync(folder);
      if (names.length === 0) return;
      watcher.close();
      resolve(names);
    }
    look();
  });
}

/**
 * The data folder of an owner that was killed while it copied another store, and the names of the files that it left.
 */
async function killedWhileCopying(t: ExecutionContext): Promise<{ folder: string; left: string[] }> {
  const folder = temporaryFolder(t);
  const other = await written(t);
  const reader = new TestProcess(t, [other, folder], { script: READER });
  const left = await within(firstNames(folder), () => 'the copy was not begun');
  await reader.kill();
  return { folder, left };
}

test('the copy of a killed process is in the folder that it named, and gone once a store opens there', async (t) => {
  const { folder, left } = await killedWhileCopying(t);
  t.is(left.length, 1);
  t.deepEqual(readdirSync(folder), left);
  // Other files in the folder stay.
  mkdirSync(join(folder, 'copy-of-mine'));
  writeFileSync(join(folder, 'store.note'), '');
  for (let start = 0; start < 2; start += 1) {
    const store = await openLmdbStore({ folder, ...STORE });
    await store.close();
    const names = readdirSync(folder);
    t.deepEqual(
      left.filter((name) => names.includes(name)),
      [],
    );
    t.true(names.includes('copy-of-mine') && names.includes('store.note'));
  }
});

test('reading leaves nothing in the folder of the copy, whether it succeeds or not', async (t) => {
  const folder = await written(t);
  const scratchFolder = join(temporaryFolder(t), 'made');
  const names = await readLmdbStore({ folder, scratchFolder, ...STORE }, (reader) => {
    t.deepEqual(reader.get('a', keyOf(1)), keyOf(1));
    return readdirSync(scratchFolder);
  });
  t.deepEqual(names, []);
  const damaged = temporaryFolder(t);
  writeFileSync(join(damaged, 'store.lmdb'), 'no store');
  await t.throwsAsync(
    readLmdbStore({ folder: damaged, scratchFolder, ...STORE }, () => 0),
    { code: 'ERR_STORE_DAMAGED' },
  );
  t.deepEqual(readdirSync(scratchFolder), []);
});

test('a folder in which no copy can be made is an error that names the store', async (t) => {
  const folder = await written(t);
  const scratchFolder = join(folder, 'store.lock');
  await t.throwsAsync(
    readLmdbStore({ folder, scratchFolder, ...STORE }, () => 0),
    { code: 'ERR_STORE_OPEN', message: new RegExp(`cannot open the store in ${folder}`) },
  );
});

test('a look at a store wants room for its copy and for what is kept of all that will be copied', async (t) => {
  const folder = await written(t);
  const large = temporaryFolder(t);
  const scratchFolder = temporaryFolder(t);
  const { bavail, bsize } = statfsSync(scratchFolder);
  writeFileSync(join(large, 'store.lmdb'), '');
  // The file is sparse, and larger than the free space.
  truncateSync(join(large, 'store.lmdb'), bavail * bsize + 64 * 1024 ** 2);
  let looks = 0;
  const look = (besides: readonly string[]): Promise<void> =>
    lookAtLmdbStore({ folder, scratchFolder, besides, ...STORE }, () => (looks += 1));
  await look([temporaryFolder(t)]);
  t.is(looks, 1);
  await t.throwsAsync(look([large]), { code: 'ERR_STORE_ROOM', message: /^copying it takes .* has room for / });
  t.is(looks, 1);
});
