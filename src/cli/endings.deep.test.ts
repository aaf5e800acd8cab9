/** More ends of components than `endings.test.ts` has, and more that can become of their logs. */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { EXIT } from '../core/errors.ts';
import { attempt } from '../core/log.ts';
import { UNWRITABLE, unwritable } from '../component/testing/unwritable.ts';
import { checkEnds, checkNoSupervisor, checkServing, checkStoppedEarly, isQuick, within } from './testing/endings.ts';
import { MAIN, TestProcess, temporaryFolder } from './testing/test-process.ts';

for (const log of ['a disk with room', ...UNWRITABLE] as const) {
  test(`with a log on ${log}, every end takes place and is told`, async (t) => {
    await checkEnds(t, log, (way) => !isQuick(log, way));
  });
}

for (const output of UNWRITABLE.filter((each) => each !== 'a full disk')) {
  test(`a component whose stdout is ${output} serves, and ends as it is asked to`, async (t) => {
    await checkServing(t, output);
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
  await checkStoppedEarly(t, [], EXIT.holds);
});

test('--supervised speaks on the descriptor that it names, and refuses a number that is no descriptor', async (t) => {
  await checkNoSupervisor(t, '1', /--supervised 1: not a pipe/);
  await checkNoSupervisor(t, 'x', /--supervised x: expected a whole number/);
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
