/** More limits, disks, and things in the place of a store's files than `limits.test.ts` has. */

import { linkSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Ended, asRoot, onLinux, shell, shellWithMounts } from '../cli/testing/shell.ts';
import { TestProcess, temporaryFolder } from '../cli/testing/test-process.ts';
import { EXIT } from '../core/errors.ts';
import { tryMemory } from './lmdb-needs.ts';
import { openLmdbStore } from './lmdb-store.ts';
import { keyOf } from './row.ts';
import {
  FILES,
  GIB,
  KINDS,
  OPENER,
  READER,
  WRITER,
  checkFewFiles,
  checkFolderOfOther,
  checkFullDisk,
  checkNoMap,
  checkSmallerMap,
  checkSomethingElse,
  isQuick,
  opened,
  refused,
} from './testing/limited.ts';
import { TABLES } from './testing/written.ts';

// --- address space ---

onLinux('under a limit of address space a store opens with a smaller map, and says so, or is refused', async (t) => {
  for (const gib of [60, 8]) await checkSmallerMap(t, gib);
  await checkNoMap(t, 1.5);
});

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

// --- open files ---

onLinux('with too few open files allowed a component says so', async (t) => {
  for (const count of [28, 40]) await checkFewFiles(t, count);
});

// --- disks ---

asRoot('a first start on a full disk is one line, and with space the same folder is used', async (t) => {
  for (const free of [0, 4, 8, 12, 20, 28, 32, 48]) await checkFullDisk(t, free);
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
  await checkFolderOfOther(t, 'new');
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

onLinux('whatever is there instead of a file of the store is one line that names it, and stays', async (t) => {
  for (const kind of KINDS) for (const name of FILES) if (!isQuick(kind, name)) await checkSomethingElse(t, kind, name);
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
