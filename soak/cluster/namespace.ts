/** Namespaces of the kernel that a program holds open, and what is said where there can be none. */

import { UsageError } from '../../src/core/errors.ts';
import { Child } from '../../src/fleet/child.ts';

/** Starts a program in a new namespace, and resolves when it is there. The program ends with its input. */
export async function holdNamespace(kind: readonly string[], argv: readonly string[]): Promise<Child> {
  const script = 'echo inside >&3 && exec 3>&- && exec "$@"';
  const child = new Child({
    argv: ['unshare', ...kind, '--', 'sh', '-c', script, 'sh', ...argv],
    stdio: ['pipe', 'ignore', 'ignore', 'pipe'],
  });
  const inside = new Promise<'inside'>((resolve) => child.output(3)?.once('data', () => resolve('inside')));
  const first = await Promise.race([inside, child.ended]);
  if (first === 'inside') return child;
  throw first.error === null ? namespacesError() : unshareError(first.error);
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
