/** A store with a damaged file gives one error that names it, and never a crash. */

import { writeFileSync } from 'node:fs';
import test from 'ava';
import { EXIT } from '../core/errors.ts';
import { openLmdbStore } from './lmdb-store.ts';
import { sealRow } from './row.ts';
import { changed, checkCut, checkFlippedMarks, checkFlippedRows, opened, written } from './testing/damage.ts';

test.serial('a store of another kind or format is refused by name, exit 2', async (t) => {
  const folder = await written(t);
  t.deepEqual(await opened(t, folder), { code: EXIT.holds, line: 'rows 400' });
  const other = await opened(t, folder, 'broker');
  t.is(other.code, EXIT.usage);
  t.true(other.line.includes(`${folder} belongs to a summer, not to a broker`), other.line);
  const store = await openLmdbStore({ folder, kind: 'summer', tables: ['format'] });
  await store.commit([{ table: 'format', key: Buffer.from('format'), value: sealRow({ version: 2, kind: 'summer' }) }]);
  await store.close();
  const newer = await opened(t, folder);
  t.is(newer.code, EXIT.usage);
  t.true(newer.line.includes(`${folder} has format version 2, this is version 1`), newer.line);
});

test.serial('a store that lacks more than a few pages at its end is one error and no crash', async (t) => {
  await checkCut(t, (length) => [4_096, Math.floor(length / 2)]);
});

test.serial('a file that is no store is one error', async (t) => {
  const folder = await written(t);
  const { code, line } = await opened(
    t,
    changed(t, folder, (path) => writeFileSync(path, 'x'.repeat(10_000))),
  );
  t.is(code, EXIT.internal);
  t.regex(line, /ERR_STORE_DAMAGED/);
});

test.serial('a flipped bit in a row is found when the row is opened', async (t) => {
  await checkFlippedRows(t, 1);
});

test.serial('a flipped bit in what marks the file as a store is one error and no crash', async (t) => {
  // The magic.
  await checkFlippedMarks(t, [24]);
});
