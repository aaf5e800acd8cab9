/** How often the test by sign flips is wrong, and how often it finds what it should. */

import test from 'ava';
import { Prng } from '../../src/core/prng.ts';
import { detectableShifts, signFlipTest } from './statistics-sign-flip.ts';
import { noise } from './testing/noise.ts';

const OPTIONS = { seed: 1, floor: 0.5 };

test('with nothing to find, something is found in one of twenty at most', (t) => {
  const prng = Prng.fromSeed(23);
  const repetitions = 400;
  let found = 0;
  for (let repetition = 0; repetition < repetitions; repetition += 1) {
    if (Math.min(...signFlipTest(noise(prng, 20, 10), OPTIONS).p) <= 0.05) found += 1;
  }
  // Exact: 5 % within five standard errors, from both sides.
  t.true(found / repetitions < 0.105 && found > 0, `${found}`);
});

test('a shift of the detectable size is found in nine of ten repetitions or more', (t) => {
  const prng = Prng.fromSeed(29);
  const repetitions = 200;
  let found = 0;
  for (let repetition = 0; repetition < repetitions; repetition += 1) {
    const rows = noise(prng, 10, 12);
    const shift = detectableShifts(rows, OPTIONS)[0] ?? 0;
    const planted = rows.map((row, index) => (index === 0 ? row.map((value) => value + shift) : row));
    if ((signFlipTest(planted, OPTIONS).p[0] ?? 1) <= 0.05) found += 1;
  }
  t.true(found / repetitions >= 0.9, `${found}`);
});
