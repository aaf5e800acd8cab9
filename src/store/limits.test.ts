/**
 * Stores under limits, on full disks, and with something else in the place of their files: one line and an exit code,
 * never a signal.
 */

import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { type Ended, asRoot, onLinux, shell, shellWithMounts } from '../cli/testing/shell.ts';
import { MAIN, TestProcess, temporaryFolder } from '../cli/testing/test-process.ts';
import { EXIT } from '../core/errors.ts';
import { MAP_BYTES, MAP_BYTES_MIN, chooseMapBytes, mapBytesOf, tryMemory } from './lmdb-needs.ts';
import { openLmdbStore } from './lmdb-store.ts';
import { type ProcessLimits, readProcessLimits } from './process-limits.ts';
import { keyOf } from './row.ts';
import { TABLES } from './testing/written.ts';

const OPENER = fileURLToPath(new URL('./testing/opener.js', import.meta.url));
const READER = fileURLToPath(new URL('./testing/reader.js', import.meta.url));
const WRITER = fileURLToPath(new URL('./testing/writer.js', import.meta.url));
const GIB = 1024 ** 3;

/** Expects one line on stderr, this exit code, and no signal. */
function refused(t: ExecutionContext, ended: Ended, code: number, line: RegExp): void {
  const { signal, stdout, stderr } = ended;
  const said = `${stdout}\n${stderr}`;
  t.is(signal, null, said);
  t.is(ended.code, code, said);
  t.is(stderr.trimEnd().split('\n').length, 1, said);
  t.regex(stderr, line);
}

/** Opens a store under a limit of the shell. */
function opened(limit: string, folder: string): Promise<Ended> {
  return shell(`ulimit ${limit} && exec "$1" "$2" "$3"`, [process.execPath, OPENER, folder]);
}

// --- address space ---

test('the map is the largest power of two that leaves the process room, or one line', (t) => {
  t.is(chooseMapBytes({ addressBytes: Infinity }), MAP_BYTES);
  t.is(chooseMapBytes({ addressBytes: 66 * GIB }), MAP_BYTES);
  t.is(chooseMapBytes({ addressBytes: 65 * GIB }), MAP_BYTES / 2);
  t.is(chooseMapBytes({ addressBytes: 3 * GIB }), MAP_BYTES_MIN);
  t.throws(() => chooseMapBytes({ addressBytes: 2 * GIB }), {
    code: 'ERR_STORE_OPEN',
    message: /2560 MiB .*leaves 2048 MiB/,
  });
  t.true(mapBytesOf(5_000_000, { addressBytes: GIB }) > 5_000_000);
  t.throws(() => mapBytesOf(GIB, { addressBytes: GIB }), { code: 'ERR_STORE_OPEN', message: /ulimit -v/ });
});

onLinux('the limits of the process are read as the shell set them', async (t) => {
  const module = new URL('./process-limits.js', import.meta.url).href;
  const script = `import { readProcessLimits } from '${module}'; console.log(JSON.stringify(readProcessLimits()))`;
  const { stdout } = await shell(
    'ulimit -v 20971520; ulimit -f 2048; ulimit -d 4194304; ulimit -s 4096; exec "$1" --input-type=module -e "$2"',
    [process.execPath, script],
  );
  const { addressBytes, fileBytes, dataBytes, stackBytes } = JSON.parse(stdout) as ProcessLimits;
  t.is(stackBytes, 4 * 1024 ** 2);
  t.true(dataBytes > 0 && dataBytes < 4 * GIB, stdout);
  // sh counts the sizes of files in blocks of 512 bytes.
  t.is(fileBytes, 2048 * 512);
  t.true(addressBytes > 0 && addressBytes < 20 * GIB, stdout);
  t.true(readProcessLimits().addressBytes > 0);
});

onLinux('under a limit of address space a store opens with a smaller map, and says so, or is refused', async (t) => {
  for (const gib of [60, 20, 8]) {
    const ended = await opened(`-v ${gib * 1024 ** 2}`, temporaryFolder(t));
    t.is(ended.stdout, `the address space of the process leaves room for a store of ${mapUnder(gib)} bytes\nrows 0\n`);
  }
  for (const gib of [1.5, 2]) {
    const ended = await opened(`-v ${gib * 1024 ** 2}`, temporaryFolder(t));
    refused(t, ended, EXIT.internal, /ERR_STORE_OPEN cannot open the store in .*address space.*ulimit -v/);
  }
});

/** Half of the allowed address space, and half again where the process itself needs the rest. */
function mapUnder(gib: number): number {
  return 2 ** Math.floor(Math.log2(gib - 3)) * GIB;
}

onLinux('a store that is larger than the map that its process may have is one line', async (t) => {
  const folder = temporaryFolder(t);
  await (await openLmdbStore({ folder, kind: 'summer', tables: TABLES })).close();
  truncateSync(join(folder, 'store.lmdb'), 3 * GIB);
  const ended = await opened(`-v ${5 * 1024 ** 2}`, folder);
  refused(t, ended, EXIT.internal, /cannot open the store in .*its map of \d+ bytes is full.*ulimit -v/);
});

