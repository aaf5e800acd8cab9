import test from 'ava';
import fc from 'fast-check';
import { Schedule } from './schedule.ts';

test('step n is intended n intervals after the anchor, and due from then on', (t) => {
  const schedule = new Schedule({ rate: 1_000, anchorNs: 5e9 });
  t.true(schedule.isPaced);
  t.is(schedule.intendedNs(0, 9e9), 5e9);
  t.is(schedule.intendedNs(1_500, 9e9), 6.5e9);
  t.is(schedule.dueSteps(5e9 - 1), 0);
  t.is(schedule.dueSteps(5e9), 1);
  t.is(schedule.dueSteps(5e9 + 999_999), 1);
  t.is(schedule.dueSteps(5e9 + 1_000_000), 2);
  t.is(schedule.dueSteps(4e9) <= 0, true);
});

test('whoever takes all steps that are due is never ahead of the schedule and never a whole step behind', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2_000_000 }), fc.nat(1e6), fc.nat(1e6), (rate, anchorUs, laterUs) => {
      const schedule = new Schedule({ rate, anchorNs: anchorUs * 1e3 });
      const nowNs = (anchorUs + laterUs) * 1e3;
      const due = schedule.dueSteps(nowNs);
      // A double of nanoseconds is exact to about a thousandth of a microsecond here.
      t.true(schedule.intendedNs(due - 1, nowNs) <= nowNs + 1);
      t.true(schedule.intendedNs(due, nowNs) > nowNs - 1);
    }),
  );
});

test('a schedule that was blocked catches up: what it missed is due at once, and intended in the past', (t) => {
  const schedule = new Schedule({ rate: 100, anchorNs: 0 });
  t.is(schedule.dueSteps(10e9), 1_001);
  t.is(schedule.intendedNs(300, 10e9), 3e9);
});

test('the wait for a step is as long as it takes, and at least what a timer can', (t) => {
  const schedule = new Schedule({ rate: 10, anchorNs: 0 });
  t.is(schedule.waitMs(1, 0), 100);
  t.is(schedule.waitMs(1, 99_900_000), 1);
  t.is(schedule.waitMs(1, 5e9), 1);
});

test('without a rate everything is due, and intended now', (t) => {
  const schedule = new Schedule({ rate: null, anchorNs: 5e9 });
  t.false(schedule.isPaced);
  t.is(schedule.dueSteps(0), Number.POSITIVE_INFINITY);
  t.is(schedule.intendedNs(1e9, 7e9), 7e9);
});
