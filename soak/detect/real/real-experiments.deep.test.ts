/**
 * Every second bug that is planted in real processes and one of the others, one short soak after the other. `detect
 * --real` plants all.
 */

import test from 'ava';
import { realMutantsAreCaught } from '../testing/real-trials.ts';
import { REAL_MUTANTS } from './real-mutants.ts';

test.serial('bugs in real processes are found after their effect, rightly named, and found again by an audit', (t) => {
  const names = REAL_MUTANTS.map(({ name }) => name).filter((_, index) => index % 2 === 0);
  t.true(names.length >= 15);
  return realMutantsAreCaught(t, names);
});

test.serial('a bug in a real process is found after its effect, rightly named, and found again by an audit', (t) =>
  realMutantsAreCaught(t, ['sum-with-a-wrong-length']),
);
