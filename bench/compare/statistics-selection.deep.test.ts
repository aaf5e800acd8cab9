/** Intervals of so many values that a list of their pairs would not fit into memory. */

import test from 'ava';
import { hodgesLehmann, pseudoMedian } from './statistics-ranks.ts';

test('intervals of very many values need no list of their pairs', (t) => {
  // With 300,000 values a side there are 90 billion differences.
  const values = Array.from({ length: 300_000 }, (_, index) => ((index * 7919) % 300_007) / 300_007);
  const shift = hodgesLehmann(
    values.map((value) => value + 0.25),
    values,
  );
  t.true(Math.abs(shift.value - 0.25) < 1e-9);
  t.true((shift.low ?? 1) < 0.25 && (shift.high ?? 0) > 0.25);
  t.true((shift.high ?? 1) - (shift.low ?? 0) < 0.01);
  const centre = pseudoMedian(values);
  t.true(Math.abs(centre.value - 0.5) < 0.001);
  t.true((centre.low ?? 1) <= centre.value && centre.value <= (centre.high ?? 0));
});
