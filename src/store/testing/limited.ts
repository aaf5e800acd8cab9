/** Stores in processes of their own, under limits, on small disks, and with something else in the place of a file. */

import { existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { type Ended, shell, shellWithMounts } from '../../cli/testing/shell.ts';
import { MAIN, temporaryFolder } from '../../cli/testing/test-process.ts';
import { EXIT } from '../../core/errors.ts';

export const OPENER: string = fileURLToPath(new URL('./opener.js', import.meta.url));
export const READER: string = fileURLToPath(new URL('./reader.js', import.meta.url));
export const WRITER: string = fileURLToPath(new URL('./writer.js', import.meta.url));
export const GIB: number = 1024 ** 3;

/** Expects one line on stderr, this exit code, and no signal. */
export function refused(t: ExecutionContext, ended: Ended, code: number, line: RegExp): void {
  const { signal, stdout, stderr } = ended;
  const said = `${stdout}\n${stderr}`;
  t.is(signal, null, said);
  t.is(ended.code, code, said);
  t.is(stderr.trimEnd().split('\n').length, 1, said);
  t.regex(stderr, line);
}

/** Opens a store under a limit of the shell. */
export function opened(limit: string, folder: string): Promise<Ended> {
  return shell(`ulimit ${limit} && exec "$1" "$2" "$3"`, [process.execPath, OPENER, folder]);
}

/** Expects that a store opens with a smaller map, and says so. */
export async function checkSmallerMap(t: ExecutionContext, gib: number): Promise<void> {
  const ended = await opened(`-v ${gib * 1024 ** 2}`, temporaryFolder(t));
  t.is(ended.stdout, `the address space of the process leaves room for a store of ${mapUnder(gib)} bytes\nrows 0\n`);
}

/** Half of the allowed address space, and half again where the process itself needs the rest. */
function mapUnder(gib: number): number {
  return 2 ** Math.floor(Math.log2(gib - 3)) * GIB;
}

export async function checkNoMap(t: ExecutionContext, gib: number): Promise<void> {
  const ended = await opened(`-v ${gib * 1024 ** 2}`, temporaryFolder(t));
  refused(t, ended, EXIT.internal, /ERR_STORE_OPEN cannot open the store in .*address space.*ulimit -v/);
}

/** Starts a broker that may open so many files. */
export async function checkFewFiles(t: ExecutionContext, count: number): Promise<void> {
  const folder = join(temporaryFolder(t), 'data');
  const script = 'ulimit -n "$1" && exec "$2" "$3" broker --data "$4" --listen "ipc://$4.socket"';
  const ended = await shell(script, [String(count), process.execPath, MAIN, folder]);
  refused(t, ended, EXIT.internal, /ulimit -n/);
  t.false(existsSync(folder));
}

/** A disk of 1 MiB of which so many KiB are free, with the data folder on it. */
const SMALL_DISK = `
mount -t tmpfs -o size=1m none "$1" && mkdir "$1/data" &&
dd if=/dev/zero of="$1/filler" bs=4096 count=$((256 - $2 / 4)) 2>/dev/null
`;

/** Starts on a disk with so many KiB free, and again once there is space. */
export async function checkFullDisk(t: ExecutionContext, free: number): Promise<void> {
  const script = `${SMALL_DISK}
"$3" "$4" "$1/data"; echo "first $?"; ls "$1/data" >&2
rm "$1/filler"; exec "$3" "$4" "$1/data"`;
  const ended = await shellWithMounts(script, [temporaryFolder(t), String(free), process.execPath, OPENER]);
  const said = `${free} KiB: ${ended.stdout}\n${ended.stderr}`;
  t.is(ended.stdout, 'first 1\nrows 0\n', said);
  t.regex(ended.stderr, /^OperatingError ERR_\w+ cannot .*\(ENOSPC\)|: ENOSPC/, said);
  t.notRegex(ended.stderr, /store\.lmdb$/m, said);
}

/** Opens a store, as another user, in a folder that is there, `theirs`, or that it would have to make, `new`. */
export async function checkFolderOfOther(t: ExecutionContext, name: 'theirs' | 'new'): Promise<void> {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'theirs'), { mode: 0o755 });
  const script = 'chmod 755 "$1"; exec setpriv --reuid 65534 --regid 65534 --clear-groups "$2" "$3" "$1/$4"';
  const ended = await shell(script, [folder, process.execPath, OPENER, name]);
  refused(t, ended, EXIT.usage, new RegExp(`cannot use --data ${folder}/${name}: permission denied \\(EACCES\\)`));
  t.deepEqual(readdirSync(folder), ['theirs']);
  t.deepEqual(readdirSync(join(folder, 'theirs')), []);
}

export const FILES = ['store.lmdb', 'store.lmdb-lock', 'store.acknowledged', 'store.lock'] as const;

type FileName = (typeof FILES)[number];

/** What can be there instead of a file. */
export const KINDS: readonly Kind[] = ['folder', 'dangling link', 'link to a device', 'link to a folder'];
type Kind = 'folder' | 'dangling link' | 'link to a device' | 'link to a folder';

export async function checkSomethingElse(t: ExecutionContext, kind: Kind, name: FileName): Promise<void> {
  const nowhere = join(temporaryFolder(t), 'nowhere');
  const make: Readonly<Record<Kind, (path: string) => void>> = {
    folder: (path) => mkdirSync(path),
    'dangling link': (path) => symlinkSync(nowhere, path),
    'link to a device': (path) => symlinkSync('/dev/null', path),
    'link to a folder': (path) => symlinkSync('/tmp', path),
  };
  const folder = temporaryFolder(t);
  make[kind](join(folder, name));
  const ended = await shell('exec "$1" "$2" "$3"', [process.execPath, OPENER, folder]);
  const code = name === 'store.lock' ? EXIT.usage : EXIT.internal;
  const line = name === 'store.lock' ? `cannot use --data ${folder}: ` : `${folder}/${name}: `;
  refused(t, ended, code, new RegExp(line));
  t.false(existsSync(nowhere), `${kind} ${name}`);
}

/** Whether `limits.test.ts` has it; `limits.deep.test.ts` has all others. */
export function isQuick(kind: Kind, name: FileName): boolean {
  return (kind === 'folder' && name === 'store.lmdb') || (kind === 'dangling link' && name === 'store.lock');
}
