import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { temporaryFolder } from '../cli/testing/test-process.ts';
import { AcknowledgedNote, readAcknowledged } from './acknowledged-note.ts';

const BOOT = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
const OTHER = Buffer.alloc(16, 0xff);

function written(t: ExecutionContext, write: (note: AcknowledgedNote) => void): string {
  const path = join(temporaryFolder(t), 'note');
  writeFileSync(path, '');
  const note = new AcknowledgedNote(path, BOOT);
  write(note);
  note.close();
  return path;
}

test('a note has the bytes that its table says', (t) => {
  const path = written(t, (note) => note.acknowledged(0x0102_0304_0506_0708n));
  t.is(
    readFileSync(path, 'hex'),
    ['b8a19803', '01000000', '0807060504030201', '00000000', BOOT.toString('hex')].join(''),
  );
});

test('within one boot the note names the last acknowledged transaction, later it is a lower bound', (t) => {
  const path = written(t, (note) => {
    note.acknowledged(6n);
    note.acknowledged(7n);
  });
  t.deepEqual(readAcknowledged(path, BOOT), { transaction: 7n, isLast: true });
  t.deepEqual(readAcknowledged(path, OTHER), { transaction: 7n, isLast: false });
});

test('after a failure the note names the last one in every boot', (t) => {
  const path = written(t, (note) => {
    note.acknowledged(7n);
    note.failed();
  });
  t.deepEqual(readAcknowledged(path, OTHER), { transaction: 7n, isLast: true });
});

test('the owner that opens the store again begins anew', (t) => {
  const path = written(t, (note) => {
    note.acknowledged(7n);
    note.failed();
  });
  const note = new AcknowledgedNote(path, OTHER);
  // As long as nothing was acknowledged, the old note stays valid.
  t.deepEqual(readAcknowledged(path, BOOT), { transaction: 7n, isLast: true });
  note.acknowledged(8n);
  note.close();
  t.deepEqual(readAcknowledged(path, BOOT), { transaction: 8n, isLast: false });
});

test('a note that is missing, cut, or has any bit flipped says nothing', (t) => {
  const path = written(t, (note) => note.acknowledged(7n));
  t.is(readAcknowledged(`${path}-missing`, BOOT), null);
  t.is(readAcknowledged(join(path, '..'), BOOT), null);
  const bytes = readFileSync(path);
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit % 8));
    writeFileSync(path, flipped);
    t.is(readAcknowledged(path, BOOT), null, `bit ${bit}`);
  }
  writeFileSync(path, bytes);
  for (let length = bytes.length - 1; length >= 0; length -= 1) {
    truncateSync(path, length);
    t.is(readAcknowledged(path, BOOT), null, `${length} bytes`);
  }
});
