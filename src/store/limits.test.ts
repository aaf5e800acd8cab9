/**
 * Stores under limits, on full disks, and with something else in the place of their files: one line and an exit code,
 * never a signal. `limits.deep.test.ts` has more limits, disks and files.
 */

import { statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { asRoot, onLinux, shell } from '../cli/testing/shell.ts';
import { temporaryFolder } from '../cli/testing/test-process.ts';
import { EXIT } from '../core/errors.ts';
import { MAP_BYTES, MAP_BYTES_MIN, chooseMapBytes, mapBytesOf } from './lmdb-needs.ts';
import { type ProcessLimits, readProcessLimits } from './process-limits.ts';
import {
  GIB,
  WRITER,
  checkFewFiles,
  checkFolderOfOther,
  checkFullDisk,
  checkNoMap,
  checkSmallerMap,
  checkSomethingElse,
  opened,
  refused,
} from './testing/limited.ts';

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
  await checkSmallerMap(t, 20);
  await checkNoMap(t, 2);
});

onLinux('with too few open files allowed a component says so', async (t) => {
  await checkFewFiles(t, 32);
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

asRoot('a first start on a full disk is one line, and with space the same folder is used', async (t) => {
  await checkFullDisk(t, 16);
});

asRoot('a folder of another user, and one that cannot be made there, are usage errors', async (t) => {
  await checkFolderOfOther(t, 'theirs');
});

onLinux('whatever is there instead of a file of the store is one line that names it, and stays', async (t) => {
  await checkSomethingElse(t, 'folder', 'store.lmdb');
  await checkSomethingElse(t, 'dangling link', 'store.lock');
});
