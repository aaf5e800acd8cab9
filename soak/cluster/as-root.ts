/** Runs a command that needs root for another user, in a new user namespace and a new network namespace. */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { EXIT } from '../../src/core/errors.ts';
import { onInterrupt } from '../../src/fleet/interrupt.ts';
import { namespacesError, unshareError } from './namespace.ts';

const NAMESPACES = ['--user', '--map-root-user', '--net'];
const ENDS_WITH_US = ['setpriv', '--pdeathsig', 'TERM'];

/**
 * Runs the command line of this process again and returns its exit code. The command ends with this process. `told`:
 * receives the process id by which its namespaces are found. Throws a UsageError when this user may not make them.
 */
export async function asRootOfNamespaces(told: (pid: number) => void): Promise<number> {
  const [, script = '', ...argv] = process.argv;
  // The command itself could not tell that it was never started.
  const { error, status, stderr } = spawnSync('unshare', [...NAMESPACES, '--', ...ENDS_WITH_US, 'true'], {
    encoding: 'utf8',
  });
  if (error !== undefined) throw unshareError(error);
  if (status !== 0) throw namespacesError(stderr.trim());
  const again = [...ENDS_WITH_US, process.execPath, script, ...argv];
  // In its own session, so that Ctrl-C reaches it only once, from here.
  const child = spawn('unshare', [...NAMESPACES, '--', ...again], {
    stdio: ['ignore', 'inherit', 'pipe'],
    detached: true,
  });
  const stopListening = onInterrupt((signal) => child.kill(signal));
  child.stderr.pipe(process.stderr);
  if (child.pid !== undefined) told(child.pid);
  try {
    const [code] = (await once(child, 'exit')) as [number | null];
    return code ?? EXIT.internal;
  } finally {
    stopListening();
  }
}
