/** A store with a damaged file gives one error that names it, and never a crash. */

import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readFileSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { TestProcess, temporaryFolder } from '../cli/testing/test-process.ts';
import { EXIT } from '../core/errors.ts';
import { Prng } from '../core/prng.ts';
import { testSeed } from '../journal/testing/seed.ts';
import { openLmdbStore } from './lmdb-store.ts';
import { keyOf, sealRow } from './row.ts';
import { WriteBatch } from './store.ts';
import { TABLES } from './testing/written.ts';

const OPENER = fileURLToPath(new URL('./testing/opener.js', import.meta.url));
const FILE = 'store.lmdb';

/** A folder with a store of a few hundred rows, closed. */
async function written(t: ExecutionContext): Promise<string> {
  const folder = temporaryFolder(t);
  const store = await openLmdbStore({ folder, kind: 'summer', tables: TABLES });
  for (let number = 1; number <= 20; number += 1) {
    const batch = new WriteBatch();
    for (let row = 0; row < 20; row += 1)
      batch.put('b', keyOf(number, row), sealRow({ number, row, text: 'x'.repeat(1_500) }));
    await store.commit(batch.writes);
  }
  await store.close();
  return folder;
}

/**
 * Opens the store in a separate process, which must end without help and with one line. LMDB's own line may precede it.
 */
async function opened(
  t: ExecutionContext,
  folder: string,
  kind = 'summer',
): Promise<{ code: number | null; line: string }> {
  const process = new TestProcess(t, [folder, kind], { script: OPENER });
  const { code, signal } = await process.exit();
  t.is(signal, null, `it crashed: ${process.stderr.join('\n')}`);
  const said = [...process.stderr.filter((line) => line.includes('Error ')), ...process.stdout];
  t.is(said.length, 1, said.join('\n'));
  return { code, line: said[0] ?? '' };
}

/** A changed copy of the store, in another folder. */
function changed(t: ExecutionContext, folder: string, change: (path: string) => void): string {
  const copy = join(temporaryFolder(t), 'copy');
  mkdirSync(copy);
  copyFileSync(join(folder, FILE), join(copy, FILE));
  change(join(copy, FILE));
  return copy;
}

function flip(path: string, at: number, bit: number): void {
  const bytes = readFileSync(path);
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.from([(bytes[at] ?? 0) ^ (1 << bit)]), 0, 1, at);
  closeSync(file);
}

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
  const folder = await written(t);
  const { length } = readFileSync(join(folder, FILE));
  for (const size of [1, 100, 4_096, 5_000, 8_192, 12_288, Math.floor(length / 2)]) {
    const { code, line } = await opened(
      t,
      changed(t, folder, (path) => truncateSync(path, size)),
    );
    t.is(code, EXIT.internal, `${size} of ${length}: ${line}`);
    t.regex(line, /ERR_STORE_DAMAGED/, `${size} of ${length}`);
  }
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
  const folder = await written(t);
  const bytes = readFileSync(join(folder, FILE));
  const found: number[] = [];
  for (let at = bytes.indexOf('"text"'); at >= 0; at = bytes.indexOf('"text"', at + 1)) found.push(at);
  const prng = Prng.fromSeed(testSeed(t));
  for (let run = 0; run < 4; run += 1) {
    const at = (found[prng.below(found.length)] ?? 0) + 10;
    const copy = changed(t, folder, (path) => {
      // Old pages hold rows too, so the bit is flipped in every copy of this row.
      const begin = bytes.lastIndexOf('{"number"', at);
      const row = bytes.subarray(begin, at);
      for (let same = bytes.indexOf(row); same >= 0; same = bytes.indexOf(row, same + 1))
        flip(path, same + at - begin, 3);
    });
    const { code, line } = await opened(t, copy);
    t.is(code, EXIT.internal, line);
    t.regex(line, /ERR_STORE_DAMAGED .*a row does not verify/);
  }
});

test.serial('a flipped bit in what marks the file as a store is one error and no crash', async (t) => {
  const folder = await written(t);
  const prng = Prng.fromSeed(testSeed(t));
  // Flags, magic, version and page size of both meta pages.
  for (const field of [18, 24, 28, 48]) {
    for (const page of [0, 4_096]) {
      const at = page + field + prng.below(field === 18 ? 2 : 4);
      const bit = prng.below(8);
      const { code, line } = await opened(
        t,
        changed(t, folder, (path) => flip(path, at, bit)),
      );
      t.is(code, EXIT.internal, `bit ${bit} of byte ${at}`);
      t.regex(line, /ERR_STORE_DAMAGED .*no two valid meta pages/, `bit ${bit} of byte ${at}`);
    }
  }
});
