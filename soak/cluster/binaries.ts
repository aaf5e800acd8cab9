/**
 * The programs of a cluster, etcd and Gazette. They are found in the user's folder, in the cache folder or on the PATH,
 * or built by the Go toolchain. `module/go.mod` pins their versions, and `module/go.sum` has the checksum of every
 * module.
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OperatingError, UsageError } from '../../src/core/errors.ts';
import { makeFoldersSync } from '../../src/core/folder.ts';

const MODULE = fileURLToPath(new URL('../../../soak/cluster/module/', import.meta.url));

/** By program: the package from which it is built. */
const PROGRAMS = {
  etcd: './etcd',
  gazette: 'go.gazette.dev/core/cmd/gazette',
  gazctl: 'go.gazette.dev/core/cmd/gazctl',
} as const;

/** The programs that a cluster needs. `gazctl` is for the user. */
const NEEDED = ['etcd', 'gazette'] as const;

export type Binaries = Readonly<Record<(typeof NEEDED)[number], string>>;

/** The folder for binaries of the pinned versions. */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const pinned = createHash('sha256')
    .update(readFileSync(join(MODULE, 'go.sum')))
    .digest('hex')
    .slice(0, 12);
  const cache = environment['XDG_CACHE_HOME'];
  return join(
    cache === undefined || cache === '' ? join(homedir(), '.cache') : cache,
    'stream-sum',
    `cluster-${pinned}`,
  );
}

/**
 * Finds the programs in `folder` where the user names one, else in the cache folder, else on the PATH. Throws a
 * UsageError that says what is missing and how to get it.
 */
export function findBinaries(folder: string | null, environment: NodeJS.ProcessEnv = process.env): Binaries {
  const path = (environment['PATH'] ?? '').split(delimiter).filter((each) => each !== '');
  const folders = folder === null ? [cacheFolder(environment), ...path] : [folder];
  const found = new Map<string, string>();
  for (const name of NEEDED) {
    const place = folders.map((each) => join(each, name)).find(isExecutable);
    if (place !== undefined) found.set(name, place);
  }
  const [etcd, gazette] = NEEDED.map((name) => found.get(name));
  if (etcd !== undefined && gazette !== undefined) return { etcd, gazette };
  const missing = NEEDED.filter((name) => !found.has(name)).join(' and ');
  const where = folder === null ? 'neither in the cache folder nor on the PATH' : `not in --bin ${folder}`;
  throw new UsageError(
    `${missing}: ${where}; build them with \`npm run cluster -- build\`, which needs Go, or name their folder by --bin`,
  );
}

/** Builds the programs into the cache folder, and returns the folder. The first time takes minutes. */
export function buildBinaries(tell: (line: string) => void, environment: NodeJS.ProcessEnv = process.env): string {
  const version = spawnSync('go', ['version'], { encoding: 'utf8', env: environment });
  if (version.error !== undefined) {
    throw new UsageError(
      'Go is missing: install Go 1.25 or newer (https://go.dev/dl), or put etcd 3.6 and gazette 0.103 on the PATH',
    );
  }
  const folder = cacheFolder(environment);
  makeFoldersSync(folder);
  tell(`building with ${version.stdout.trim().replace('go version ', '')} into ${folder}`);
  for (const [name, source] of Object.entries(PROGRAMS)) {
    const startedMs = performance.now();
    // Nothing is looked up or written: modules that `go.mod` and `go.sum` do not name are not built.
    const env = { ...environment, GOFLAGS: '-mod=readonly', GOWORK: 'off' };
    const args = ['build', '-trimpath', '-o', join(folder, name), source];
    const built = spawnSync('go', args, { cwd: MODULE, env, encoding: 'utf8' });
    if (built.status !== 0) {
      const last = built.stderr.trim().split('\n').at(-1) ?? '';
      throw new OperatingError('ERR_BUILD', `cannot build ${name}: ${last}`);
    }
    tell(`${name} is built (${((performance.now() - startedMs) / 1e3).toFixed(0)} s)`);
  }
  return folder;
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
