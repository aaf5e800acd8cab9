/** How far apart the calls of one sequence begin. */

import test from 'ava';
import { delay } from '../../core/clock.ts';
import { ManualClock } from '../../core/testing/manual-clock.ts';
import { Pace } from './pace.ts';

const { signal } = new AbortController();

/** Makes calls of this length for so many bytes, one after the other, and returns when each began, in ms. */
async function begins(calls: number, lengthMs: number, bytes = 100): Promise<number[]> {
  const clock = new ManualClock();
  const pace = new Pace(clock);
  const startNs = clock.nowNs();
  const begun: number[] = [];
  const all = async (): Promise<void> => {
    for (let call = 0; call < calls; call += 1) {
      await pace.due(signal);
      await pace.call(bytes, async () => {
        begun.push((clock.nowNs() - startNs) / 1e6);
        await delay(clock, lengthMs);
      });
    }
  };
  let isOver = false;
  void all().then(() => (isOver = true));
  await clock.until(() => isOver);
  return begun;
}

test('calls begin four of their lengths apart, and at least 10 and at most 50 ms', async (t) => {
  t.deepEqual(await begins(3, 5), [0, 20, 40]);
  t.deepEqual(await begins(3, 1), [0, 10, 20]);
  t.deepEqual(await begins(3, 30), [0, 50, 100]);
});

test('calls for much begin 150 ms apart, however short they are', async (t) => {
  t.deepEqual(await begins(3, 1, 64 * 1024), [0, 150, 300]);
  t.deepEqual(await begins(3, 1, 64 * 1024 - 1), [0, 10, 20]);
  t.deepEqual(await begins(3, 160, 1e6), [0, 160, 320]);
});

test('whoever waits is told that enough waits, and a hurry without a wait changes nothing', async (t) => {
  const clock = new ManualClock();
  const pace = new Pace(clock);
  pace.hurry();
  await pace.call(1e6, () => Promise.resolve());
  let isDue = false;
  void pace.due(signal).then(() => (isDue = true));
  await clock.advance(30);
  t.false(isDue);
  pace.hurry();
  await clock.advance(0);
  t.true(isDue);
  pace.hurry();
  let isDueAgain = false;
  void pace.due(signal).then(() => (isDueAgain = true));
  await clock.advance(119);
  t.false(isDueAgain);
  await clock.advance(1);
  t.true(isDueAgain);
});

test('a call that takes longer than that is followed at once', async (t) => {
  t.deepEqual(await begins(3, 70), [0, 70, 140]);
});

test('after a while, and with an ended wait, a call waits for nothing; one that fails counts too', async (t) => {
  const clock = new ManualClock();
  const pace = new Pace(clock);
  await t.throwsAsync(
    pace.call(0, () => Promise.reject(new Error('planted'))),
    { message: 'planted' },
  );
  let isDue = false;
  void pace.due(signal).then(() => (isDue = true));
  await clock.advance(9);
  t.false(isDue);
  await clock.advance(1);
  t.true(isDue);
  await pace.call(0, () => Promise.resolve());
  const nowNs = clock.nowNs();
  await pace.due(AbortSignal.abort());
  t.is(clock.nowNs(), nowNs);
  await clock.advance(100);
  const laterNs = clock.nowNs();
  await pace.due(signal);
  t.is(clock.nowNs(), laterNs);
});
