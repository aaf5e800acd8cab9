import test from 'ava';
import fc from 'fast-check';
import { Prng } from '../../src/core/prng.ts';
import { hodgesLehmann, leastMannWhitneyP, mannWhitney, pseudoMedian } from './statistics-ranks.ts';
import { normals } from './testing/noise.ts';

/** Permeability of the human chorioamnion at term and earlier: Hollander and Wolfe (1973), p. 69. */
const AT_TERM = [0.8, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
const EARLIER = [1.15, 0.88, 0.9, 0.74, 1.21];

/** Depression before and after tranquilizers: Hollander and Wolfe (1973), p. 29. */
const BEFORE = [1.83, 0.5, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.3];
const AFTER = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29];

function rounded(value: number | null): number {
  return Number((value ?? Number.NaN).toFixed(6));
}

test('Mann and Whitney on the example of R and of coin', (t) => {
  // W = 35; one-sided 0.1272 in ?wilcox.test; two-sided 0.2544, shift 0.305 and -0.15 to 0.76 in coin's documentation.
  const { u, p, exact } = mannWhitney(AT_TERM, EARLIER);
  t.deepEqual([u, rounded(p), exact], [35, 0.254412, true]);
  const shift = hodgesLehmann(AT_TERM, EARLIER);
  t.deepEqual([shift.value, shift.low, shift.high].map(rounded), [0.305, -0.15, 0.76]);
});

test('the critical values of U are those of the published table', (t) => {
  // Two-sided 5 % (Conover, table A7; Mann and Whitney 1947): U at most 23 for 10 and 10, 2 for 5 and 5, 13 for 8 and
  // 8.
  for (const [size, critical] of [
    [5, 2],
    [8, 13],
    [10, 23],
  ] as const) {
    const second = Array.from({ length: size }, (_, index) => 100 + index);
    const pOf = (u: number): number => {
      // Some values of the first sample lie above all of the second, one lies above a part of it, the others below.
      const [above, part] = [Math.floor(u / size), u % size];
      const first = second.map((_, index) => (index < above ? 200 + index : index === above ? 99.5 + part : index));
      const found = mannWhitney(first, second);
      t.is(found.u, u);
      return found.p;
    };
    t.true(pOf(critical) <= 0.05, `${size}`);
    t.true(pOf(critical + 1) > 0.05, `${size}`);
  }
});

test('ties are exact', (t) => {
  // scipy.stats.permutation_test 1.17.1 over all 6435 choices of 7 ranks.
  const { u, p } = mannWhitney([1, 2, 2, 3, 5, 5, 7], [2, 4, 5, 5, 6, 8, 9, 9]);
  t.is(u, 13);
  t.is(rounded(p), 0.0892);
  t.is(mannWhitney([4, 4, 4], [4, 4, 4, 4]).p, 1);
});

test('large samples take the normal approximation with both corrections', (t) => {
  // scipy.stats.mannwhitneyu 1.17.1, method='asymptotic'.
  const first = Array.from({ length: 30 }, (_, index) => (index * 7) % 31);
  const second = Array.from({ length: 30 }, (_, index) => ((index * 11) % 29) + 5);
  const { u, p, exact } = mannWhitney(first, second);
  t.false(exact);
  t.is(u, 343);
  t.true(Math.abs(p - 0.11522086599566136) < 1e-6, `${p}`);
});

test('the pseudo-median on the example of R', (t) => {
  // wilcox.test(x, y, paired = TRUE, conf.int = TRUE): 0.46, 0.010 to 0.786.
  const centre = pseudoMedian(BEFORE.map((value, index) => value - (AFTER[index] ?? 0)));
  t.deepEqual([centre.value, centre.low, centre.high].map(rounded), [0.46, 0.01, 0.786]);
  t.is(pseudoMedian([1, 2, 3, 4, 5]).low, null);
  t.not(pseudoMedian([1, 2, 3, 4, 5, 6]).low, null);
});

test('swapping the samples changes the sign of the shift and nothing else', (t) => {
  const sample = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(sample, sample, (first, second) => {
      const [there, back] = [mannWhitney(first, second), mannWhitney(second, first)];
      t.true(Math.abs(there.p - back.p) < 1e-9);
      t.is(there.u + back.u, first.length * second.length);
      const [up, down] = [hodgesLehmann(first, second), hodgesLehmann(second, first)];
      t.is(up.value, 0 - down.value);
      t.is(up.low, down.high === null ? null : 0 - down.high);
      t.true(there.p >= leastMannWhitneyP(first.length, second.length) - 1e-12);
    }),
  );
});

test('the test depends on the order of the values alone', (t) => {
  const prng = Prng.fromSeed(3);
  for (let repetition = 0; repetition < 20; repetition += 1) {
    const [first, second] = [normals(prng, 25), normals(prng, 25)];
    const { p } = mannWhitney(first, second);
    t.is(mannWhitney(first.map(Math.exp), second.map(Math.exp)).p, p);
  }
});
