/**
 * `--data` of a broker: an unusable folder gives one line and exit 2 at once, and nothing is left behind.
 * `data-folder.deep.test.ts` has every command, and more folders.
 */

import test from 'ava';
import { QUICK, checkUnusable, checkUsable } from './testing/data-folders.ts';
import { onLinux } from './testing/shell.ts';

onLinux('a data folder that cannot be is one line with option, value and reason, and leaves nothing', async (t) => {
  await checkUnusable(t, 'broker', (kind) => QUICK.includes(kind));
});

test('a data folder with any name that a file system takes is used as it is', async (t) => {
  await checkUsable(t, [`quo'te"`]);
});
