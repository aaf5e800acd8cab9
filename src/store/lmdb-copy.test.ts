import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { temporaryFolder } from '../cli/testing/test-process.ts';
import { COPY_ATTEMPTS_MAX, copyLmdbFile } from './lmdb-copy.ts';
import { checkLmdbFile, newestTransaction } from './lmdb-file.ts';
import { openLmdbStore } from './lmdb-store.ts';
import { keyOf } from './row.ts';

type Setup = {
  readonly file: string;
  readonly copy: string;
  /** Commits one more row. */
  readonly commit: () => Promise<void>;
};

async function setUp(t: ExecutionContext): Promise<Setup> {
  const folder = temporaryFolder(t);
  const store = await openLmdbStore({ folder, kind: 'summer', tables: ['a'] });
  t.teardown(() => store.close());
  let number = 0;
  const commit = (): Promise<void> => {
    number += 1;
    return store.commit([{ table: 'a', key: keyOf(number), value: keyOf(number) }]);
  };
  await commit();
  return { file: join(folder, 'store.lmdb'), copy: join(folder, 'copy.lmdb'), commit };
}

test('a copy during which a transaction was committed is made again', async (t) => {
  const { file, copy, commit } = await setUp(t);
  const copied: (bigint | null)[] = [];
  await copyLmdbFile(file, copy, async (from, to) => {
    await copyFile(from, to);
    copied.push(newestTransaction(to));
    if (copied.length < 3) await commit();
  });
  const last = newestTransaction(file) ?? 0n;
  t.deepEqual(copied, [last - 2n, last - 1n, last]);
  t.is(newestTransaction(copy), last);
  t.notThrows(() => checkLmdbFile(copy));
});

test('a process that commits during every copy is an error that names the file', async (t) => {
  const { file, copy, commit } = await setUp(t);
  let attempts = 0;
  const copying = copyLmdbFile(file, copy, async (from, to) => {
    attempts += 1;
    await copyFile(from, to);
    await commit();
  });
  await t.throwsAsync(copying, { code: 'ERR_STORE_BUSY', message: new RegExp(file) });
  t.is(attempts, COPY_ATTEMPTS_MAX);
});
