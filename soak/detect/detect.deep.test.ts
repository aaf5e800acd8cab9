/** Every planted bug and every sabotage. `detect.test.ts` has a few of them. */

import test from 'ava';
import { MUTANTS, mutantNamed } from '../simulation/mutants/index.ts';
import { type Plan, planOf, withoutDepartures, workloadOf } from '../simulation/plan.ts';
import { SABOTAGES, sabotageNamed } from '../simulation/sabotages/sabotages.ts';
import { simulate } from '../simulation/simulate.ts';
import { adaptedPlans, mutantsAreCaught, plansHold, sabotagesAreNamed } from './testing/trials.ts';

/** A bound for hanging tests. Each test takes at most two minutes of CPU time. */
const TIMEOUT_MS = 3_600_000;

test.serial('every mutant is caught under each of two seeds in which it takes effect, by its right name', (t) => {
  t.timeout(TIMEOUT_MS);
  return mutantsAreCaught(t, MUTANTS, 2);
});

test.serial('plans that were adapted to a mutant hold without it', (t) => {
  t.timeout(TIMEOUT_MS);
  const plans = adaptedPlans();
  t.true(plans.length > 5);
  return plansHold(t, plans);
});

test.serial('no sabotage of the harness ends in HOLDS, and each is named', (t) => {
  t.timeout(TIMEOUT_MS);
  return sabotagesAreNamed(t, SABOTAGES);
});

/** The plan of these schedules: nobody left in them. */
function planAs(seed: number, adapt: (plan: Plan) => Plan = (plan) => plan): Plan {
  return adapt(withoutDepartures(planOf(seed, workloadOf(seed))));
}

/**
 * Bugs that signalled without harm, bugs that were caught without a signal, and sabotages of events that a schedule did
 * not have.
 */
test.serial('schedules that were once counted wrongly are counted rightly', async (t) => {
  t.timeout(TIMEOUT_MS);
  const mutants = [
    // The copy lacked only a claim, which the successor replaces.
    { name: 'copied-before-raise', seed: 550_001, tookEffect: false },
    // A replaced summer reported, and its successor was told that the journal is trimmed.
    { name: 'epoch-not-checked', seed: 770_003, tookEffect: true },
    // The batch without the record was read before its chunker had the acknowledgement.
    { name: 'end-of-file-missed', seed: 661_302, tookEffect: true },
    { name: 'chunk-lost', seed: 661_303, tookEffect: true },
  ];
  for (const { name, seed, tookEffect } of mutants) {
    const { adapt, decorations } = mutantNamed(name);
    const outcome = await simulate(planAs(seed, adapt), { decorations: decorations(), stopsAtFirst: true });
    t.is(outcome.tookEffect, tookEffect, `${name} under seed ${seed}`);
    t.is(outcome.violations.length > 0, tookEffect, `${name} under seed ${seed}`);
  }
  for (const name of ['verifier-that-died', 'end-checkpoints-withheld-all-but-a-few']) {
    const { adapt, decorations, reason } = sabotageNamed(name);
    const { inconclusive } = await simulate(planAs(661_302, adapt), { decorations: decorations() });
    t.true(
      inconclusive.some((line) => reason.test(line)),
      `${name}: ${inconclusive.join('; ')}`,
    );
  }
});
