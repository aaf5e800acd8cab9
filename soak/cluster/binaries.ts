/**
 * The programs of a cluster: etcd, Gazette, and an S3 server for fragments. They are found in the user's folder, in the
 * cache folder or on the PATH, or built by the Go toolchain. `go.mod` of each module pins their versions, and `go.sum`
 * has the checksum of every module.
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

/** The modules, and by program the package from which it is built. `gazctl` is for the user. */
const MODULES = [
  {
    module: MODULE,
    programs: {
      etcd: './etcd',
      gazette: 'go.gazette.dev/core/cmd/gazette',
      gazctl: 'go.gazette.dev/core/cmd/gazctl',
    },
  },
  // A separate one, so that it decides no version of the others.
  {
    module: fileURLToPath(new URL('../../../soak/cluster/s3-module/', import.meta.url)),
    programs: { gofakes3: 'github.com/johannesboyne/gofakes3/cmd/gofakes3' },
  },
] as const;

export type Binaries = {
  readonly etcd: string;
  readonly gazette: string;
  /** The S3 server; absent: fragments are files. */
  readonly gofakes3?: string;
};

/** The programs that a cluster needs, and one whose fragments are in S3. */
const NEEDED = ['etcd', 'gazette'] as const;
const NEEDED_WITH_S3 = [...NEEDED, 'gofakes3'] as const;

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
export function findBinaries(
  folder: string | null,
  { environment = process.env, withS3 = false }: { environment?: NodeJS.ProcessEnv; withS3?: boolean } = {},
): Binaries {
  const path = (environment['PATH'] ?? '').split(delimiter).filter((each) => each !== '');
  const folders = folder === null ? [cacheFolder(environment), ...path] : [folder];
  const found = new Map<string, string>();
  const needed = withS3 ? NEEDED_WITH_S3 : NEEDED;
  for (const name of NEEDED_WITH_S3) {
    const place = folders.map((each) => join(each, name)).find(isExecutable);
    if (place !== undefined) found.set(name, place);
  }
  const [etcd, gazette, gofakes3] = NEEDED_WITH_S3.map((name) => found.get(name));
  const missing = needed.filter((name) => !found.has(name)).join(' and ');
  if (etcd !== undefined && gazette !== undefined && missing === '')
    return { etcd, gazette, ...(gofakes3 === undefined ? {} : { gofakes3 }) };
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
  const programs = MODULES.flatMap(({ module, programs: of }) =>
    Object.entries(of).map(([name, source]) => ({ name, source, module })),
  );
  for (const { name, source, module } of programs) {
    const startedMs = performance.now();
    // Nothing is looked up or written: modules that `go.mod` and `go.sum` do not name are not built.
    const env = { ...environment, GOFLAGS: '-mod=readonly', GOWORK: 'off' };
    const args = ['build', '-trimpath', '-o', join(folder, name), source];
    const built = spawnSync('go', args, { cwd: module, env, encoding: 'utf8' });
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
