/** Which programs a cluster takes from where, and what is said where one is missing. */

import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { temporaryFolder } from '../../src/cli/testing/test-process.ts';
import { UsageError } from '../../src/core/errors.ts';
import { findBinaries } from './binaries.ts';

function folderWith(t: ExecutionContext, names: readonly string[]): string {
  const folder = temporaryFolder(t);
  for (const name of names) {
    writeFileSync(join(folder, name), '');
    chmodSync(join(folder, name), 0o755);
  }
  return folder;
}

test('programs are those of the named folder', (t) => {
  const folder = folderWith(t, ['etcd', 'gazette']);
  t.deepEqual(findBinaries(folder), { etcd: join(folder, 'etcd'), gazette: join(folder, 'gazette') });
});

test('the S3 server is needed only where fragments are there, and what is missing is named', (t) => {
  const without = folderWith(t, ['etcd', 'gazette']);
  t.throws(() => findBinaries(without, { extras: ['gofakes3'] }), {
    instanceOf: UsageError,
    message: /^gofakes3: not in --bin/,
  });
  const whole = folderWith(t, ['etcd', 'gazette', 'gofakes3']);
  t.is(findBinaries(whole, { extras: ['gofakes3'] }).gofakes3, join(whole, 'gofakes3'));
  const none = folderWith(t, ['gazette']);
  t.throws(() => findBinaries(none, { extras: ['gofakes3'] }), { message: /^etcd and gofakes3: not in --bin/ });
});

test('without a named folder the PATH is searched, too', (t) => {
  const folder = folderWith(t, ['etcd', 'gazette']);
  const environment = { XDG_CACHE_HOME: temporaryFolder(t), PATH: folder };
  t.is(findBinaries(null, { environment }).gazette, join(folder, 'gazette'));
  t.throws(() => findBinaries(null, { environment: { ...environment, PATH: '' } }), {
    message:
      /^etcd and gazette: neither in the cache folder nor on the PATH; build them with `npm run cluster -- build`/,
  });
});
