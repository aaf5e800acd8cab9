import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../core/clock.ts';
import { assert } from '../core/assert.ts';
import type { OperatingError } from '../core/errors.ts';
import { Pauser } from './pauser.ts';
import { processState } from './process-usage.ts';
import { until } from './waiting.ts';

const PAUSER = fileURLToPath(new URL('./pauser.js', import.meta.url));
/** Long, because the machine may be busy. */
const TIMEOUT_MS = 60_000;
const NEVER_MS = 3_600_000;

/** A process that does nothing until the test is over. */
async function sleeper(t: ExecutionContext): Promise<number> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child, 'spawn');
  assert(child.pid !== undefined, 'it was spawned');
  return child.pid;
}

function inState(pid: number, isIt: (state: string | null) => boolean): Promise<boolean> {
  return until(() => isIt(processState(pid)), { clock: systemClock, timeoutMs: TIMEOUT_MS });
}

const stopped = (pid: number): Promise<boolean> => inState(pid, (state) => state === 'T');
const running = (pid: number): Promise<boolean> => inState(pid, (state) => state !== 'T' && state !== null);

function pauser(t: ExecutionContext): { pauser: Pauser; lost: OperatingError[] } {
  const lost: OperatingError[] = [];
  const made = new Pauser({ onLost: (error) => lost.push(error) });
  t.teardown(() => made.close());
  return { pauser: made, lost };
}

test('a process that is stopped is in state T until it is continued', async (t) => {
  const pid = await sleeper(t);
  const { pauser: hands, lost } = pauser(t);
  t.not(processState(pid), 'T');
  hands.stop(pid, NEVER_MS);
  t.true(await stopped(pid));
  hands.resume(pid);
  t.true(await running(pid));
  t.deepEqual(lost, []);
});

test('nothing stays stopped for longer than its limit, nor when it is closed', async (t) => {
  const [limited, kept] = [await sleeper(t), await sleeper(t)];
  const { pauser: hands, lost } = pauser(t);
  hands.stop(kept, NEVER_MS);
  t.true(await stopped(kept));
  hands.stop(limited, 1);
  t.true(await running(limited));
  t.is(processState(kept), 'T');
  hands.close();
  t.true(await running(kept));
  t.deepEqual(lost, []);
});

test('what was stopped is continued when whoever stopped it is killed, and its child ends', async (t) => {
  const pid = await sleeper(t);
  const script = `import { Pauser } from ${JSON.stringify(PAUSER)};
    const pauser = new Pauser({ onLost: () => {} });
    pauser.stop(${pid}, ${NEVER_MS});
    console.log(pauser.pid);
    setInterval(() => {}, 1e6);`;
  const harness: ChildProcess = spawn(process.execPath, ['--input-type=module', '-e', script]);
  t.teardown(() => harness.kill('SIGKILL'));
  const [line] = await once(harness.stdout ?? t.fail(), 'data');
  const child = Number(String(line));
  t.true(child > 0);
  t.true(await stopped(pid));
  harness.kill('SIGKILL');
  t.true(await running(pid));
  t.true(await inState(child, (state) => state === null || state === 'Z'));
});

test('a child that is killed is said, and what it had stopped runs again', async (t) => {
  const pid = await sleeper(t);
  const { pauser: hands, lost } = pauser(t);
  hands.stop(pid, NEVER_MS);
  t.true(await stopped(pid));
  assert(hands.pid !== null, 'it has a child');
  process.kill(hands.pid, 'SIGKILL');
  t.true(await running(pid));
  t.deepEqual(
    lost.map(({ message }) => message),
    ['the process that pauses other processes: was ended by SIGKILL'],
  );
});

test('the state of a process that is not there is null', (t) => {
  t.is(processState(2 ** 22 + 1), null);
});
