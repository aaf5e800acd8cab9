/** How often the rank test is wrong. */

import test from 'ava';
import { Prng } from '../../src/core/prng.ts';
import { hodgesLehmann, mannWhitney, pseudoMedian } from './statistics-ranks.ts';
import { normals } from './testing/noise.ts';

test('of equal samples one in twenty is called different, and an interval misses as rarely', (t) => {
  const prng = Prng.fromSeed(11);
  let [rejected, missed] = [0, 0];
  const repetitions = 2_000;
  for (let repetition = 0; repetition < repetitions; repetition += 1) {
    const [first, second] = [normals(prng, 10), normals(prng, 10)];
    const { low, high } = hodgesLehmann(first, second);
    const isRejected = mannWhitney(first, second).p <= 0.05;
    if (isRejected) rejected += 1;
    if ((low ?? 0) > 0 || (high ?? 0) < 0) missed += 1;
    const centre = pseudoMedian(first.map((value, index) => value - (second[index] ?? 0)));
    t.true((centre.low ?? 0) <= centre.value && centre.value <= (centre.high ?? 0));
  }
  t.is(rejected, missed, 'the interval inverts the test');
  // The exact level is 0.0433 (Conover, table A7); five standard errors.
  t.true(Math.abs(rejected / repetitions - 0.0433) < 0.023, `${rejected}`);
});
