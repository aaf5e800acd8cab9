/** A writer of which one write to the disk fails, by a library that is loaded before it. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { shell } from '../../cli/testing/shell.ts';
import { temporaryFolder } from '../../cli/testing/test-process.ts';
import { EXIT } from '../../core/errors.ts';
import { checkLmdbFile } from '../lmdb-file.ts';
import { openLmdbStore } from '../lmdb-store.ts';
import type { StoreReader } from '../store.ts';
import { LAST, TABLES } from './written.ts';

const OPENER = fileURLToPath(new URL('./opener.js', import.meta.url));
const WRITER = fileURLToPath(new URL('./writer.js', import.meta.url));

/** How these tests open a store. */
export const options = (
  folder: string,
): { readonly folder: string; readonly kind: 'summer'; readonly tables: typeof TABLES } => ({
  folder,
  kind: 'summer',
  tables: TABLES,
});

export const lastOf = (reader: StoreReader): number | undefined => reader.get('a', LAST)?.readUInt32BE(0);

/**
 * Once the file FAIL_WHEN exists, the next write of a page of `store.lmdb` fails once. The argument selects a meta page
 * or another page.
 */
const SHIM = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
static int fails(int fd, off_t at) {
  static int done; char link[64], path[512]; const char *when = getenv("FAIL_WHEN");
  int is_meta = at < 8192;
  if (done || when == NULL || access(when, F_OK) != 0) return 0;
  if (is_meta != (strcmp(getenv("FAIL_PAGE"), "meta") == 0)) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  if (n < 0) return 0;
  path[n] = 0;
  if (n < 10 || strcmp(path + n - 10, "store.lmdb") != 0) return 0;
  done = 1;
  errno = atoi(getenv("FAIL_ERRNO"));
  return 1;
}
#define WRAP(name, buf_t, len_t) \\
  ssize_t name(int fd, buf_t b, len_t n, off_t at) { \\
    static ssize_t (*real)(int, buf_t, len_t, off_t); \\
    if (real == NULL) real = dlsym(RTLD_NEXT, #name); \\
    return fails(fd, at) ? -1 : real(fd, b, n, at); }
WRAP(pwrite, const void *, size_t)
WRAP(pwrite64, const void *, size_t)
WRAP(pwritev, const struct iovec *, int)
WRAP(pwritev64, const struct iovec *, int)
`;

/** A writer fails under the shim; then the store is opened without it. */
const FAIL = `
gcc -O1 -shared -fPIC -x c "$1/shim.c" -o "$1/shim.so" -ldl || exit 99
( LD_PRELOAD="$1/shim.so" exec "$2" "$3" "$1/data" 2 ) >"$1/out" 2>"$1/err" &
writer=$!
while ! grep -qs '^30$' "$1/out"; do kill -0 $writer || exit 98; done
touch "$FAIL_WHEN"
wait $writer; echo "writer $?"
grep -E '^[0-9]+$' "$1/out" | tail -n 1
exec "$2" "$4" "$1/data" summer
`;

const ERRNOS = { ENOSPC: 28, EIO: 5, EDQUOT: 122 } as const;

/** The write of a page of this kind fails with this error: one line, exit 1, and the store opens again. */
export async function checkFailedWrite(
  t: ExecutionContext,
  page: 'meta' | 'data',
  name: keyof typeof ERRNOS,
): Promise<void> {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'shim.c'), SHIM);
  mkdirSync(join(folder, 'data'));
  const env = { FAIL_WHEN: join(folder, 'now'), FAIL_PAGE: page, FAIL_ERRNO: String(ERRNOS[name]) };
  const ended = await shell(FAIL, [folder, process.execPath, WRITER, OPENER], env);
  const said = readFileSync(join(folder, 'err'), 'utf8');
  t.is(ended.code, EXIT.holds, `${name}: ${ended.stderr}\n${said}`);
  const [writer, last = '', rows = ''] = ended.stdout.split('\n');
  t.is(writer, 'writer 1', said);
  t.true(Number(last) >= 30);
  t.regex(rows, /^rows \d+$/);
  // LMDB's C code announces a failed data page. Apart from that, stderr has only our line.
  const lines = said.trimEnd().split('\n');
  t.regex(lines.at(-1) ?? '', /^ERR_STORE_COMMIT the commit to .* failed: [A-Z][a-z /]+$/, said);
  t.is(lines.length, page === 'data' ? 2 : 1, said);
  const store = await openLmdbStore(options(join(folder, 'data')));
  t.is(lastOf(store), Number(last));
  await store.close();
  t.is(checkLmdbFile(join(folder, 'data/store.lmdb')), 'sound');
}