onLinux('a copy of a store is read where its own map would not fit, or is one line', async (t) => {
  const folder = temporaryFolder(t);
  const store = await openLmdbStore({ folder, kind: 'summer', tables: TABLES });
  await store.commit([{ table: 'a', key: keyOf(1), value: keyOf(1) }]);
  await store.close();
  const read = (limit: string): Promise<Ended> =>
    shell(`ulimit ${limit} && exec "$1" "$2" "$3" "$4" once`, [process.execPath, READER, folder, temporaryFolder(t)]);
  t.deepEqual(await read(`-v ${2 * 1024 ** 2}`), { code: 0, signal: null, stdout: 'read\n', stderr: '' });
  refused(t, await read(`-f 1`), EXIT.internal, /ERR_STORE_OPEN cannot open the store in /);
});

onLinux('a stack or a memory that is too small for LMDB is one line', async (t) => {
  refused(
    t,
    await opened('-s 128', temporaryFolder(t)),
    EXIT.internal,
    /needs a stack of 512 KiB.*ulimit -s.* 128 KiB/,
  );
  const memory = { code: 'ERR_STORE_OPEN', message: /needs 64 MiB of memory.*ulimit -d.* 63 MiB/ };
  t.throws(() => tryMemory({ dataBytes: 64 * 1024 ** 2 - 1, stackBytes: Infinity }), memory);
  t.is((await opened('-s 512', temporaryFolder(t))).stdout, 'rows 0\n');
});

// --- open files, sizes of files ---

onLinux('with too few open files allowed a component says so', async (t) => {
  for (const count of [28, 32, 40]) {
    const folder = join(temporaryFolder(t), 'data');
    const script = 'ulimit -n "$1" && exec "$2" "$3" broker --data "$4" --listen "ipc://$4.socket"';
    const ended = await shell(script, [String(count), process.execPath, MAIN, folder]);
    refused(t, ended, EXIT.internal, /ulimit -n/);
    t.false(existsSync(folder));
  }
});

onLinux('a limit of the size of files is an error of the commit, before LMDB writes', async (t) => {
  const small = await opened('-f 100', temporaryFolder(t));
  refused(t, small, EXIT.internal, /ERR_STORE_FULL|cannot open the store in .*ulimit -f/);
  const folder = temporaryFolder(t);
  const script = 'ulimit -f 8192 && exec "$1" "$2" "$3" 0 100000';
  const ended = await shell(script, [process.execPath, WRITER, folder]);
  refused(
    t,
    ended,
    EXIT.internal,
    /^ERR_STORE_COMMIT the commit to .* failed: the limit of a file's size \(ulimit -f\) is reached/,
  );
  t.true(statSync(join(folder, 'store.lmdb')).size <= 8192 * 512);
  t.regex((await opened('-f unlimited', folder)).stdout, /^rows \d+\n$/);
});

// --- disks ---

/** A disk of 1 MiB of which so many KiB are free, with the data folder on it. */
const SMALL_DISK = `
mount -t tmpfs -o size=1m none "$1" && mkdir "$1/data" &&
dd if=/dev/zero of="$1/filler" bs=4096 count=$((256 - $2 / 4)) 2>/dev/null
`;

asRoot('a first start on a full disk is one line, and with space the same folder is used', async (t) => {
  const script = `${SMALL_DISK}
"$3" "$4" "$1/data"; echo "first $?"; ls "$1/data" >&2
rm "$1/filler"; exec "$3" "$4" "$1/data"`;
  for (const free of [0, 4, 8, 12, 16, 20, 28, 32, 48]) {
    const ended = await shellWithMounts(script, [temporaryFolder(t), String(free), process.execPath, OPENER]);
    const said = `${free} KiB: ${ended.stdout}\n${ended.stderr}`;
    t.is(ended.stdout, 'first 1\nrows 0\n', said);
    t.regex(ended.stderr, /^OperatingError ERR_\w+ cannot .*\(ENOSPC\)|: ENOSPC/, said);
    t.notRegex(ended.stderr, /store\.lmdb$/m, said);
  }
});

asRoot('a store whose disk becomes full ends with one line, and opens with every acknowledged row', async (t) => {
  // Commits of up to 7 values of 100,000 bytes.
  const script = `mount -t tmpfs -o size=4m none "$1" && mkdir "$1/data"
"$2" "$3" "$1/data" 0 100000 >"$1.out"; echo "writer $?"
grep -E '^[0-9]+$' "$1.out" | tail -n 1
cp -r "$1/data" "$1.saved"
exec "$2" "$4" "$1.saved"`;
  const folder = join(temporaryFolder(t), 'disk');
  mkdirSync(folder);
  const ended = await shellWithMounts(script, [folder, process.execPath, WRITER, OPENER]);
  refused(t, ended, EXIT.holds, /^ERR_STORE_COMMIT the commit to .* failed: no space left on device \(ENOSPC\)$/m);
  const [writer, last, rows] = ended.stdout.split('\n');
  t.is(writer, 'writer 1');
  let expected = 0;
  for (let number = 1; number <= Number(last); number += 1) expected += (number % 7) + 1;
  t.is(rows, `rows ${expected}`);
});

