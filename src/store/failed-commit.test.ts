/**
 * Two meta pages that can look the same: one that LMDB could not write, and one of an acknowledged transaction in whose
 * id a bit has flipped. The note of what was acknowledged tells them apart.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { withCompiler } from '../cli/testing/shell.ts';
import { temporaryFolder } from '../cli/testing/test-process.ts';
import { AcknowledgedNote, readAcknowledged } from './acknowledged-note.ts';
import { checkLmdbFile, newestTransaction } from './lmdb-file.ts';
import { openLmdbStore, readLmdbStore } from './lmdb-store.ts';
import { keyOf } from './row.ts';
import { checkFailedWrite, lastOf, options } from './testing/failing-disk.ts';
import { LAST } from './testing/written.ts';

const PAGE_BYTES = 4096;
/** Offsets in a meta page. */
const AT = { lastPage: 144, transaction: 152 } as const;
const DAMAGED = { code: 'ERR_STORE_DAMAGED', message: /wrong transaction ids/ };

/** The file after each of some commits, all acknowledged. The last row of each is its number. */
async function history(t: ExecutionContext, commits: number, valueBytes: number): Promise<Buffer[]> {
  const folder = temporaryFolder(t);
  const store = await openLmdbStore(options(folder));
  const states: Buffer[] = [];
  for (let number = 1; number <= commits; number += 1) {
    const value = Buffer.alloc(valueBytes, number);
    await store.commit([
      { table: 'a', key: LAST, value: keyOf(number) },
      { table: 'b', key: keyOf(number % 3), value },
    ]);
    states.push(readFileSync(join(folder, 'store.lmdb')));
  }
  await store.close();
  return states;
}

function metaAt(transaction: bigint): number {
  return transaction % 2n === 0n ? 0 : PAGE_BYTES;
}

function newestOf(bytes: Buffer): bigint {
  const ids = [0, PAGE_BYTES].map((page) => bytes.readBigUInt64LE(page + AT.transaction));
  return ids.reduce((a, b) => (a > b ? a : b), 0n);
}

/**
 * The file that LMDB leaves when it cannot write the meta page of the transaction that led to `after`: the new pages
 * and roots beside the old id and the old last page.
 */
function failedWrite(before: Buffer, after: Buffer): Buffer {
  const page = metaAt(newestOf(after));
  const failed = Buffer.from(after);
  before.copy(failed, page + AT.lastPage, page + AT.lastPage, page + AT.transaction + 8);
  return failed;
}

/**
 * The same file with everything acknowledged, in which bit 1 of the newest id has flipped to 0; null when that bit is
 * already 0.
 */
function flippedTwin(after: Buffer): Buffer | null {
  const id = newestOf(after);
  if ((id & 2n) === 0n) return null;
  const flipped = Buffer.from(after);
  flipped.writeBigUInt64LE(id ^ 2n, metaAt(id) + AT.transaction);
  return flipped;
}

/** A data folder with this file, and a note of this transaction. */
function folderWith(t: ExecutionContext, bytes: Buffer, acknowledged: bigint | null): string {
  const folder = join(temporaryFolder(t), 'data');
  mkdirSync(folder);
  writeFileSync(join(folder, 'store.lmdb'), bytes);
  if (acknowledged === null) return folder;
  writeFileSync(join(folder, 'store.acknowledged'), '');
  const note = new AcknowledgedNote(join(folder, 'store.acknowledged'));
  note.acknowledged(acknowledged);
  note.close();
  return folder;
}

test('after a failed write of a meta page the store opens with all that was acknowledged, whole', async (t) => {
  const states = await history(t, 9, 300);
  for (const [index, after] of states.entries()) {
    const before = states[index - 1];
    if (before === undefined) continue;
    const folder = folderWith(t, failedWrite(before, after), newestOf(before));
    const file = join(folder, 'store.lmdb');
    const acknowledged = readAcknowledged(join(folder, 'store.acknowledged'));
    t.is(checkLmdbFile(file, { acknowledged }), 'failed-commit');
    // Another process reads it in the same way as its owner.
    t.is(await readLmdbStore({ ...options(folder), scratchFolder: temporaryFolder(t) }, lastOf), index);
    const store = await openLmdbStore(options(folder));
    t.is(lastOf(store), index);
    await store.close();
    // Opening has written the meta page again. From here on no note is needed.
    t.is(checkLmdbFile(file), 'sound');
    t.is(readAcknowledged(join(folder, 'store.acknowledged'))?.transaction, newestTransaction(file) ?? 0n);
  }
});

test('the same bytes from a flipped bit in the id of an acknowledged transaction are refused', async (t) => {
  const states = await history(t, 12, 300);
  let same = 0;
  let twins = 0;
  for (const [index, after] of states.entries()) {
    const before = states[index - 1];
    const twin = flippedTwin(after);
    if (before === undefined || twin === null) continue;
    twins += 1;
    if (twin.equals(failedWrite(before, after))) same += 1;
    const folder = folderWith(t, twin, newestOf(after));
    await t.throwsAsync(openLmdbStore(options(folder)), DAMAGED);
    await t.throwsAsync(readLmdbStore({ ...options(folder), scratchFolder: temporaryFolder(t) }, lastOf), DAMAGED);
    // The file itself is unchanged, and so is the note.
    t.deepEqual(readFileSync(join(folder, 'store.lmdb')), twin);
    t.is(readAcknowledged(join(folder, 'store.acknowledged'))?.transaction, newestOf(after));
  }
  t.true(twins > 2);
  // This is why the note exists: in these cases the bytes say nothing.
  t.true(same > 0, 'in no case the bytes were the same');
});

