/**
 * A process that commits in a loop, for a test to kill. Transaction `n` writes `n % 7 + 1` rows, and `n` itself. Each
 * row has `rowBytes` bytes besides its numbers. The process prints each number once its commit has resolved, and `seen`
 * with the number when it could read the transaction earlier: the disk may have it a moment before the promise
 * resolves, never the other way round.
 */

import { delay, systemClock } from '../../core/clock.ts';
import { type OperatingError, exitCodeOf } from '../../core/errors.ts';
import { openLmdbStore } from '../lmdb-store.ts';
import { keyOf, sealRow } from '../row.ts';
import { WriteBatch } from '../store.ts';
import { LAST, TABLES, rowsOf } from './written.ts';

const [folder = '', pauseMs = '0', rowBytes = '0'] = process.argv.slice(2);
const store = await openLmdbStore({ folder, kind: 'summer', tables: TABLES });
const text = 'x'.repeat(Number(rowBytes));
const last = store.get('a', LAST);
process.stdout.write('open\n');

for (let number = last === undefined ? 1 : last.readUInt32BE(0) + 1; ; number += 1) {
  const batch = new WriteBatch();
  for (let row = 0; row < rowsOf(number); row += 1) batch.put('b', keyOf(number, row), sealRow({ number, row, text }));
  batch.put('a', LAST, keyOf(number));
  const state = { isResolved: false };
  const committed = store.commit(batch.writes).then(() => {
    state.isResolved = true;
  }, fail);
  while (!state.isResolved) {
    await new Promise(setImmediate);
    if (!isThere(number)) continue;
    process.stdout.write(`seen ${number}\n`);
    break;
  }
  await committed;
  process.stdout.write(`${number}\n`);
  if (Number(pauseMs) > 0) await delay(systemClock, Number(pauseMs));
}

function fail(error: OperatingError): never {
  process.stderr.write(`${error.code} ${error.message}\n`);
  process.exit(exitCodeOf(error));
}

/** When LMDB could not write its meta page, it answers nothing, and the commit fails a moment later. */
function isThere(number: number): boolean {
  try {
    return store.get('b', keyOf(number, 0)) !== undefined;
  } catch (error) {
    if ((error as OperatingError).code === 'ERR_STORE_READ') return false;
    throw error;
  }
}
