/** Copies a store for ever, as a process that a test can kill: the store's folder, then the folder for the copy. */

import { readLmdbStore } from '../lmdb-store.ts';
import { TABLES } from './written.ts';

const [folder = '', scratchFolder = ''] = process.argv.slice(2);

const copyOnce = (): Promise<void> => new Promise((resolve) => setInterval(resolve, 2 ** 31 - 1));
await readLmdbStore({ folder, scratchFolder, kind: 'summer', tables: TABLES, copyOnce }, () => undefined);
