/** Writers that are killed, and what must be there of what they wrote. */

import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { TestProcess, temporaryFolder } from '../../cli/testing/test-process.ts';
import { Prng } from '../../core/prng.ts';
import { testSeed } from '../../journal/testing/seed.ts';
import { openLmdbStore } from '../lmdb-store.ts';
import { keyOf, wholeRange } from '../row.ts';
import type { StoreReader } from '../store.ts';
import { LAST, TABLES, rowsOf } from './written.ts';

const WRITER = fileURLToPath(new URL('./writer.js', import.meta.url));

/**
 * A writer that has acknowledged at least this many commits. `pauseMs`: its pause between two commits; without it, the
 * writer commits back to back.
 */
export async function writing(t: ExecutionContext, folder: string, commits: number, pauseMs = 0): Promise<TestProcess> {
  const writer = new TestProcess(t, [folder, String(pauseMs)], { script: WRITER });
  await writer.lines((lines) => lines.filter((line) => /^\d+$/.test(line)).length >= commits);
  return writer;
}

export function acknowledged(writer: TestProcess): number {
  return Number(writer.stdout.findLast((line) => /^\d+$/.test(line)) ?? 0);
}

/**
 * Checks that every transaction up to the last is whole, and that nothing of a later one is there. Returns the last.
 */
export function checkWhole(t: ExecutionContext, reader: StoreReader): number {
  const last = reader.get('a', LAST)?.readUInt32BE(0) ?? 0;
  let rows = 0;
  for (let number = 1; number <= last; number += 1) {
    const found = reader.keys('b', { from: keyOf(number), to: keyOf(number + 1) }).length;
    if (found !== rowsOf(number)) t.fail(`transaction ${number} has ${found} rows, not ${rowsOf(number)}`);
    rows += found;
  }
  t.is(reader.keys('b', wholeRange()).length, rows);
  return last;
}

/** Kills writers of one store, one after the other, each at some moment. */
export async function checkKilledWriters(t: ExecutionContext, kills: number): Promise<void> {
  const folder = temporaryFolder(t);
  const seed = testSeed(t);
  const prng = Prng.fromSeed(seed);
  let last = 0;
  for (let kill = 0; kill < kills; kill += 1) {
    const writer = await writing(t, folder, prng.between(1, 60));
    for (let turns = prng.below(200); turns > 0; turns -= 1) await new Promise(setImmediate);
    await writer.kill();
    const store = await openLmdbStore({ folder, kind: 'summer', tables: TABLES });
    const found = checkWhole(t, store);
    t.true(found >= acknowledged(writer), `acknowledged ${acknowledged(writer)}, found ${found}`);
    const seen = Number(writer.stdout.findLast((line) => line.startsWith('seen '))?.slice(5) ?? 0);
    t.true(found >= seen, `read ${seen}, found ${found}`);
    t.true(found <= acknowledged(writer) + 1, 'one commit at a time');
    t.true(acknowledged(writer) > last);
    last = found;
    await store.close();
  }
}
