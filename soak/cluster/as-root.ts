/** Runs a command that needs root for another user, in a new user namespace and a new network namespace. */

import { EXIT } from '../../src/core/errors.ts';
import { Child } from '../../src/fleet/child.ts';
import { runToEnd } from '../../src/fleet/run-to-end.ts';
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
  const trial = ['unshare', ...NAMESPACES, '--', ...ENDS_WITH_US, 'true'];
  const { error, code, said } = await runToEnd({ argv: trial, output: 'keep' });
  if (error !== null) throw unshareError(error);
  if (code !== 0) throw namespacesError(said.trim());
  const again = [...ENDS_WITH_US, process.execPath, script, ...argv];
  // In its own session, so that Ctrl-C reaches it only once, from here.
  const inside = ['unshare', ...NAMESPACES, '--', ...again];
  const child = new Child({ argv: inside, stdio: ['ignore', 'inherit', 'pipe'], isDetached: true });
  const stopListening = onInterrupt((signal) => child.kill(signal));
  child.output(2)?.pipe(process.stderr);
  if (child.pid !== null) told(child.pid);
  const ended = await child.ended;
  stopListening();
  if (ended.error !== null) throw unshareError(ended.error);
  return ended.code ?? EXIT.internal;
}
