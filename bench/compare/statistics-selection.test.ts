import test from 'ava';
import fc from 'fast-check';
import { differencesOf, type Pairs, walshAveragesOf } from './statistics-selection.ts';
import { ascending, median } from '../../src/measure/statistics.ts';

/** Few different values, so that many pairs are equal; or any doubles with finite differences. */
const VALUES = fc.oneof(
  fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 1, maxLength: 80 }),
  fc.array(fc.double({ noNaN: true, min: -1e290, max: 1e290 }), { minLength: 1, maxLength: 80 }),
  fc.array(fc.double({ noNaN: true, min: 1, max: 2 }), { minLength: 60, maxLength: 80 }),
);

/** Equal, where both zeros count as the same: the sign of a zero depends on the pair that it came from. */
function same(a: number | null, b: number | undefined): boolean {
  return (a ?? Number.NaN) + 0 === (b ?? Number.NaN) + 0;
}

function listed(pairs: Pairs, list: readonly number[]): boolean {
  const sorted = ascending(list);
  // At the last of equal values, the count of pairs is the rank.
  const lasts = sorted.flatMap((value, index) => (value === sorted[index + 1] ? [] : [index])).slice(0, 8);
  const isEach = [0, 1, 7, sorted.length >> 1, sorted.length - 1, ...lasts]
    .filter((index) => index < sorted.length)
    .every((index) => same(pairs.orderStatistic(index), sorted[index]));
  return pairs.count === sorted.length && isEach && same(pairs.median(), median(sorted));
}

test('order statistics of all differences are those of their list', (t) => {
  fc.assert(
    fc.property(VALUES, VALUES, (a, b) => {
      t.true(
        listed(
          differencesOf(ascending(a), ascending(b)),
          a.flatMap((x) => b.map((y) => x - y)),
        ),
      );
    }),
    { numRuns: 100 },
  );
});

test('order statistics of all pairwise means are those of their list', (t) => {
  fc.assert(
    fc.property(VALUES, (values) => {
      const sorted = ascending(values);
      t.true(
        listed(
          walshAveragesOf(sorted),
          sorted.flatMap((x, index) => sorted.slice(index).map((y) => (x + y) / 2)),
        ),
      );
    }),
    { numRuns: 100 },
  );
});

/** 80 numbers of which many are equal. */
function fewValues(step: number): number[] {
  return ascending(Array.from({ length: 80 }, (_, index) => ((index * step) % 7) - 3));
}

test('order statistics among many equal pairs are those of the list', (t) => {
  const [a, b] = [fewValues(1), fewValues(3)];
  t.true(
    listed(
      differencesOf(a, b),
      a.flatMap((x) => b.map((y) => x - y)),
    ),
  );
  t.true(
    listed(
      walshAveragesOf(a),
      a.flatMap((x, index) => a.slice(index).map((y) => (x + y) / 2)),
    ),
  );
});
