import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import {
  anonymousBytesOf,
  cpuSecondsOf,
  diskBytesOf,
  processArguments,
  readProcessUsage,
  rssBytesOf,
  stateOf,
  writtenBytesOf,
} from './process-usage.ts';

test('resident memory, CPU time and written bytes are read from the text of /proc', (t) => {
  t.is(rssBytesOf('Name:\tnode\nVmRSS:\t    2048 kB\nThreads:\t7\n'), 2_097_152);
  t.is(anonymousBytesOf('VmRSS:\t    2048 kB\nRssAnon:\t    1024 kB\nRssFile:\t    1024 kB\n'), 1_048_576);
  t.is(anonymousBytesOf('VmRSS:\t    2048 kB\n'), null);
  t.is(rssBytesOf('Name:\tnode\nState:\tZ (zombie)\n'), null);
  t.is(cpuSecondsOf('12 (a) b (c) S 1 12 12 0 -1 4194560 1 0 0 0 250 150 0 0 20 0 7 0 1'), 4);
  t.is(cpuSecondsOf(''), null);
  t.is(stateOf('12 (a) T (c) S 1 12'), 'S');
  t.is(stateOf(''), null);
  t.is(writtenBytesOf('rchar: 9\nwchar: 8\nread_bytes: 7\nwrite_bytes: 4096\ncancelled_write_bytes: 5\n'), 4096);
  t.is(writtenBytesOf(''), null);
});

test('a process that is gone has no usage, which is not the same as none', (t) => {
  t.deepEqual(readProcessUsage(2 ** 22 + 1), {
    rssBytes: null,
    anonymousBytes: null,
    descriptors: null,
    cpuSeconds: null,
    writtenBytes: null,
  });
});

test('this process uses something, where there is a /proc', (t) => {
  const { rssBytes, anonymousBytes, descriptors } = readProcessUsage(process.pid);
  t.true((anonymousBytes ?? 0) <= (rssBytes ?? 0));
  t.true(rssBytes === null || rssBytes > 1e6);
  t.true(descriptors === null || descriptors > 0);
});

test('the kernel has the command line of a process, and none of one that is gone', (t) => {
  t.deepEqual(processArguments(process.pid)?.slice(-1), process.argv.slice(-1));
  t.true((processArguments(process.pid)?.length ?? 0) > 1);
  t.is(processArguments(2 ** 30), null);
});

test('a folder uses what its files use, below too; one that is missing has no figure', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'stream-sum-disk-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'a/b'), { recursive: true });
  const empty = diskBytesOf(folder) ?? Number.NaN;
  writeFileSync(join(folder, 'a/b/file'), Buffer.alloc(100_000, 1));
  t.true((diskBytesOf(folder) ?? 0) - empty >= 100_000);
  t.is(diskBytesOf(join(folder, 'missing')), null);
});
