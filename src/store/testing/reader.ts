/** Reads a store as a process that a test can kill: its folder, then the folder for the copy. */

import { readLmdbStore } from '../lmdb-store.ts';
import { TABLES } from './written.ts';

const [folder = '', scratchFolder = ''] = process.argv.slice(2);

await readLmdbStore({ folder, scratchFolder, kind: 'summer', tables: TABLES }, () => undefined);
