import { getEventListeners } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { temporaryFolder, within } from '../cli/testing/test-process.ts';
import { systemClock } from '../core/clock.ts';
import { howEnded } from './child.ts';
import { processState } from './process-usage.ts';
import { KEPT_BYTES_MAX, type ProgramEnd, type RunOptions, runToEnd } from './run-to-end.ts';
import { until } from './waiting.ts';

const TIMEOUT_MS = 60_000;
const NEVER_MS = 3_600_000;

function run(options: RunOptions): Promise<ProgramEnd> {
  return within(runToEnd(options), () => 'the end of the program');
}

test('what a program says is kept as it came, and its stdout also alone', async (t) => {
  const script = 'read word; echo "out $word"; echo "error $word" >&2; exit 2';
  const end = await run({ argv: ['sh', '-c', script], input: 'heard\n', output: 'keep' });
  t.is(howEnded(end), 'exited with 2');
  t.is(end.stdout, 'out heard\n');
  t.deepEqual(end.said.split('\n').toSorted(), ['', 'error heard', 'out heard']);
});

test('of what a program says too much of, the last is kept', async (t) => {
  const script = `head -c ${2 * KEPT_BYTES_MAX} /dev/zero; echo last`;
  const { code, stdout } = await run({ argv: ['sh', '-c', script], output: 'keep' });
  t.is(code, 0);
  t.true(stdout.length <= KEPT_BYTES_MAX);
  t.true(stdout.endsWith('last\n'));
});

test('output is appended to a log', async (t) => {
  const logPath = join(temporaryFolder(t), 'log');
  writeFileSync(logPath, 'before\n');
  const end = await run({ argv: ['sh', '-c', 'echo out; echo error >&2'], output: { logPath } });
  t.is(readFileSync(logPath, 'utf8'), 'before\nout\nerror\n');
  t.is(end.said, '');
});

test('an abort ends all that a program has started, whoever of them does not listen', async (t) => {
  const path = join(temporaryFolder(t), 'pid');
  // The shell ends at SIGTERM, and leaves a process behind that ignores it.
  const script = `(trap '' TERM; echo $$ > "${path}.shell"; sh -c 'echo $$ > "${path}"; exec sleep 1e6') & wait`;
  const aborted = new AbortController();
  const abort = { signal: aborted.signal, graceMs: NEVER_MS };
  const running = run({ argv: ['sh', '-c', script], output: { logPath: '/dev/null' }, isDetached: true, abort });
  const readPid = (): number => {
    try {
      return Number(readFileSync(path, 'utf8'));
    } catch {
      return 0;
    }
  };
  t.true(await until(() => readPid() > 0, { clock: systemClock, timeoutMs: TIMEOUT_MS }));
  const pid = readPid();
  aborted.abort();
  t.is(howEnded(await running), 'was ended by SIGTERM');
  const isGone = (): boolean => [null, 'Z'].includes(processState(pid));
  t.true(await until(isGone, { clock: systemClock, timeoutMs: TIMEOUT_MS }));
});

test('a program that does not listen is killed after its time, or at once', async (t) => {
  for (const graceMs of [0, 50]) {
    const aborted = new AbortController();
    const script = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1e6); console.log('listens not')";
    const abort = { signal: aborted.signal, graceMs };
    const path = join(temporaryFolder(t), 'log');
    const running = run({ argv: [process.execPath, '-e', script], output: { logPath: path }, abort });
    const isHere = (): boolean => readFileSync(path, 'utf8') !== '';
    t.true(await until(isHere, { clock: systemClock, timeoutMs: TIMEOUT_MS }));
    aborted.abort();
    t.is(howEnded(await running), 'was ended by SIGKILL');
  }
});

test('no listener of an abort stays behind, also of a program that could not be started', async (t) => {
  const { signal } = new AbortController();
  for (const argv of [['true'], ['/no/such/program'], ['true', 'x'.repeat(3e6)]]) {
    await run({ argv, output: 'keep', abort: { signal, graceMs: 0 } });
    t.deepEqual(getEventListeners(signal, 'abort'), []);
  }
});

test('a program that is no longer wanted is not started', async (t) => {
  const path = join(temporaryFolder(t), 'touched');
  const abort = { signal: AbortSignal.abort(), graceMs: 0 };
  const end = await run({ argv: ['touch', path], output: 'keep', abort });
  t.is(end.error?.code, 'ERR_INTERRUPTED');
  t.throws(() => readFileSync(path), { code: 'ENOENT' });
});
