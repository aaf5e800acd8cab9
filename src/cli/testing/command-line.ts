/** Command lines of the program that end at once, and a broker for those that need one. */

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { EXIT } from '../../core/errors.ts';
import { TestProcess, temporaryFolder } from './test-process.ts';

/** A path at which nothing exists. Refused commands leave it so. */
export const NO_FOLDER: string = join(tmpdir(), 'stream-sum-test-nothing-is-here');
export const NOWHERE: string = `ipc://${NO_FOLDER}`;

type Ended = {
  readonly code: number | null;
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
  readonly message: string;
};

export async function run(t: ExecutionContext, argv: readonly string[]): Promise<Ended> {
  const process = new TestProcess(t, argv);
  const { code, signal } = await process.exit();
  t.is(signal, null, argv.join(' '));
  return { code, stdout: process.stdout, stderr: process.stderr, message: process.lastMessage };
}

/** Expects one line on stderr that names the thing, and nothing on stdout. */
export async function refused(t: ExecutionContext, argv: readonly string[], named: RegExp | string): Promise<void> {
  const { code, stdout, stderr, message } = await run(t, argv);
  const said = `${argv.join(' ')}\n${stderr.join('\n')}`;
  t.is(code, EXIT.usage, said);
  t.is(stderr.length, 1, said);
  t.deepEqual(stdout, [], said);
  if (typeof named === 'string') t.true(message.includes(named), said);
  else t.regex(message, named, said);
}

export async function startBroker(
  t: ExecutionContext,
  folder: string,
  more: readonly string[] = [],
): Promise<{ process: TestProcess; endpoint: string; data: string }> {
  const endpoint = `ipc://${join(folder, 'socket')}`;
  const data = join(folder, 'broker');
  const process = new TestProcess(t, ['broker', '--data', data, '--listen', endpoint, '--partitions', '2', ...more]);
  await process.ready();
  return { process, endpoint, data };
}

/** Expects that the endpoint is refused by name, by who would listen there and by who would connect. */
export async function endpointRefused(t: ExecutionContext, endpoint: string, named: RegExp): Promise<void> {
  const folder = temporaryFolder(t);
  await refused(t, ['broker', '--data', join(folder, 'data'), '--listen', endpoint], named);
  await refused(t, ['retire', '--producer', 'aa00000000000001', '--connect', endpoint], named);
}

/** Expects that a broker can be reached at the endpoint that it was given. */
export async function endpointReached(t: ExecutionContext, data: string, endpoint: string): Promise<void> {
  const serving = new TestProcess(t, ['broker', '--data', data, '--listen', endpoint, '--partitions', '1']);
  await serving.ready();
  await refused(t, ['retire', '--connect', endpoint, '--producer', 'aa00000000000001'], /no journal knows it/);
  await serving.signal('SIGKILL');
  await serving.exit();
}

/** Runs a chunker, and then with each flag once more: every time it is refused. At last it goes on at another rate. */
export async function otherWorkloadsRefused(
  t: ExecutionContext,
  flags: readonly (readonly [flag: string, value: string])[],
): Promise<void> {
  const folder = temporaryFolder(t);
  const { endpoint } = await startBroker(t, folder);
  const at = ['--data', join(folder, 'chunker'), '--connect', endpoint];
  const argv = ['chunker', ...at, '--rate', '100', '--chunks', '1000'];
  const chunker = new TestProcess(t, argv);
  await chunker.ready();
  await chunker.signal('SIGTERM');
  t.is((await chunker.exit()).code, EXIT.holds);
  for (const [flag, value] of flags)
    await refused(t, [...argv, flag, value], /belongs to another workload, seed 1, .*, and not to seed/);
  const again = new TestProcess(t, [...argv, '--rate', '200']);
  t.like(await again.ready(), { resumed: true });
}
