/** More damage of a store's file than `lmdb-damage.test.ts` has: one error that names it, and never a crash. */

import test from 'ava';
import { checkCut, checkFlippedMarks, checkFlippedRows } from './testing/damage.ts';

test.serial('a store that lacks more than a few pages at its end is one error and no crash', async (t) => {
  await checkCut(t, () => [1, 100, 5_000, 8_192, 12_288]);
});

test.serial('a flipped bit in a row is found when the row is opened', async (t) => {
  await checkFlippedRows(t, 3);
});

test.serial('a flipped bit in what marks the file as a store is one error and no crash', async (t) => {
  // Flags, version and page size.
  await checkFlippedMarks(t, [18, 28, 48]);
});