asRoot('a folder of another user, and one that cannot be made there, are usage errors', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'theirs'), { mode: 0o755 });
  const script = 'chmod 755 "$1"; exec setpriv --reuid 65534 --regid 65534 --clear-groups "$2" "$3" "$1/$4"';
  for (const name of ['theirs', 'new']) {
    const ended = await shell(script, [folder, process.execPath, OPENER, name]);
    refused(t, ended, EXIT.usage, new RegExp(`cannot use --data ${folder}/${name}: permission denied \\(EACCES\\)`));
  }
  t.deepEqual(readdirSync(folder), ['theirs']);
  t.deepEqual(readdirSync(join(folder, 'theirs')), []);
});

asRoot("files of another user in a folder of one's own are one line", async (t) => {
  for (const [name, code] of [
    ['store.lmdb', EXIT.internal],
    ['store.lmdb-lock', EXIT.internal],
    ['store.acknowledged', EXIT.internal],
    ['store.lock', EXIT.usage],
  ] as const) {
    const folder = temporaryFolder(t);
    const script = `chmod 777 "$1" && : >"$1/$4" && chmod 600 "$1/$4" &&
      exec setpriv --reuid 65534 --regid 65534 --clear-groups "$2" "$3" "$1"`;
    const ended = await shell(script, [folder, process.execPath, OPENER, name]);
    refused(t, ended, code, /permission denied \(EACCES\)/);
  }
});

// --- something else where a file should be ---

const FILES = ['store.lmdb', 'store.lmdb-lock', 'store.acknowledged', 'store.lock'] as const;

onLinux('whatever is there instead of a file of the store is one line that names it, and stays', async (t) => {
  const nowhere = join(temporaryFolder(t), 'nowhere');
  const kinds: Readonly<Record<string, (path: string) => void>> = {
    folder: (path) => mkdirSync(path),
    'dangling link': (path) => symlinkSync(nowhere, path),
    'link to a device': (path) => symlinkSync('/dev/null', path),
    'link to a folder': (path) => symlinkSync('/tmp', path),
  };
  for (const [kind, make] of Object.entries(kinds)) {
    for (const name of FILES) {
      const folder = temporaryFolder(t);
      make(join(folder, name));
      const ended = await shell('exec "$1" "$2" "$3"', [process.execPath, OPENER, folder]);
      const code = name === 'store.lock' ? EXIT.usage : EXIT.internal;
      refused(
        t,
        ended,
        code,
        new RegExp(name === 'store.lock' ? `cannot use --data ${folder}: ` : `${folder}/${name}: `),
      );
      t.false(existsSync(nowhere), `${kind} ${name}`);
    }
  }
});

onLinux(
  'a pipe instead of a file of the store is refused, by its owner and by a reader, and nobody waits',
  async (t) => {
    for (const name of FILES) {
      const folder = temporaryFolder(t);
      const ended = await shell('mkfifo "$3/$4" && exec "$1" "$2" "$3"', [process.execPath, OPENER, folder, name]);
      refused(t, ended, name === 'store.lock' ? EXIT.usage : EXIT.internal, /it is not a plain file/);
    }
    const folder = temporaryFolder(t);
    const script = 'mkfifo "$3/store.lmdb" && exec "$1" "$2" "$3" "$4" once';
    refused(
      t,
      await shell(script, [process.execPath, READER, folder, temporaryFolder(t)]),
      EXIT.internal,
      /it is not a plain file/,
    );
  },
);

onLinux('a lock file that links to a file of the user leaves that file alone', async (t) => {
  const mine = join(temporaryFolder(t), 'mine');
  writeFileSync(mine, 'content');
  for (const name of ['store.lmdb-lock', 'store.acknowledged']) {
    const folder = temporaryFolder(t);
    symlinkSync(mine, join(folder, name));
    const ended = await shell('exec "$1" "$2" "$3"', [process.execPath, OPENER, folder]);
    refused(t, ended, EXIT.internal, /ELOOP/);
    t.is(readFileSync(mine, 'utf8'), 'content');
  }
});

onLinux('a lock file of any size and content ends no process', async (t) => {
  const folder = temporaryFolder(t);
  const lock = join(folder, 'store.lmdb-lock');
  writeFileSync(lock, Buffer.alloc(100_000, 0xff));
  t.is((await opened('-v unlimited', folder)).stdout, 'rows 0\n');
  truncateSync(lock, 3);
  t.is((await opened('-v unlimited', folder)).stdout, 'rows 0\n');
});

onLinux('a store that another process has open under another name is refused', async (t) => {
  const folder = temporaryFolder(t);
  const writer = new TestProcess(t, [folder, '25'], { script: WRITER });
  await writer.lines((lines) => lines.includes('3'));
  const other = temporaryFolder(t);
  for (const name of ['store.lmdb', 'store.lmdb-lock']) linkSync(join(folder, name), join(other, name));
  refused(t, await opened('-v unlimited', other), EXIT.internal, /another program has opened .*store\.lmdb with LMDB/);
  t.false(writer.isOver);
});
