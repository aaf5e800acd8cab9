/** The golden texts again, each from a process of its own, as a user starts it. */

import test from 'ava';
import { HELPS, MISTAKES, type Said, checkHelps, checkMistakes, said } from './testing/golden-texts.ts';

test.serial(
  'help is what was agreed on, of the program and of every command, in lines of at most 110 columns',
  async (t) => {
    const all: Said[] = [];
    for (const argv of HELPS) all.push(await said(t, argv));
    checkHelps(t, all);
  },
);

test.serial('every mistake is one line on stderr that names it, and exit 2', async (t) => {
  const all: Said[] = [];
  for (const argv of MISTAKES) all.push(await said(t, argv));
  checkMistakes(t, all);
});
