// Pages of counts: a child process writes one, is stopped, and is killed.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import test from 'ava';

import { COUNTS_MAX, CountPage } from './count-page.ts';
import { mistyped } from './record-fixture.ts';

const PAGE_BYTES = 4096;

function pageFile(t: { teardown(done: () => void): void }, pages: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'stream-sum-page-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'pages');
  writeFileSync(path, Buffer.alloc(pages * PAGE_BYTES));
  return path;
}

/** All counts of a page, as another process reads them. */
function countsOf(path: string, page: number): number[] {
  const descriptor = openSync(path, 'r');
  try {
    const counts = new Uint32Array(COUNTS_MAX);
    readSync(descriptor, counts, 0, counts.byteLength, page * PAGE_BYTES);
    return [...counts];
  } finally {
    closeSync(descriptor);
  }
}

test('what is stored is read from the file at once, in its own page, and counts wrap at 32 bits', (t) => {
  const path = pageFile(t, 3);
  const page = CountPage.open(path, PAGE_BYTES);
  page.set(0, 0xffff_ffff);
  page.set(COUNTS_MAX - 1, 7);
  page.add(1);
  page.add(1);
  const none = Array.from({ length: COUNTS_MAX }, () => 0);
  t.deepEqual(countsOf(path, 0), none);
  t.deepEqual(
    countsOf(path, 1),
    none
      .with(0, 0xffff_ffff)
      .with(1, 2)
      .with(COUNTS_MAX - 1, 7),
  );
  t.deepEqual(countsOf(path, 2), none);
  page.add(0);
  t.is(countsOf(path, 1)[0], 0);
});

test('a page that the file does not have, and a count that the page does not have, are refused', (t) => {
  const path = pageFile(t, 1);
  const refused = { code: 'ERR_COUNT_PAGE' };
  t.throws(() => CountPage.open(path, PAGE_BYTES), refused);
  t.throws(() => CountPage.open(path, 1), refused);
  t.throws(() => CountPage.open(`${path}-missing`, 0), refused);
  t.throws(() => CountPage.open(path, -1), { code: 'ERR_OUT_OF_RANGE' });
  t.throws(() => CountPage.open(mistyped(1), 0), { instanceOf: TypeError });
  const page = CountPage.open(path, 0);
  t.throws(() => page.add(COUNTS_MAX), { code: 'ERR_OUT_OF_RANGE' });
  t.throws(() => page.set(COUNTS_MAX, 1), { code: 'ERR_OUT_OF_RANGE' });
});

const writer = `
  const { CountPage } = await import(process.argv[1]);
  const page = CountPage.open(process.argv[2], 0);
  page.set(3, process.pid);
  page.add(4);
  console.log('stored');
  for (;;) page.add(4);
`;

test('the page of a killed process holds what it stored last', async (t) => {
  const path = pageFile(t, 1);
  const module = new URL('./count-page.js', import.meta.url).href;
  const child = spawn(process.execPath, ['--input-type=module', '-e', writer, module, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  const running = countsOf(path, 0);
  child.kill('SIGKILL');
  await once(child, 'close');
  const dead = countsOf(path, 0);
  t.is(dead[3], child.pid);
  t.true((dead[4] ?? 0) >= (running[4] ?? 0) && (dead[4] ?? 0) > 0);
  t.deepEqual(countsOf(path, 0), dead);
});
