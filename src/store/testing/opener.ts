/** Opens a store and reads every row, in a separate process: a damaged file must not kill the test's own process. */

import { exitCodeOf } from '../../core/errors.ts';
import { openLmdbStore } from '../lmdb-store.ts';
import { asRecord } from '../../core/assert.ts';
import { openRow, wholeRange } from '../row.ts';
import { TABLES } from './written.ts';

const [folder = '', kind = 'summer'] = process.argv.slice(2);

try {
  const store = await openLmdbStore({ folder, kind: kind as 'summer', tables: TABLES, tell });
  const entries = store.range('b', wholeRange());
  for (const { value } of entries) openRow(value, (row): row is object => asRecord(row) !== null, 'a row');
  process.stdout.write(`rows ${entries.length}\n`);
  await store.close();
} catch (error) {
  const { name, message } = error as Error;
  process.stderr.write(`${name} ${(error as { code?: string }).code ?? ''} ${message}\n`);
  process.exitCode = exitCodeOf(error);
}

function tell(line: string): void {
  process.stdout.write(`${line}\n`);
}
