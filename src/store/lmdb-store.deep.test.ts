/** More kills of a writer than `lmdb-store.test.ts` has. */

import test from 'ava';
import { checkKilledWriters } from './testing/killed-writer.ts';

test.serial(
  'what a killed writer had acknowledged or could read is there, each transaction whole or absent',
  async (t) => {
    await checkKilledWriters(t, 12);
  },
);
