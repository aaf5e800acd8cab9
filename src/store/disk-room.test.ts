import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { temporaryFolder } from '../cli/testing/test-process.ts';
import { allocateFile } from '../hash/file-space.ts';
import { DiskRoom } from './disk-room.ts';

const MIB = 1024 ** 2;

type Setup = { readonly room: DiskRoom; readonly file: string; readonly asked: number[] };

/** A disk with so many bytes; beyond that it answers with an error. */
function setUp(
  t: ExecutionContext,
  { free = Infinity, error = 'ENOSPC', mapBytes = 64 * MIB, fileBytes = Infinity, shown = Infinity } = {},
): Setup {
  const file = join(temporaryFolder(t), 'file');
  writeFileSync(file, 'content');
  const asked: number[] = [];
  const allocate = (_: string, bytes: number): string | null => {
    asked.push(bytes);
    return bytes <= free ? null : error;
  };
  const limits = (): { fileBytes: number } => ({ fileBytes });
  return { room: new DiskRoom(file, { mapBytes, allocate, limits, freeBytes: () => shown }), file, asked };
}

test('room is made in steps, and what is there is not asked for again', (t) => {
  const { room, asked } = setUp(t);
  room.ensure(1);
  room.ensure(4 * MIB);
  t.deepEqual(asked, [4 * MIB]);
  room.ensure(4 * MIB + 1);
  t.deepEqual(asked, [4 * MIB, 8 * MIB]);
});

test('on a disk that is nearly full what is needed is enough', (t) => {
  const { room, asked } = setUp(t, { free: 5 * MIB });
  room.ensure(5 * MIB);
  t.deepEqual(asked, [8 * MIB, 5 * MIB]);
  t.true(room.has(5 * MIB));
  t.false(room.has(5 * MIB + 1));
});

test('on a disk with little free no step is taken', (t) => {
  const { room, asked } = setUp(t, { shown: 63 * MIB });
  t.false(room.has(MIB));
  room.ensure(MIB);
  t.deepEqual(asked, [MIB]);
  t.true(room.has(MIB));
});

test('what the disk, a quota, a limit or the map does not allow is one error with its reason', (t) => {
  const cases = [
    [{ free: 0 }, /^no space left on device \(ENOSPC\)$/],
    [{ free: 0, error: 'EDQUOT' }, /^disk quota exceeded \(EDQUOT\)$/],
    [{ free: 0, error: 'EIO' }, /cannot be reserved \(EIO\)$/],
    [{ fileBytes: MIB - 1 }, /ulimit -f/],
    [{ mapBytes: MIB - 1 }, /ulimit -v/],
  ] as const;
  for (const [limits, message] of cases)
    t.throws(() => setUp(t, limits).room.ensure(MIB), { code: 'ERR_STORE_FULL', message });
});

test('a step goes no further than the limits', (t) => {
  const { room, asked } = setUp(t, { fileBytes: 2 * MIB, mapBytes: 3 * MIB });
  room.ensure(MIB);
  t.deepEqual(asked, [2 * MIB]);
});

test('a file system that cannot reserve blocks gets zeros behind the end of the file', (t) => {
  const { room, file } = setUp(t, { free: 0, error: 'EOPNOTSUPP' });
  room.ensure(MIB);
  const bytes = readFileSync(file);
  t.is(bytes.length, 4 * MIB);
  t.is(bytes.subarray(0, 7).toString(), 'content');
  t.true(bytes.subarray(7).every((byte) => byte === 0));
});

test('reserved blocks change neither the size of a file nor its content', (t) => {
  const { file } = setUp(t);
  t.is(allocateFile(file, MIB), null);
  t.is(readFileSync(file, 'utf8'), 'content');
  t.true(statSync(file).blocks * 512 >= MIB);
  t.is(allocateFile(`${file}-missing`, MIB), 'ENOENT');
  t.is(allocateFile(join(file, '..'), MIB), 'EISDIR');
});
