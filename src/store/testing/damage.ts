/** A store in which something is changed, and another process that opens it. */

import { closeSync, copyFileSync, mkdirSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { TestProcess, temporaryFolder } from '../../cli/testing/test-process.ts';
import { EXIT } from '../../core/errors.ts';
import { Prng } from '../../core/prng.ts';
import { testSeed } from '../../journal/testing/seed.ts';
import { openLmdbStore } from '../lmdb-store.ts';
import { keyOf, sealRow } from '../row.ts';
import { WriteBatch } from '../store.ts';
import { TABLES } from './written.ts';

const OPENER = fileURLToPath(new URL('./opener.js', import.meta.url));
const FILE = 'store.lmdb';

/** A folder with a store of a few hundred rows, closed. */
export async function written(t: ExecutionContext): Promise<string> {
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
export async function opened(
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
export function changed(t: ExecutionContext, folder: string, change: (path: string) => void): string {
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

/** Cuts the file to each of the sizes that `sizesOf` makes of its own. */
export async function checkCut(t: ExecutionContext, sizesOf: (length: number) => readonly number[]): Promise<void> {
  const folder = await written(t);
  const { length } = readFileSync(join(folder, FILE));
  for (const size of sizesOf(length)) {
    const { code, line } = await opened(
      t,
      changed(t, folder, (path) => truncateSync(path, size)),
    );
    t.is(code, EXIT.internal, `${size} of ${length}: ${line}`);
    t.regex(line, /ERR_STORE_DAMAGED/, `${size} of ${length}`);
  }
}

/** Flips a bit in so many rows, and expects that each is found. */
export async function checkFlippedRows(t: ExecutionContext, rows: number): Promise<void> {
  const folder = await written(t);
  const bytes = readFileSync(join(folder, FILE));
  const found: number[] = [];
  for (let at = bytes.indexOf('"text"'); at >= 0; at = bytes.indexOf('"text"', at + 1)) found.push(at);
  const prng = Prng.fromSeed(testSeed(t));
  for (let run = 0; run < rows; run += 1) {
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
}

/** Flips a bit in each of these fields of both meta pages. Flags, magic, version and page size have such offsets. */
export async function checkFlippedMarks(t: ExecutionContext, fields: readonly number[]): Promise<void> {
  const folder = await written(t);
  const prng = Prng.fromSeed(testSeed(t));
  for (const field of fields) {
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
}
