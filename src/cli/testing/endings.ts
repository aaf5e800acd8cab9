/** Components that end in many ways, and whose log or output cannot be written. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { type UNWRITABLE, unwritable } from '../../component/testing/unwritable.ts';
import { systemClock } from '../../core/clock.ts';
import { EXIT } from '../../core/errors.ts';
import { until } from '../../fleet/waiting.ts';
import { DEADLINE_MS, TestProcess, temporaryFolder } from './test-process.ts';

type Unwritable = (typeof UNWRITABLE)[number];

export const within = (condition: () => boolean): Promise<boolean> =>
  until(condition, { clock: systemClock, timeoutMs: DEADLINE_MS });

const FAILING = fileURLToPath(new URL('./failing.js', import.meta.url));
const VIOLATION = { event: 'violation', kind: 'mismatched', detail: 'planted', journal: 'sums', offset: 7 } as const;
const WAYS: readonly (readonly [way: string, code: number, last: object | null])[] = [
  ['a violation', EXIT.violation, VIOLATION],
  ['a violation while it is composed', EXIT.violation, VIOLATION],
  ['a violation, with a listener of the exit that throws', EXIT.violation, VIOLATION],
  ['an error that nobody catches', EXIT.internal, null],
  ['a rejection that nobody handles', EXIT.internal, null],
  ['an error that cannot be told', EXIT.internal, null],
  ['its stop fails', EXIT.internal, null],
  ['its progress throws', EXIT.holds, { event: 'stopped', reason: 'SIGTERM' }],
  ['SIGTERM', EXIT.holds, { event: 'stopped', reason: 'SIGTERM' }],
  ['SIGINT', EXIT.holds, { event: 'stopped', reason: 'SIGINT' }],
  ['SIGHUP', EXIT.holds, { event: 'stopped', reason: 'SIGHUP' }],
];

/** The ways that `endings.test.ts` takes, on these places. `endings.deep.test.ts` takes all others. */
export const QUICK = {
  ways: ['a violation', 'a rejection that nobody handles', 'its progress throws', 'SIGTERM'],
  logs: ['a disk with room', 'a full disk'],
} as const;

export function isQuick(log: string, way: string): boolean {
  const { ways, logs }: Readonly<Record<'ways' | 'logs', readonly string[]>> = QUICK;
  return logs.includes(log) && ways.includes(way);
}

/** Ends a component in each of these ways, with its log on such a place. */
export async function checkEnds(
  t: ExecutionContext,
  log: 'a disk with room' | Unwritable,
  isWanted: (way: string) => boolean,
): Promise<void> {
  const place = log === 'a disk with room' ? null : unwritable(log, temporaryFolder(t));
  if (place !== null) t.teardown(() => place.close());
  for (const [way, code, last] of WAYS.filter(([each]) => isWanted(each))) {
    const options = place === null ? {} : { stderrTo: place.descriptor };
    const component = new TestProcess(t, [way], { script: FAILING, ...options });
    await component.ready();
    await component.signal('SIGUSR2');
    t.deepEqual(await component.exit(), { code, signal: null }, way);
    t.deepEqual(component.events.slice(1), last === null ? [] : [last], way);
    if (log === 'a disk with room') t.true(component.stderr.length > 0 || code === EXIT.internal, way);
  }
}

/** A broker without an output answers, and ends when it is asked to. */
export async function checkServing(t: ExecutionContext, output: Unwritable): Promise<void> {
  const folder = temporaryFolder(t);
  const place = unwritable(output, folder);
  t.teardown(() => place.close());
  const flags = ['--data', join(folder, 'broker'), '--listen', `ipc://${join(folder, 'socket')}`];
  const broker = new TestProcess(t, ['broker', ...flags, '--partitions', '1'], { stdoutTo: place.descriptor });
  await broker.lines((lines) => lines.some((line) => line.includes('"serving"')), 'stderr');
  const argv = ['retire', '--connect', `ipc://${join(folder, 'socket')}`, '--producer', 'aa00000000000001'];
  const retire = new TestProcess(t, argv);
  t.is((await retire.exit()).code, EXIT.usage);
  t.regex(retire.lastMessage, /no journal knows it/, 'the broker answered');
  await broker.signal('SIGTERM');
  t.deepEqual(await broker.exit(), { code: EXIT.holds, signal: null });
}

/** Stops a chunker that waits for its first broker. */
export async function checkStoppedEarly(t: ExecutionContext, count: readonly string[], code: number): Promise<void> {
  const folder = temporaryFolder(t);
  const data = join(folder, 'chunker');
  const argv = ['chunker', '--data', data, '--connect', `ipc://${join(folder, 'socket')}`, ...count];
  const chunker = new TestProcess(t, argv);
  t.true(await within(() => existsSync(join(data, 'store.acknowledged'))));
  await chunker.signal('SIGTERM');
  t.deepEqual(await chunker.exit(), { code, signal: null });
  if (count.length > 0) t.regex(chunker.lastMessage, /^stopped before its work was done: it had not begun/);
}

export async function checkNoSupervisor(t: ExecutionContext, descriptor: string, named: RegExp): Promise<void> {
  const argv = ['broker', '--data', '/tmp/x', '--listen', 'ipc:///tmp/x', '--supervised', descriptor];
  const refused = new TestProcess(t, argv);
  t.is((await refused.exit()).code, EXIT.usage);
  t.regex(refused.lastMessage, named);
}
