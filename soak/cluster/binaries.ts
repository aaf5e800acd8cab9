/**
 * The programs of a cluster: etcd, Gazette, an S3 server for fragments, and Gazette's own example. They are found in
 * the user's folder, in the cache folder or on the PATH, or built by the Go toolchain. `go.mod` of each module pins
 * their versions, and `go.sum` has the checksum of every module.
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OperatingError, UsageError } from '../../src/core/errors.ts';
import { makeFoldersSync } from '../../src/core/folder.ts';
import { checkLibraries } from './example-libraries.ts';

const MODULE = fileURLToPath(new URL('../../../soak/cluster/module/', import.meta.url));

/** Packages of one Go module, by the program that is built from each. */
type GoModule = {
  readonly module: string;
  readonly programs: Readonly<Record<string, string>>;
  /** Absent: none. */
  readonly tags?: readonly string[];
  /** Whether the programs are partly C. */
  readonly hasC?: true;
};

/** What every build makes. `gazctl` is for the user, and sets up the journals and shards of the example. */
const MODULES: readonly GoModule[] = [
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
];

const EXAMPLE_MODULE: GoModule = {
  module: fileURLToPath(new URL('../../../soak/cluster/example-module/', import.meta.url)),
  programs: {
    'gazette-example-chunker': 'go.gazette.dev/core/examples/stream-sum/chunker',
    'gazette-example-summer': 'go.gazette.dev/core/examples/stream-sum/summer',
  },
  tags: ['libsqlite3'],
  hasC: true,
};

export type Binaries = {
  readonly etcd: string;
  readonly gazette: string;
  /** The S3 server; absent: fragments are files. */
  readonly gofakes3?: string;
  /** What operators of a cluster use; no member is started by it. */
  readonly gazctl?: string;
};

/** Gazette's own example of this pipeline, and the program that sets it up. */
export type ExampleBinaries = { readonly chunker: string; readonly summer: string; readonly gazctl: string };

/** What not every cluster needs. */
export type Extra = 'gofakes3' | 'gazctl';
const EXTRAS: readonly Extra[] = ['gofakes3', 'gazctl'];

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

/** Where a program is found. `folder`: where the user says they are; null: the cache folder, else the PATH. */
type Where = { readonly folder: string | null; readonly environment: NodeJS.ProcessEnv };

function placesOf(names: readonly string[], { folder, environment }: Where): ReadonlyMap<string, string> {
  const path = (environment['PATH'] ?? '').split(delimiter).filter((each) => each !== '');
  const folders = folder === null ? [cacheFolder(environment), ...path] : [folder];
  const found = new Map<string, string>();
  for (const name of names) {
    const place = folders.map((each) => join(each, name)).find(isExecutable);
    if (place !== undefined) found.set(name, place);
  }
  return found;
}

/** Says that programs are missing, and how to get them. */
function missingText(names: readonly string[], folder: string | null, build: string): string {
  const where = folder === null ? 'neither in the cache folder nor on the PATH' : `not in --bin ${folder}`;
  return (
    `${names.join(' and ')}: ${where}; build them with \`npm run cluster -- ${build}\`, which needs Go, ` +
    'or name their folder by --bin'
  );
}

/**
 * Finds the programs in `folder` where the user names one, else in the cache folder, else on the PATH. `extras` are
 * needed besides etcd and gazette, and the other extras may be missing. Throws a UsageError that says what is missing
 * and how to get it.
 */
export function findBinaries(
  folder: string | null,
  { environment = process.env, extras = [] }: { environment?: NodeJS.ProcessEnv; extras?: readonly Extra[] } = {},
): Binaries {
  const found = placesOf(['etcd', 'gazette', ...EXTRAS], { folder, environment });
  const [etcd, gazette] = ['etcd', 'gazette'].map((name) => found.get(name));
  const missing = ['etcd', 'gazette', ...extras].filter((name) => !found.has(name));
  if (etcd === undefined || gazette === undefined || missing.length > 0)
    throw new UsageError(missingText(missing, folder, 'build'));
  const more = EXTRAS.filter((name) => found.has(name)).map((name) => [name, found.get(name)]);
  return { etcd, gazette, ...(Object.fromEntries(more) as Partial<Record<Extra, string>>) };
}

/** Finds the programs of the example in the same places; or says what is missing and how to get it. */
export function findExample(
  folder: string | null,
  environment: NodeJS.ProcessEnv = process.env,
): ExampleBinaries | { readonly missing: string } {
  const names = ['gazette-example-chunker', 'gazette-example-summer', 'gazctl'];
  const found = placesOf(names, { folder, environment });
  const [chunker, summer, gazctl] = names.map((name) => found.get(name));
  if (chunker !== undefined && summer !== undefined && gazctl !== undefined) return { chunker, summer, gazctl };
  const missing = names.filter((name) => !found.has(name));
  return { missing: missingText(missing, folder, 'build --example') };
}

export type BuildOptions = {
  /** Also Gazette's own example, which needs a C compiler and libraries. */
  readonly withExample: boolean;
  readonly environment?: NodeJS.ProcessEnv;
};

/**
 * Builds the programs into the cache folder, and returns the folder. The first time takes minutes. Throws a UsageError,
 * before anything is built, where the build lacks a tool or a library.
 */
export function buildBinaries(
  tell: (line: string) => void,
  { withExample, environment = process.env }: BuildOptions,
): string {
  const version = spawnSync('go', ['version'], { encoding: 'utf8', env: environment });
  if (version.error !== undefined) {
    throw new UsageError(
      'Go is missing: install Go 1.25 or newer (https://go.dev/dl), or put etcd 3.6 and gazette 0.103 on the PATH',
    );
  }
  if (withExample) checkLibraries(environment);
  const folder = cacheFolder(environment);
  makeFoldersSync(folder);
  tell(`building with ${version.stdout.trim().replace('go version ', '')} into ${folder}`);
  for (const module of withExample ? [...MODULES, EXAMPLE_MODULE] : MODULES) {
    for (const name of Object.keys(module.programs)) {
      const startedMs = performance.now();
      buildProgram(name, module, { folder, environment });
      tell(`${name} is built (${((performance.now() - startedMs) / 1e3).toFixed(0)} s)`);
    }
  }
  return folder;
}

function buildProgram(
  name: string,
  { module, programs, tags = [], hasC }: GoModule,
  { folder, environment }: { readonly folder: string; readonly environment: NodeJS.ProcessEnv },
): void {
  // Nothing is looked up or written: modules that `go.mod` and `go.sum` do not name are not built.
  const pinned = { GOFLAGS: '-mod=readonly', GOWORK: 'off' };
  const env = { ...environment, ...pinned, ...(hasC === true ? { CGO_ENABLED: '1' } : {}) };
  const tagged = tags.length === 0 ? [] : ['-tags', tags.join(',')];
  const args = ['build', '-trimpath', ...tagged, '-o', join(folder, name), programs[name] ?? ''];
  const built = spawnSync('go', args, { cwd: module, env, encoding: 'utf8' });
  if (built.status === 0) return;
  const last = built.stderr.trim().split('\n').at(-1) ?? '';
  throw new OperatingError('ERR_BUILD', `cannot build ${name}: ${last}`);
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
