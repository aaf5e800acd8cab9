import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { assert } from '../../src/core/assert.ts';
import { systemClock } from '../../src/core/clock.ts';
import { OperatingError } from '../../src/core/errors.ts';
import { until } from '../../src/fleet/waiting.ts';
import { WorkerProcess } from './worker-process.ts';

const ECHO = join(import.meta.dirname, 'testing/echo-worker.js');
const PARENT = join(import.meta.dirname, 'testing/echo-parent.js');

type Echo = WorkerProcess<{ readonly number: number }, { readonly asked: { readonly number: number } }>;

function startEcho(): Promise<Echo> {
  return WorkerProcess.start({ name: 'echo', modulePath: ECHO, argv: [] });
}

/** False also for a process that has ended and that nobody has waited for yet. */
function isRunning(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

test('a Ctrl-C that the whole group gets does not end a worker, and its parent still does', async (t) => {
  const worker = await startEcho();
  const { pid } = worker;
  for (const [number, signal] of (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).entries()) {
    process.kill(pid, signal);
    t.deepEqual(await worker.ask({ number }), { asked: { number } }, signal);
  }
  await worker.end();
  t.false(isRunning(pid));
});

test('a worker that is killed is an error by its name, and not waited for', async (t) => {
  const worker = await startEcho();
  process.kill(worker.pid, 'SIGKILL');
  const ended = { instanceOf: OperatingError, message: 'echo: its process ended' };
  await t.throwsAsync(worker.ask({ number: 1 }), ended);
  // Its exit has been seen by now.
  await t.throwsAsync(worker.ask({ number: 2 }), ended);
  await worker.end();
});

test('a worker ends when its parent is killed', async (t) => {
  const parent = spawn(process.execPath, [PARENT], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line]: Buffer[] = await once(parent.stdout, 'data');
  const pid = Number(line?.toString());
  t.true(isRunning(pid));
  parent.kill('SIGKILL');
  t.true(await until(() => !isRunning(pid), { clock: systemClock, timeoutMs: 30_000 }));
});

test('a worker whose parent is gone before it serves ends as quietly', async (t) => {
  const late = join(import.meta.dirname, 'testing/late-worker.js');
  const worker = fork(late, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  assert(worker.stderr !== null, 'stderr is a pipe');
  const said = text(worker.stderr);
  worker.disconnect();
  const [code]: (number | null)[] = await once(worker, 'exit');
  t.deepEqual([code, await said], [0, '']);
});
