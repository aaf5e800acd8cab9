import test from 'ava';
import type { Write } from '../../../../src/store/store.ts';
import { keyOf, sealRow } from '../../../../src/store/row.ts';
import { Disk, type OwnedWrites } from '../../world/disk.ts';
import { TrueRows } from './true-rows.ts';

const PATH = '/simulated/a';
const WITNESS = 'lineage broker-1 1 address';

const write = (table: string, shard: number, text: string): OwnedWrites[number] & Write => ({
  table,
  key: keyOf(shard),
  value: Buffer.from(text),
});

const checkpoint = (shard: number, offset: number, witness: string): OwnedWrites[number] & Write => ({
  table: 'checkpoints',
  key: keyOf(shard),
  value: sealRow({ offset, nextSum: 0, witness }),
});

const OFFSET = checkpoint(0, 1, WITNESS);
const STATE = write('states', 0, 'state');
const OTHER = checkpoint(1, 2, WITNESS);

function newDisk(): Disk {
  return new Disk(PATH, () => {});
}

test('a store is right while it has what was to be committed, and wrong without a row of it', (t) => {
  const disk = newDisk();
  const rows = new TrueRows();
  rows.begin(PATH, disk, [OFFSET, STATE, OTHER], [[OFFSET, OTHER]]);
  disk.apply([OFFSET, OTHER]);
  rows.end(PATH);
  t.true(rows.isWrong(PATH, disk, 0));
  t.false(rows.isWrong(PATH, disk, 1));
  disk.apply([STATE]);
  t.false(rows.isWrong(PATH, disk, 0));
  disk.apply([write('producers', 0, 'nobody wrote this')]);
  t.true(rows.isWrong(PATH, disk, 0));
});

test('of a commit whose process died, nothing is right, all is right, and half of it is wrong', (t) => {
  for (const [made, isWrong] of [
    [[], false],
    [[OFFSET], true],
    [[OFFSET, STATE], false],
  ] as const) {
    const disk = newDisk();
    const rows = new TrueRows();
    rows.begin(PATH, disk, [OFFSET, STATE], [[OFFSET], [STATE]]);
    disk.apply(made);
    t.is(rows.isWrong(PATH, disk, 0), isWrong, `${made.length} rows`);
  }
});

test('a page of states without files is the same as none', (t) => {
  const disk = newDisk();
  const rows = new TrueRows();
  rows.begin(PATH, disk, [{ ...STATE, value: Buffer.alloc(12) }], []);
  rows.end(PATH);
  t.false(rows.isWrong(PATH, disk, 0));
});

test('what a store proves of the journals, and a claim that its next owner replaces, are no state', (t) => {
  const disk = newDisk();
  const rows = new TrueRows();
  const later = checkpoint(0, 1, 'lineage broker-1 2 address');
  rows.begin(PATH, disk, [later, write('claims', 0, 'an epoch')], []);
  disk.apply([OFFSET]);
  rows.end(PATH);
  t.false(rows.isWrong(PATH, disk, 0));
  disk.apply([checkpoint(0, 2, WITNESS)]);
  t.true(rows.isWrong(PATH, disk, 0));
});
