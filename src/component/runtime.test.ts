import { fileURLToPath } from 'node:url';
import test from 'ava';
import { TestProcess } from '../cli/testing/test-process.ts';

const SLOW_STOP = fileURLToPath(new URL('./testing/slow-stop.js', import.meta.url));

test('a component that is asked to stop twice stops once, and ends when that is done', async (t) => {
  const process = new TestProcess(t, [], { script: SLOW_STOP });
  const readyTimes = (times: number): Promise<void> =>
    process.lines((lines) => lines.filter((line) => line.includes('"ready"')).length >= times);
  await readyTimes(1);
  for (const times of [2, 3]) {
    await process.signal('SIGTERM');
    // The process has seen the signal.
    await readyTimes(times);
  }
  await process.signal('SIGUSR2');
  t.deepEqual(await process.exit(), { code: 0, signal: null });
  t.is(process.stderr.filter((line) => line.includes('it is asked to stop')).length, 1);
  t.like(process.events.at(-1), { event: 'stopped', reason: 'SIGTERM' });
});
