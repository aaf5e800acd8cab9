/**
 * Reads a store. Arguments: its folder, then the folder for the copy. With `once` it ends after one copy. Without it,
 * it copies for ever, so that a test can kill it.
 */

import { type OperatingError, exitCodeOf } from '../../core/errors.ts';
import { readLmdbStore } from '../lmdb-store.ts';
import { TABLES } from './written.ts';

const [folder = '', scratchFolder = '', times = ''] = process.argv.slice(2);

const copyOnce = (): Promise<void> => new Promise((resolve) => setInterval(resolve, 2 ** 31 - 1));
const options = { folder, scratchFolder, kind: 'summer', tables: TABLES } as const;
try {
  await readLmdbStore(times === 'once' ? options : { ...options, copyOnce }, () => process.stdout.write('read\n'));
} catch (error) {
  process.stderr.write(`${(error as OperatingError).code} ${(error as OperatingError).message}\n`);
  process.exitCode = exitCodeOf(error);
}
