/**
 * `--data` of every command that has it: an unusable folder gives one line and exit 2 at once, and nothing is left
 * behind.
 */

import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { EXIT } from '../core/errors.ts';
import { asRoot, onLinux, shell, shellWithMounts } from './testing/shell.ts';
import { MAIN, TestProcess, temporaryFolder } from './testing/test-process.ts';

/** The command lines without `--data`; `at` is a folder for other files that they make. */
const COMMANDS: Readonly<Record<string, (at: string) => readonly string[]>> = {
  // Not in `at`, where another user cannot create anything; and one path for each test, because tests run side by side.
  broker: (at) => ['broker', '--listen', `ipc://${join(tmpdir(), `${basename(at)}.socket`)}`],
  summer: (at) => ['summer', '--connect', `ipc://${at}/socket`, '--partitions', '0'],
  chunker: (at) => ['chunker', '--connect', `ipc://${at}/socket`],
  soak: (at) => ['soak', '--results', join(at, 'results'), '--duration', '60s'],
};

async function refused(t: ExecutionContext, argv: readonly string[], line: string): Promise<void> {
  const command = new TestProcess(t, argv);
  const { code, signal } = await command.exit();
  const said = [argv.join(' '), ...command.stdout, ...command.stderr].join('\n');
  t.is(signal, null, said);
  t.is(code, EXIT.usage, said);
  t.is(command.stderr.length, 1, said);
  t.true(command.lastMessage.includes(line), said);
}

onLinux('a data folder that cannot be is one line with option, value and reason, and leaves nothing', async (t) => {
  for (const command of Object.values(COMMANDS)) {
    const at = temporaryFolder(t);
    writeFileSync(join(at, 'file'), '');
    symlinkSync(join(at, 'nowhere'), join(at, 'link'));
    const before = readdirSync(at);
    for (const [data, reason] of [
      ['/proc/no-such-folder', 'no such file or directory (ENOENT)'],
      ['/dev/fd/no-such-folder', 'no such file or directory (ENOENT)'],
      ['/dev/null', '/dev/null is not a folder'],
      [join(at, 'file'), `${join(at, 'file')} is not a folder`],
      [join(at, 'file/data'), 'not a directory (ENOTDIR)'],
      [join(at, 'link'), `${join(at, 'link')} is a link that leads nowhere`],
      [join(at, 'new', 'x'.repeat(300)), 'name too long (ENAMETOOLONG)'],
    ] as const) {
      await refused(t, [...command(at), '--data', data], `cannot use --data ${data}: ${reason}`);
      t.deepEqual(readdirSync(at), before, data);
    }
    await refused(t, [...command(at), '--data', ''], '--data');
  }
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
  const at = temporaryFolder(t);
  for (const name of ['with space', 'ünïcödé', `quo'te"`, 'a/b/c']) {
    const data = join(at, name);
    const broker = new TestProcess(t, ['broker', '--data', data, '--listen', `ipc://${at}/socket`]);
    await broker.ready();
    await broker.signal('SIGTERM');
    t.is((await broker.exit()).code, EXIT.holds);
    t.true(existsSync(join(data, 'store.lmdb')));
  }
});
