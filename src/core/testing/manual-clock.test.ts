import test from 'ava';
import { ManualClock } from './manual-clock.ts';

test('timers fire at their times, in order, and one that is set by another fires too', async (t) => {
  const clock = new ManualClock(0);
  const fired: string[] = [];
  const note = (name: string): void => {
    fired.push(`${name} ${clock.nowNs() / 1e6}`);
  };
  clock.after(20, () => note('late'));
  clock.after(10, () => {
    note('early');
    clock.after(5, () => note('nested'));
    void Promise.resolve().then(() => note('promise'));
    clock.soon(() => note('soon'));
  });
  clock.after(20, () => note('later'));
  clock.after(1, () => note('cleared')).clear();
  await clock.advance(15);
  t.deepEqual(fired, ['early 10', 'promise 10', 'soon 10', 'nested 15']);
  t.is(clock.nowNs(), 15e6);
  await clock.until(() => fired.length === 6);
  t.deepEqual(fired.slice(4), ['late 20', 'later 20']);
  t.is(clock.timers, 0);
});

test('after a jump overdue timers fire late, at the time that is', async (t) => {
  const clock = new ManualClock(0);
  let at = 0;
  clock.after(10, () => {
    at = clock.nowNs();
  });
  clock.jump(50);
  t.is(at, 0);
  await clock.advance(0);
  t.is(at, 50e6);
});

test('waiting for what does not happen is an error', async (t) => {
  const clock = new ManualClock(0);
  clock.after(10, () => {});
  await t.throwsAsync(
    clock.until(() => false, 1_000),
    { message: /did not happen in 1000 ms/ },
  );
});
