/** Namespaces of the kernel that a program holds open, and what is said where there can be none. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { OperatingError, UsageError } from '../../src/core/errors.ts';

/** Starts a program in a new namespace, and resolves when it is there. The program ends with its input. */
export async function holdNamespace(kind: readonly string[], argv: readonly string[]): Promise<ChildProcess> {
  const script = 'echo inside >&3 && exec 3>&- && exec "$@"';
  const child = spawn('unshare', [...kind, '--', 'sh', '-c', script, 'sh', ...argv], {
    stdio: ['pipe', 'ignore', 'ignore', 'pipe'],
  });
  child.stdin?.on('error', () => {});
  const said = child.stdio[3];
  const failure = once(child, 'exit').then(
    () => {
      throw namespacesError();
    },
    (cause: unknown) => {
      throw unshareError(cause);
    },
  );
  if (said === null || said === undefined) throw new OperatingError('ERR_NAMESPACE', 'unshare has no output');
  const inside = once(said, 'data');
  await Promise.race([inside, failure]);
  failure.catch(() => {});
  return child;
}

/** `why`: the words of the program that was refused. */
export function namespacesError(why = ''): UsageError {
  return new UsageError(
    'a cluster needs network namespaces: run it as root, or where the kernel allows user namespaces to everybody' +
      (why === '' ? '' : ` (${why})`),
  );
}

export function unshareError(cause: unknown): UsageError {
  return new UsageError('a cluster needs the program unshare (util-linux)', { cause });
}
