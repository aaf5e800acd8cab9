/**
 * `--data` of every command that has it: an unusable folder gives one line and exit 2 at once, and nothing is left
 * behind.
 */

import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { EXIT } from '../core/errors.ts';
import { COMMANDS, type CommandName, QUICK, checkUnusable, checkUsable } from './testing/data-folders.ts';
import { asRoot, onLinux, shell, shellWithMounts } from './testing/shell.ts';
import { MAIN, temporaryFolder } from './testing/test-process.ts';

onLinux('a data folder that cannot be is one line with option, value and reason, and leaves nothing', async (t) => {
  for (const name of Object.keys(COMMANDS) as CommandName[])
    await checkUnusable(t, name, (kind) => name !== 'broker' || !QUICK.includes(kind));
});

asRoot('a data folder on a read-only disk, or of another user, is exit 2 and leaves nothing', async (t) => {
  for (const command of Object.values(COMMANDS)) {
    const at = temporaryFolder(t);
    mkdirSync(join(at, 'disk'));
    const readOnly = `mount -t tmpfs none "$1/disk" && mkdir "$1/disk/there" && mount -o remount,ro "$1/disk" &&
      shift && exec "$@"`;
    const as = ['--reuid', '65534', '--regid', '65534', '--clear-groups'];
    for (const name of ['there', 'new']) {
      const data = join(at, 'disk', name);
      const argv = [process.execPath, MAIN, ...command(at), '--data', data];
      const onDisk = await shellWithMounts(readOnly, [at, ...argv]);
      t.is(onDisk.code, EXIT.usage, onDisk.stderr);
      t.true(onDisk.stderr.includes(`cannot use --data ${data}: read-only file system (EROFS)`), onDisk.stderr);
      if (name === 'there') mkdirSync(data);
      const ofOther = await shell('chmod 755 "$1" && shift && exec setpriv "$@"', [at, ...as, ...argv]);
      t.is(ofOther.code, EXIT.usage, ofOther.stderr);
      t.true(ofOther.stderr.includes(`cannot use --data ${data}: permission denied (EACCES)`), ofOther.stderr);
    }
    t.deepEqual(readdirSync(at), ['disk']);
    t.deepEqual(readdirSync(join(at, 'disk')), ['there']);
  }
});

test('a data folder with any name that a file system takes is used as it is', async (t) => {
  await checkUsable(t, ['with space', 'ünïcödé', 'a/b/c']);
});
