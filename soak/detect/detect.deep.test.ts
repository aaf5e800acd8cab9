/** Every planted bug and every sabotage. `detect.test.ts` has a few of each kind. */

import test from 'ava';
import { MUTANTS } from '../simulation/mutants/index.ts';
import { SABOTAGES } from '../simulation/sabotages/sabotages.ts';
import { adaptedPlans, mutantsAreCaught, plansHold, sabotagesAreNamed } from './testing/trials.ts';

/** A bound for hanging tests. Each test takes at most two minutes of CPU time. */
const TIMEOUT_MS = 3_600_000;

test.serial('every mutant is caught under each of two seeds in which it takes effect, by its right name', (t) => {
  t.timeout(TIMEOUT_MS);
  return mutantsAreCaught(t, MUTANTS, 2);
});

test.serial('plans that were adapted to a mutant hold without it', (t) => {
  t.timeout(TIMEOUT_MS);
  return plansHold(t, adaptedPlans());
});

test.serial('no sabotage of the harness ends in HOLDS, and each is named', (t) => {
  t.timeout(TIMEOUT_MS);
  return sabotagesAreNamed(t, SABOTAGES);
});