test('a state that no note explains is refused, unless the page itself shows that its write failed', async (t) => {
  const [, , steadyBefore, steadyAfter] = await history(t, 4, 300);
  const growing = await history(t, 4, 300_000);
  const [, growingBefore, growingAfter] = growing;
  for (const [before, after, isShown] of [
    [steadyBefore, steadyAfter, false],
    [growingBefore, growingAfter, true],
  ] as const) {
    if (before === undefined || after === undefined) throw new Error('no such state');
    const id = newestOf(before);
    const notes: readonly (bigint | null)[] = [null, id - 1n, id + 1n];
    for (const acknowledged of notes) {
      const folder = folderWith(t, failedWrite(before, after), acknowledged);
      if (isShown) await t.notThrowsAsync(openLmdbStore(options(folder)).then((store) => store.close()));
      else await t.throwsAsync(openLmdbStore(options(folder)), DAMAGED, `${acknowledged}`);
    }
  }
});

test('what a second, killed attempt wrote over the pages of the failed one does not matter', async (t) => {
  const [, , before, after] = await history(t, 4, 300);
  if (before === undefined || after === undefined) throw new Error('no such state');
  const failed = failedWrite(before, after);
  // The pages that differ are those of the failed transaction.
  for (let page = 2 * PAGE_BYTES; page < failed.length; page += PAGE_BYTES) {
    const isOfFailed = !failed.subarray(page, page + PAGE_BYTES).equals(before.subarray(page, page + PAGE_BYTES));
    if (isOfFailed) failed.fill(0xa5, page, page + PAGE_BYTES);
  }
  const folder = folderWith(t, failed, newestOf(before));
  const store = await openLmdbStore(options(folder));
  t.is(lastOf(store), 3);
  await store.close();
  t.is(checkLmdbFile(join(folder, 'store.lmdb')), 'sound');
});

test('with every note that can be, a flipped bit in either id never opens an older snapshot', async (t) => {
  const states = await history(t, 4, 300);
  const copy = join(temporaryFolder(t), 'copy.lmdb');
  for (const bytes of states) {
    const id = newestOf(bytes);
    for (let bit = 0; bit < 128; bit += 1) {
      const at = (bit < 64 ? 0 : PAGE_BYTES) + AT.transaction + ((bit % 64) >> 3);
      const flipped = Buffer.from(bytes);
      flipped[at] = (bytes[at] ?? 0) ^ (1 << (bit % 8));
      writeFileSync(copy, flipped);
      for (const acknowledged of [null, { transaction: id, isLast: true }, { transaction: id - 1n, isLast: false }])
        t.throws(() => checkLmdbFile(copy, { acknowledged }), DAMAGED, `bit ${bit} of transaction ${id}`);
    }
  }
});

// --- never committed ---

test('a store that was never committed is begun again, whatever is there of it', async (t) => {
  const source = join(temporaryFolder(t), 'empty');
  const [first] = await history(t, 1, 10);
  if (first === undefined) throw new Error('no such state');
  const fresh = Buffer.from(first.subarray(0, 2 * PAGE_BYTES));
  for (const page of [0, PAGE_BYTES]) {
    for (const root of [88, 136]) fresh.writeBigUInt64LE(0xffff_ffff_ffff_ffffn, page + root);
    fresh.writeBigUInt64LE(1n, page + AT.lastPage);
    fresh.writeBigUInt64LE(0n, page + AT.transaction);
  }
  // The first commit of all failed: its roots stand beside the id 0.
  const failedFirst = Buffer.from(first);
  for (const page of [0, PAGE_BYTES]) fresh.copy(failedFirst, page, page, page + PAGE_BYTES);
  failedFirst.writeBigUInt64LE(3n, PAGE_BYTES + 136);
  const left = [
    fresh,
    fresh.subarray(0, PAGE_BYTES),
    fresh.subarray(0, 1_024),
    Buffer.concat([fresh.subarray(0, PAGE_BYTES), Buffer.alloc(PAGE_BYTES)]),
    Buffer.alloc(PAGE_BYTES),
    Buffer.alloc(2 * PAGE_BYTES),
    Buffer.alloc(0),
    failedFirst,
  ];
  for (const [index, bytes] of left.entries()) {
    writeFileSync(source, bytes);
    const folder = folderWith(t, bytes, null);
    const scratchFolder = temporaryFolder(t);
    await t.throwsAsync(
      readLmdbStore({ ...options(folder), scratchFolder }, lastOf),
      { message: /was never begun/ },
      `${index}`,
    );
    const store = await openLmdbStore(options(folder));
    await store.commit([{ table: 'a', key: LAST, value: keyOf(7) }]);
    await store.close();
    const again = await openLmdbStore(options(folder));
    t.is(lastOf(again), 7, `${index}`);
    await again.close();
  }
});

test('a store that is empty, though a transaction of it was acknowledged, is refused', async (t) => {
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(PAGE_BYTES)]) {
    const folder = folderWith(t, bytes, 9n);
    const refused = { code: 'ERR_STORE_DAMAGED', message: /is empty, and transaction 9 was acknowledged/ };
    await t.throwsAsync(openLmdbStore(options(folder)), refused);
    t.deepEqual(readFileSync(join(folder, 'store.lmdb')), bytes);
  }
});

// --- real failures ---

/** `failed-commit.deep.test.ts` has the other errors. */
for (const [page, error] of [
  ['meta', 'ENOSPC'],
  ['data', 'EIO'],
] as const) {
  withCompiler(`a ${page} page that cannot be written is one line, exit 1, and the store opens again`, async (t) => {
    await checkFailedWrite(t, page, error);
  });
}
