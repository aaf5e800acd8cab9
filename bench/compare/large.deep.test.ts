/** Tables of many rows and rounds: memory grows with the rows, not with their pairs. */

import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { EXIT } from '../../src/core/errors.ts';
import { writeRunFile } from '../../src/results/run-folder.ts';
import { compare, table, tablesAreCompared } from './testing/large-tables.ts';
import { temporaryFolder, UNDISTURBED } from './testing/run-folders.ts';

/** The largest table takes half a minute of CPU time. */
const TIMEOUT_MS = 1_800_000;

for (const [shape, heapMib] of [
  [{ rows: 300, rounds: 300 }, 256],
  [{ rows: 1, rounds: 200_000 }, 320],
  [{ rows: 50_000, rounds: 1 }, 400],
] as const) {
  test(`${shape.rows} rows of ${shape.rounds} rounds are compared within ${heapMib} MiB`, (t) => {
    t.timeout(TIMEOUT_MS);
    return tablesAreCompared(t, shape, heapMib);
  });
}

test('1,000 interleaved rounds of 50 rows are compared within 256 MiB', async (t) => {
  t.timeout(TIMEOUT_MS);
  const results = temporaryFolder(t);
  const folders = await Promise.all(
    ['old', 'new'].map(async (name, index) => {
      const folder = join(results, name);
      mkdirSync(folder);
      const text = table({ rows: 50, rounds: 1000 }, index);
      writeFileSync(join(folder, 'samples.csv'), text);
      const digests = { 'samples.csv': createHash('sha256').update(text).digest('hex') };
      await writeRunFile(folder, { ...UNDISTURBED, pairing: 'a', digests });
      return folder;
    }),
  );
  const { code, stdout } = await compare(256, ...folders, '--gate');
  t.is(code, EXIT.holds, stdout.slice(-500));
  t.regex(stdout, /gate: passed: 50 of 50 rows are known not to be worse\n$/);
});
