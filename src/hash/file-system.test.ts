// What the calls answer where there is no such file, and on a file system without a power cut. That they do what they
// say is in `soak/cluster/disks.test.ts`, on a disk of its own.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { shutDownFileSystem, unsyncedBytes } from './file-system.ts';
import { mistyped } from './record-fixture.ts';

/** There is no other system on which the soak can cut the power. */
const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux('a file that is not there has nothing unsynced and is named', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'stream-sum-file-system-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const missing = join(folder, 'missing');
  t.throws(() => unsyncedBytes(missing), { code: 'ENOENT', message: `cachestat of ${missing}: ENOENT` });
  t.throws(() => shutDownFileSystem(missing), { code: 'ENOENT' });
  const empty = join(folder, 'empty');
  writeFileSync(empty, '');
  t.is(unsyncedOrZero(empty), 0);
});

onLinux('a file system whose power cannot be cut refuses it', (t) => {
  t.throws(() => shutDownFileSystem('/proc'), { code: 'ENOTTY', message: 'EXT4_IOC_SHUTDOWN of /proc: ENOTTY' });
});

test('a path is text', (t) => {
  t.throws(() => unsyncedBytes(mistyped(7)), { instanceOf: TypeError });
  t.throws(() => shutDownFileSystem(mistyped(null)), { instanceOf: TypeError });
});

/** 0 where the kernel is older than the call. */
function unsyncedOrZero(path: string): number {
  try {
    return unsyncedBytes(path);
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOSYS') return 0;
    throw error;
  }
}
