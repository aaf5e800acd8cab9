import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { temporaryFolder, within } from '../cli/testing/test-process.ts';
import { DescriptorWriter } from './descriptor-writer.ts';
import { UNWRITABLE, unwritable } from './testing/unwritable.ts';

for (const kind of UNWRITABLE) {
  test(`${kind} costs the lines that cannot be written, and never throws or waits`, (t) => {
    const place = unwritable(kind, temporaryFolder(t));
    t.teardown(() => place.close());
    const writer = new DescriptorWriter({ descriptor: place.descriptor, pendingBytesMax: 0 });
    let gone = 0;
    writer.on('error', () => {
      gone += 1;
      throw new Error('whoever is told must not stop it either');
    });
    for (let line = 0; line < 3; line += 1) t.notThrows(() => writer.write(`line ${line}\n`));
    t.notThrows(() => writer.flush(20));
    // The test reads the pipe later: its first line waits.
    t.is(writer.dropped, kind === 'a pipe that nobody reads' ? 2 : 3);
    t.is(gone, kind === 'a closed pipe' ? 1 : 0);
  });
}

test('lines for a slow reader arrive whole and in order, and lines beyond the bound are dropped', async (t) => {
  const place = unwritable('a pipe that nobody reads', temporaryFolder(t));
  t.teardown(() => place.close());
  const writer = new DescriptorWriter({ descriptor: place.descriptor, pendingBytesMax: 200_000 });
  const lines = Array.from({ length: 300 }, (_, line) => `${line} ${'x'.repeat(995)}\n`);
  for (const line of lines) writer.write(line);
  t.true(writer.dropped > 0);
  const written = lines.length - writer.dropped;
  let read = '';
  const all = async (): Promise<void> => {
    while (!read.includes(lines[written - 1] ?? '')) {
      read += place.read().replaceAll('.', '');
      await new Promise(setImmediate);
    }
  };
  await within(all(), () => `${read.length} characters were read`);
  t.is(read, lines.slice(0, written).join(''));
});

test('the bytes of a line that broke off on a full disk are ended before the next line', (t) => {
  const folder = join(temporaryFolder(t), 'small');
  mkdirSync(folder);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8k', 'none', folder], { stdio: 'ignore' });
  } catch {
    t.log('left out: this user may not mount a small file system');
    t.pass();
    return;
  }
  t.teardown(() => execFileSync('umount', ['-l', folder]));
  const [log, other] = ['log', 'other'].map((name) => join(folder, name)) as [string, string];
  const filler = openSync(other, 'w');
  writeSync(filler, Buffer.alloc(4096));
  const descriptor = openSync(log, 'a');
  const writer = new DescriptorWriter({ descriptor, pendingBytesMax: 0 });
  writer.write(`${'a'.repeat(5_000)}\n`);
  t.is(writer.dropped, 1);
  t.is(readFileSync(log, 'utf8'), 'a'.repeat(4096));
  execFileSync('truncate', ['-s', '0', other]);
  writer.write('b\n');
  writer.write('c\n');
  t.is(readFileSync(log, 'utf8'), `${'a'.repeat(4096)}\nb\nc\n`);
  t.is(writer.dropped, 1);
  for (const each of [filler, descriptor]) closeSync(each);
});
