import test from 'ava';
import fc from 'fast-check';
import { ResourceSeries, WINDOWS_MIN, WINDOW_POINTS_MIN } from './resource-series.ts';

const SHORT = { blockS: 2, warmUpS: 10, pointsMax: 128 };

test('the warm-up of each incarnation is left out, and no slope goes from one incarnation into another', (t) => {
  const series = new ResourceSeries({ ...SHORT, pointsMax: 512 });
  let second = 0;
  for (let incarnation = 1; incarnation <= 6; incarnation += 1) {
    for (let age = 0; age < 90; age += 1) {
      // Each incarnation begins with a steep warm-up and then stays at its own height.
      series.add(incarnation, second, age < 10 ? age * 1e6 : incarnation * 1e9);
      second += 1;
    }
  }
  t.is(series.incarnations, 6);
  t.like(series.slope(), { value: 0, low: 0, high: 0, p: 1 });
});

test('what was not watched long enough has no slope', (t) => {
  const series = new ResourceSeries(SHORT);
  t.is(series.median, null);
  for (let second = 0; second < 10 + SHORT.blockS * WINDOWS_MIN * WINDOW_POINTS_MIN; second += 1)
    series.add(1, second, second);
  t.is(series.slope(), null);
  for (let more = 0; more < 4; more += 1) series.add(1, 106 + more, 106 + more);
  t.is(series.slope()?.value, 1);
});

test('however long a run is, a series holds a bounded number of points and keeps its slope', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 400, max: 20_000 }), (seconds) => {
      const series = new ResourceSeries(SHORT);
      for (let second = 0; second < seconds; second += 1) series.add(1, second, 3 * second);
      const slope = series.slope();
      t.true(Math.abs((slope?.value ?? 0) - 3) < 1e-6);
      // The distance of points is the length that blocks have reached.
      t.true(series.seconds > seconds * 0.8 - 40 && series.seconds <= seconds);
    }),
    { numRuns: 20 },
  );
});

test('how long a process was watched is told by the clock, however few values there were', (t) => {
  for (const everyS of [1, 2, 3]) {
    const series = new ResourceSeries({ ...SHORT, pointsMax: 512 });
    for (let second = 0; second < 250; second += everyS) series.add(1, second, 1);
    t.true(Math.abs(series.seconds - 240) <= 6, `${everyS}: ${series.seconds}`);
  }
});

test('short incarnations are dropped, and a long one among them is judged', (t) => {
  const series = new ResourceSeries(SHORT);
  let second = 0;
  for (let incarnation = 1; incarnation <= 500; incarnation += 1) {
    const length = incarnation === 250 ? 300 : 15;
    for (let age = 0; age < length; age += 1) {
      series.add(incarnation, second, 5 * age);
      second += 1;
    }
  }
  t.is(series.incarnations, 1);
  t.is(series.slope()?.value, 5);
});
