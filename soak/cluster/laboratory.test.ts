/** What a cluster says, and leaves behind, where it cannot be started. */

import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { temporaryFolder } from '../../src/cli/testing/test-process.ts';
import { delay, systemClock } from '../../src/core/clock.ts';
import { UsageError } from '../../src/core/errors.ts';
import { asRootOfNamespaces } from './as-root.ts';
import { Cluster } from './cluster.ts';
import { Laboratory } from './laboratory.ts';

const DEADLINE_MS = 30_000;

/** A PATH of one folder until the test ends. */
function onlyPath(t: ExecutionContext): string {
  const path = process.env['PATH'];
  const folder = temporaryFolder(t);
  process.env['PATH'] = folder;
  t.teardown(() => {
    process.env['PATH'] = path;
  });
  return folder;
}

const STARTS = [
  ['this user', () => Laboratory.open()],
  ['root of new namespaces', () => asRootOfNamespaces(() => undefined)],
] as const;

for (const [whose, start] of STARTS) {
  test.serial(`without unshare a cluster of ${whose} names it`, async (t) => {
    onlyPath(t);
    await t.throwsAsync<UsageError>(start, { instanceOf: UsageError, message: /needs the program unshare/ });
  });

  test.serial(`where the kernel allows no namespaces a cluster of ${whose} says so`, async (t) => {
    const refusing = join(onlyPath(t), 'unshare');
    writeFileSync(refusing, "#!/bin/sh\necho 'unshare: unshare failed: Operation not permitted' >&2\nexit 1\n");
    chmodSync(refusing, 0o755);
    await t.throwsAsync<UsageError>(start, { instanceOf: UsageError, message: /needs network namespaces: run it as/ });
  });
}

const asRoot = process.getuid?.() === 0 ? test.serial : test.serial.skip;

asRoot('a cluster whose folder cannot be used leaves no process behind (needs root)', async (t) => {
  const file = join(temporaryFolder(t), 'file');
  writeFileSync(file, '');
  const size = { brokers: 1, replication: 1, etcd: 1, partitions: 1 };
  const binaries = { etcd: '/bin/false', gazette: '/bin/false' };
  await t.throwsAsync(Cluster.start({ ...size, binaries, folder: file, onEnded: () => t.fail('nothing has begun') }));
  const deadlineNs = systemClock.nowNs() + DEADLINE_MS * 1e6;
  while (hasChildren() && systemClock.nowNs() < deadlineNs) await delay(systemClock, 20);
  t.false(hasChildren());
});

function hasChildren(): boolean {
  return process.getActiveResourcesInfo().includes('ProcessWrap');
}
