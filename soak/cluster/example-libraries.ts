/** What the build of Gazette's example needs besides Go: a C compiler, and libraries that it links. */

import { spawnSync } from 'node:child_process';
import { UsageError } from '../../src/core/errors.ts';

/** By library as the linker names it, the package of Debian that has it. */
const PACKAGE_OF: Readonly<Record<string, string>> = {
  rocksdb: 'librocksdb-dev',
  snappy: 'libsnappy-dev',
  lz4: 'liblz4-dev',
  zstd: 'libzstd-dev',
  bz2: 'libbz2-dev',
  sqlite3: 'libsqlite3-dev',
  'stdc++': 'g++',
};

/** Throws a UsageError that says what is missing and how to get it. */
export function checkLibraries(environment: NodeJS.ProcessEnv): void {
  const compiler = spawnSync('go', ['env', 'CC'], { encoding: 'utf8', env: environment }).stdout.trim();
  const [program = '', ...words] = compiler.split(' ');
  const libraries = Object.keys(PACKAGE_OF).map((name) => `-l${name}`);
  const args = [...words, '-x', 'c', '-', '-o', '/dev/null', ...libraries];
  const env = { ...environment, LC_ALL: 'C' };
  const { error, status, stderr } = spawnSync(program, args, { encoding: 'utf8', env, input: 'int main(void) {}\n' });
  if (error !== undefined) {
    throw new UsageError(`the C compiler ${compiler} is missing: apt-get install gcc, or name another one by CC`);
  }
  if (status === 0) return;
  const packages = missingPackages(stderr);
  const last = stderr.trim().split('\n').at(-1) ?? '';
  throw new UsageError(
    packages.length === 0
      ? `the C compiler ${compiler} cannot link a program: ${last}`
      : `${packages.join(' and ')}: missing, and Gazette's example needs them; apt-get install ${packages.join(' ')}`,
  );
}

/** The packages of the libraries that a linker has not found, by its messages. */
export function missingPackages(said: string): string[] {
  const names = Array.from(
    said.matchAll(/(?:cannot find|unable to find library) -l(?<name>\S+?):?(?:\s|$)/g),
    (found) => String(found.groups?.['name']),
  );
  return [...new Set(names.flatMap((name) => PACKAGE_OF[name] ?? []))];
}
