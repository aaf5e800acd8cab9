import test from 'ava';
import fc from 'fast-check';
import { holm, median, medianWithInterval, normalUpperTail } from './statistics.ts';

/** 1, 2, ... n. */
function upTo(n: number): number[] {
  return Array.from({ length: n }, (_, index) => index + 1);
}

test('the normal tail is that of the tables', (t) => {
  // NIST/SEMATECH e-Handbook 1.3.6.7.1 and Abramowitz and Stegun, table 26.1.
  for (const [z, tail] of [
    [0, 0.5],
    [1, 0.158655],
    [1.959964, 0.025],
    [3, 0.0013499],
    [-1.644854, 0.95],
  ] as const) {
    t.true(Math.abs(normalUpperTail(z) - tail) < 2e-7 + 5e-7, `${z}`);
  }
});

test('the interval of a median has the ranks of the binomial table', (t) => {
  // Conover, table A3 (p = 1/2): P(Y <= 1) = 0.0107 of 10, 0.0156 = P(Y <= 0) of 6, P(Y <= 5) = 0.0207 of 20.
  t.deepEqual(medianWithInterval(upTo(10)), { value: 5.5, low: 2, high: 9 });
  t.deepEqual(medianWithInterval(upTo(6)), { value: 3.5, low: 1, high: 6 });
  t.deepEqual(medianWithInterval(upTo(20)), { value: 10.5, low: 6, high: 15 });
  t.deepEqual(medianWithInterval(upTo(5)), { value: 3, low: null, high: null });
});

test("Holm's correction is that of R's documentation", (t) => {
  // p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), 'holm') of the R manual.
  const rounded = holm([0.01, 0.02, 0.03, 0.04, 0.05]).map((p) => Number(p.toFixed(10)));
  t.deepEqual(rounded, [0.05, 0.08, 0.09, 0.09, 0.09]);
  t.deepEqual(holm([]), []);
});

test('a correction never makes a p smaller, nor changes their order', (t) => {
  const pValues = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(pValues, (values) => {
      const adjusted = holm(values);
      t.true(values.every((p, index) => (adjusted[index] ?? -1) >= p && (adjusted[index] ?? 2) <= 1));
      const order = values.map((_, index) => index).toSorted((a, b) => (values[a] ?? 0) - (values[b] ?? 0));
      const sorted = order.map((index) => adjusted[index] ?? 0);
      t.deepEqual(
        sorted,
        sorted.toSorted((a, b) => a - b),
      );
    }),
  );
});

test('a median lies in its interval, and mirrors with its values', (t) => {
  const samples = fc.array(fc.integer({ min: -1e6, max: 1e6 }), { minLength: 6, maxLength: 60 });
  fc.assert(
    fc.property(samples, (values) => {
      const { value, low, high } = medianWithInterval(values);
      t.true(low !== null && high !== null && low <= value && value <= high);
      t.is(value, median(values));
      const mirrored = medianWithInterval(values.map((each) => 0 - each));
      t.deepEqual([mirrored.low, mirrored.high], [0 - (high ?? 0), 0 - (low ?? 0)]);
    }),
  );
});
