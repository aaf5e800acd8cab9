import test from 'ava';
import fc from 'fast-check';
import { Prng } from '../core/prng.ts';
import {
  type Point,
  inPairs,
  leastSquares,
  slopeOfWindows,
  studentQuantile,
  studentUpperTail,
  theilSen,
  windowsOf,
} from './slope.ts';

test('the slope of points on a line is that of the line, and a third of wild ones does not change it', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: -50, max: 50 }), fc.integer({ min: 9, max: 40 }), (slope, length) => {
      const line = Array.from({ length }, (_, at) => ({ at, value: slope * at + 3 }));
      t.is(theilSen([line]), slope);
      t.true(Math.abs(leastSquares(line) - slope) < 1e-9);
      t.true(Math.abs(leastSquares(inPairs(line)) - slope) < 1e-9);
      // Fewer than 29 % of the points are wild, so most pairs consist of other points.
      const wild = line.map((point) => (point.at % 5 === 2 ? { ...point, value: 1e6 } : point));
      t.is(theilSen([wild, wild]), slope);
    }),
  );
});

test("Student's t is that of the tables", (t) => {
  // Degrees of freedom, upper tail, t; from any table.
  for (const [degrees, tail, quantile] of [
    [1, 0.025, 12.706],
    [2, 0.05, 2.92],
    [3, 0.001, 10.215],
    [7, 0.025, 2.365],
    [7, 0.0005, 5.408],
    [8, 0.01, 2.896],
    [15, 0.005, 2.947],
    [40, 0.025, 2.021],
  ] as const) {
    t.true(Math.abs(studentQuantile(tail, degrees) - quantile) < 0.001, `${degrees} ${tail}`);
    t.true(Math.abs(studentUpperTail(quantile, degrees) - tail) < tail * 0.01, `${degrees} ${tail}`);
    t.true(Math.abs(studentUpperTail(-quantile, degrees) - (1 - tail)) < 1e-4);
  }
  t.is(studentUpperTail(0, 5), 0.5);
});

test('windows have one length, never span two series, and are as long as so many can be', (t) => {
  fc.assert(
    fc.property(fc.array(fc.nat(60), { maxLength: 5 }), (lengths) => {
      const series = lengths.map((length, of) => Array.from({ length }, (_, at) => ({ at: at * 10 + of, value: of })));
      const windows = windowsOf(series, { count: 8, least: 6 });
      const possible = (length: number): number =>
        lengths.reduce((sum, points) => sum + Math.floor(points / length), 0);
      t.is(windows === null, possible(6) < 8);
      if (windows === null) return;
      const length = windows[0]?.points.length ?? 0;
      t.is(windows.length, possible(length));
      t.true(possible(length + 1) < 8);
      for (const { points } of windows) {
        t.is(points.length, length);
        t.is(new Set(points.map(({ value }) => value)).size, 1);
      }
    }),
  );
});

/** A standard normal value (Box and Muller). */
function normal(prng: Prng): number {
  const uniform = (): number => (prng.next32() + 1) / (2 ** 32 + 1);
  return Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

test('the interval covers the drift of a random walk about as often as it says', (t) => {
  const drift = 0.2;
  let covered = 0;
  const walks = 400;
  for (let seed = 1; seed <= walks; seed += 1) {
    const prng = Prng.fromSeed(seed);
    const points: Point[] = [];
    let value = 0;
    for (let at = 0; at < 160; at += 1) {
      value += drift + normal(prng);
      points.push({ at, value });
    }
    const windows = windowsOf([points], { count: 8, least: 6 }) ?? [];
    const { low, high } = slopeOfWindows(windows.map((window) => leastSquares(window.points)));
    if (low <= drift && drift <= high) covered += 1;
  }
  // 95 % less five standard deviations for this many walks.
  t.true(covered >= walks * (0.95 - 5 * Math.sqrt((0.95 * 0.05) / walks)), `seeds 1 to ${walks}: ${covered} covered`);
});

test('a step in one window is no slope, whatever its height', (t) => {
  for (const height of [1, 1e3, 1e9]) {
    const slopes = [0, 0, height, 0, 0, 0, 0, 0];
    const { p, low } = slopeOfWindows(slopes);
    t.true(p > 0.1 && low < 0);
  }
  t.deepEqual(slopeOfWindows([2, 2, 2]), { value: 2, low: 2, high: 2, p: 0 });
  t.is(slopeOfWindows([0, 0]).p, 1);
});
