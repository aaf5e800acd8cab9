import test from 'ava';
import fc from 'fast-check';
import { TimeSteps } from './time-steps.ts';

test('seconds are steps, and a second without a value has none', (t) => {
  const steps = new TimeSteps([true], 10);
  steps.add(1, 1, [5]);
  steps.add(2, 1, [null]);
  steps.add(3, 1, [0]);
  t.deepEqual(steps.of(0), { mean: [5, null, 0], low: [5, null, 0], high: [5, null, 0] });
  t.deepEqual(steps.atS, [0.5, 1.5, 2.5]);
});

test('a time of which there is no row is a gap, also where steps became longer', (t) => {
  const steps = new TimeSteps([true], 4);
  steps.add(1, 1, [1]);
  steps.add(2, 1, [3]);
  steps.add(8, 1, [7]);
  t.is(steps.stepS, 2);
  t.deepEqual(steps.of(0), { mean: [2, null, null, 7], low: [1, null, null, 7], high: [3, null, null, 7] });
});

test('rows that come some tenths of a second early or late leave no second empty', (t) => {
  const steps = new TimeSteps([true], 10);
  for (const [endS, seconds] of [
    [1.3, 1.3],
    [2.1, 0.8],
    [3.4, 1.3],
    [4, 0.6],
  ] as const)
    steps.add(endS, seconds, [endS]);
  t.deepEqual(steps.of(0).mean, [1.3, 2.1, 3.4, 4]);
});

test('a rate of a tenth of a second counts by its length, and is neither the least nor the greatest', (t) => {
  const steps = new TimeSteps([true], 4);
  steps.add(0.9, 0.9, [100]);
  steps.add(1, 0.1, [1_000]);
  t.deepEqual(steps.of(0), { mean: [190], low: [100], high: [190] });
  const alone = new TimeSteps([true], 4);
  alone.add(0.1, 0.1, [7]);
  t.deepEqual(alone.of(0), { mean: [7], low: [7], high: [7] });
});

test('a latency counts as the greatest however short its row is', (t) => {
  const steps = new TimeSteps([false], 4);
  steps.add(0.9, 0.9, [0.1]);
  steps.add(1, 0.1, [12]);
  t.deepEqual([steps.of(0).low, steps.of(0).high], [[0.1], [12]]);
});

test('however many rows there are, the steps keep the least, the greatest and the mean of all', (t) => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.integer({ min: 0, max: 999 })), { minLength: 1, maxLength: 300 }), (values) => {
      const steps = new TimeSteps([true], 16);
      for (const [index, value] of values.entries()) steps.add(index + 1, 1, [value]);
      const { mean, low, high } = steps.of(0);
      const known = values.filter((value) => value !== null);
      t.true(mean.length <= 16 && mean.length * steps.stepS >= values.length);
      t.is(Math.min(...low.flatMap((value) => value ?? [])), Math.min(...known));
      t.is(Math.max(...high.flatMap((value) => value ?? [])), Math.max(...known));
      for (const [step, value] of mean.entries()) {
        const own = values.slice(step * steps.stepS, (step + 1) * steps.stepS).filter((one) => one !== null);
        if (own.length === 0) t.is(value, null);
        else t.is(value, Number((own.reduce((sum, one) => sum + one, 0) / own.length).toPrecision(4)));
      }
    }),
  );
});
