/** However a component ends, and whatever becomes of its log, it ends, and says what it knows. */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { EXIT } from '../core/errors.ts';
import { attempt } from '../core/log.ts';
import { UNWRITABLE, unwritable } from '../component/testing/unwritable.ts';
import { systemClock } from '../core/clock.ts';
import { until } from '../fleet/waiting.ts';
import { DEADLINE_MS, MAIN, TestProcess, temporaryFolder } from './testing/test-process.ts';

const within = (condition: () => boolean): Promise<boolean> =>
  until(condition, { clock: systemClock, timeoutMs: DEADLINE_MS });

const FAILING = fileURLToPath(new URL('./testing/failing.js', import.meta.url));
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

for (const log of ['a disk with room', ...UNWRITABLE] as const) {
  test(`with a log on ${log}, every end takes place and is told`, async (t) => {
    const place = log === 'a disk with room' ? null : unwritable(log, temporaryFolder(t));
    if (place !== null) t.teardown(() => place.close());
    for (const [way, code, last] of WAYS) {
      const options = place === null ? {} : { stderrTo: place.descriptor };
      const component = new TestProcess(t, [way], { script: FAILING, ...options });
      await component.ready();
      await component.signal('SIGUSR2');
      t.deepEqual(await component.exit(), { code, signal: null }, way);
      t.deepEqual(component.events.slice(1), last === null ? [] : [last], way);
      if (log === 'a disk with room') t.true(component.stderr.length > 0 || code === EXIT.internal, way);
    }
  });
}

for (const output of UNWRITABLE) {
  test(`a component whose stdout is ${output} serves, and ends as it is asked to`, async (t) => {
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
  });
}

test('a client whose log cannot be written connects again to a broker that was killed', async (t) => {
  const folder = temporaryFolder(t);
  const endpoint = `ipc://${join(folder, 'socket')}`;
  const full = unwritable('a full disk', folder);
  t.teardown(() => full.close());
  const broker = async (): Promise<TestProcess> => {
    const flags = ['--data', join(folder, 'broker'), '--listen', endpoint, '--partitions', '1'];
    const started = new TestProcess(t, ['broker', ...flags]);
    await started.ready();
    return started;
  };
  const first = await broker();
  const at = (name: string): string[] => ['--data', join(folder, name), '--connect', endpoint];
  const stderrTo = full.descriptor;
  const summer = new TestProcess(t, ['summer', ...at('summer'), '--partitions', '0'], { stderrTo });
  await summer.ready();
  const workload = ['--files', '2', '--chunks', '3', '--rate', '50', '--count', '40'];
  const chunker = new TestProcess(t, ['chunker', ...at('chunker'), ...workload], { stderrTo });
  await chunker.ready();
  await first.kill();
  await broker();
  t.deepEqual(await chunker.exit(), { code: EXIT.holds, signal: null });
  t.like(chunker.events.at(-1), { event: 'drained', verifiedTotal: 40, filesCompletedTotal: 40 });
  await summer.signal('SIGTERM');
  t.deepEqual(await summer.exit(), { code: EXIT.holds, signal: null });
});

test('a chunker with a count that is stopped before any broker has answered exits with 3', async (t) => {
  for (const [count, code] of [
    [['--count', '4'], EXIT.inconclusive],
    [[], EXIT.holds],
  ] as const) {
    const folder = temporaryFolder(t);
    const data = join(folder, 'chunker');
    const argv = ['chunker', '--data', data, '--connect', `ipc://${join(folder, 'socket')}`, ...count];
    const chunker = new TestProcess(t, argv);
    t.true(await within(() => existsSync(join(data, 'store.acknowledged'))));
    await chunker.signal('SIGTERM');
    t.deepEqual(await chunker.exit(), { code, signal: null });
    if (count.length > 0) t.regex(chunker.lastMessage, /^stopped before its work was done: it had not begun/);
  }
});

test('--supervised speaks on the descriptor that it names, and refuses a number that is no descriptor', async (t) => {
  for (const [descriptor, named] of [
    ['999', /--supervised 999: not a pipe/],
    ['1', /--supervised 1: not a pipe/],
    ['x', /--supervised x: expected a whole number/],
  ] as const) {
    const argv = ['broker', '--data', '/tmp/x', '--listen', 'ipc:///tmp/x', '--supervised', descriptor];
    const refused = new TestProcess(t, argv);
    t.is((await refused.exit()).code, EXIT.usage);
    t.regex(refused.lastMessage, named);
  }
});

test('a component whose terminal is gone serves, and stops gracefully when it is asked to', async (t) => {
  if (spawnSync('script', ['--version']).status !== 0) {
    t.log('left out: there is no `script`, which makes a terminal');
    t.pass();
    return;
  }
  const folder = temporaryFolder(t);
  const endpoint = `ipc://${join(folder, 'socket')}`;
  const code = join(folder, 'code');
  const data = join(folder, 'broker');
  const broker = `${process.execPath} ${MAIN} broker --data ${data} --listen ${endpoint} --partitions 1`;
  // The shell outlives the terminal and says how the broker ended.
  const terminal = spawn('script', ['-qec', `trap '' HUP; ${broker}; echo $? >${code}`, '/dev/null'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(terminal, 'spawn');
  t.teardown(() => void terminal.kill('SIGKILL'));
  let shown = '';
  terminal.stdout.on('data', (bytes: Buffer) => (shown += bytes.toString()));
  t.true(await within(() => shown.includes('"ready"')), shown);
  const { pid } = JSON.parse(shown.split('\n').find((line) => line.includes('"ready"')) ?? '') as { pid: number };
  t.teardown(() => void attempt(() => process.kill(pid, 'SIGKILL')));
  const gone = once(terminal, 'close');
  terminal.kill('SIGKILL');
  await gone;
  process.kill(pid, 'SIGTERM');
  t.true(await within(() => existsSync(code) && readFileSync(code, 'utf8') !== ''), shown);
  t.is(readFileSync(code, 'utf8').trim(), '0');
});

test('a reader that goes early does not change how a command ends', async (t) => {
  const script = `"$0" "$1" simulate --seeds 2 --seed 11 --jobs 1; echo "exit $?" >&2`;
  const piped = spawn('sh', ['-c', `(${script}) | head -n 1`, process.execPath, MAIN], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stderr: string[] = [];
  piped.stderr.on('data', (bytes: Buffer) => stderr.push(bytes.toString()));
  piped.stdout.resume();
  await once(piped, 'close');
  t.is(stderr.join(''), 'exit 0\n');
});
