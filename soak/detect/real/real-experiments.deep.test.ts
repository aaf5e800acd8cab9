/** Every bug that is planted in real processes. `real-experiments.test.ts` plants one of them. */

import test from 'ava';
import { realMutantsAreCaught } from '../testing/real-trials.ts';
import { REAL_MUTANTS } from './real-mutants.ts';

test.serial('every bug in real processes is found after its effect, rightly named, and found again by an audit', (t) =>
  realMutantsAreCaught(
    t,
    REAL_MUTANTS.map(({ name }) => name),
  ),
);
