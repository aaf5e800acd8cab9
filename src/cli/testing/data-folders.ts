/** `--data` of every command that has it: folders that it cannot be, and folders that it can be. */

import { existsSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { EXIT } from '../../core/errors.ts';
import { TestProcess, temporaryFolder } from './test-process.ts';

export type CommandName = 'broker' | 'summer' | 'chunker' | 'soak';

/** The command lines without `--data`; `at` is a folder for other files that they make. */
export const COMMANDS: Readonly<Record<CommandName, (at: string) => readonly string[]>> = {
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

export type Unusable =
  | 'in /proc'
  | 'in /dev/fd'
  | 'a device'
  | 'a file'
  | 'below a file'
  | 'a dangling link'
  | 'a long name'
  | 'no name';

/** What cannot be a data folder, in a folder with a plain file and a dangling link, and how that is told. */
const UNUSABLE: Readonly<Record<Unusable, (at: string) => readonly [data: string, reason: string]>> = {
  'in /proc': () => ['/proc/no-such-folder', 'no such file or directory (ENOENT)'],
  'in /dev/fd': () => ['/dev/fd/no-such-folder', 'no such file or directory (ENOENT)'],
  'a device': () => ['/dev/null', '/dev/null is not a folder'],
  'a file': (at) => [join(at, 'file'), `${join(at, 'file')} is not a folder`],
  'below a file': (at) => [join(at, 'file/data'), 'not a directory (ENOTDIR)'],
  'a dangling link': (at) => [join(at, 'link'), `${join(at, 'link')} is a link that leads nowhere`],
  'a long name': (at) => [join(at, 'new', 'x'.repeat(300)), 'name too long (ENAMETOOLONG)'],
  'no name': () => ['', ''],
};

/** The kinds that `data-folder.test.ts` has, of a broker. `data-folder.deep.test.ts` has all others. */
export const QUICK: readonly Unusable[] = ['below a file', 'a dangling link'];

export async function checkUnusable(
  t: ExecutionContext,
  name: CommandName,
  isWanted: (kind: Unusable) => boolean,
): Promise<void> {
  const at = temporaryFolder(t);
  writeFileSync(join(at, 'file'), '');
  symlinkSync(join(at, 'nowhere'), join(at, 'link'));
  const before = readdirSync(at);
  for (const kind of (Object.keys(UNUSABLE) as Unusable[]).filter(isWanted)) {
    const [data, reason] = UNUSABLE[kind](at);
    const line = data === '' ? '--data' : `cannot use --data ${data}: ${reason}`;
    await refused(t, [...COMMANDS[name](at), '--data', data], line);
    t.deepEqual(readdirSync(at), before, data);
  }
}

export async function checkUsable(t: ExecutionContext, names: readonly string[]): Promise<void> {
  const at = temporaryFolder(t);
  for (const name of names) {
    const data = join(at, name);
    const broker = new TestProcess(t, ['broker', '--data', data, '--listen', `ipc://${at}/socket`]);
    await broker.ready();
    await broker.signal('SIGTERM');
    t.is((await broker.exit()).code, EXIT.holds);
    t.true(existsSync(join(data, 'store.lmdb')));
  }
}
