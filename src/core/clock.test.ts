import test from 'ava';
import { delay, inTime, systemClock } from './clock.ts';
import { ManualClock } from './testing/manual-clock.ts';

test('a delay ends when its time has passed, and not before', async (t) => {
  const clock = new ManualClock();
  let isOver = false;
  void delay(clock, 100).then(() => {
    isOver = true;
  });
  await clock.advance(99);
  t.false(isOver);
  await clock.advance(1);
  t.true(isOver);
});

test('aborting ends a delay at once and leaves no timer', async (t) => {
  const clock = new ManualClock();
  const controller = new AbortController();
  const delayed = delay(clock, 100, controller.signal);
  t.is(clock.timers, 1);
  controller.abort();
  await delayed;
  t.is(clock.timers, 0);
});

test('a signal that is aborted already ends a delay before it sets a timer', async (t) => {
  const clock = new ManualClock();
  await delay(clock, 100, AbortSignal.abort());
  t.is(clock.timers, 0);
});

test('a delay that has ended no longer listens to its signal', async (t) => {
  const clock = new ManualClock();
  const controller = new AbortController();
  let listeners = 0;
  const { signal } = controller;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...all: Parameters<typeof add>): void => {
    listeners += 1;
    add(...all);
  };
  signal.removeEventListener = (...all: Parameters<typeof remove>): void => {
    listeners -= 1;
    remove(...all);
  };
  const delayed = delay(clock, 5, signal);
  t.is(listeners, 1);
  await clock.advance(5);
  await delayed;
  t.is(listeners, 0);
});

test("the machine's clock never goes back, fires a timer after its time, and not one that is cleared", async (t) => {
  const startNs = systemClock.nowNs();
  const fired: string[] = [];
  systemClock.after(0, () => fired.push('cleared')).clear();
  await new Promise<void>((resolve) => {
    systemClock.after(2, resolve);
    systemClock.soon(() => fired.push('soon'));
  });
  t.deepEqual(fired, ['soon']);
  // Node rounds a timer down by at most a millisecond.
  t.true(systemClock.nowNs() - startNs >= 1e6);
});

test('what settles in time is passed on and leaves no timer, what does not is an error at the limit', async (t) => {
  const clock = new ManualClock();
  const options = { clock, limitMs: 100, late: () => new Error('late') };
  t.is(await inTime(Promise.resolve(7), options), 7);
  await t.throwsAsync(inTime(Promise.reject(new Error('own')), options), { message: 'own' });
  await clock.settle();
  t.is(clock.timers, 0);
  let error: unknown = null;
  inTime(new Promise(() => {}), options).catch((caught: unknown) => {
    error = caught;
  });
  await clock.advance(99);
  t.is(error, null);
  await clock.advance(1);
  t.is(String(error), 'Error: late');
});
