import test from 'ava';
import { UsageError } from '../../src/core/errors.ts';
import { MUTANTS, mutantNamed } from '../simulation/mutants/index.ts';
import { type Plan, planOf, withoutDepartures, workloadOf } from '../simulation/plan.ts';
import { SABOTAGES, sabotageNamed } from '../simulation/sabotages/sabotages.ts';
import { simulate } from '../simulation/simulate.ts';
import { detectCommand } from './detect-command.ts';
import { adaptedPlans, mutantsAreCaught, plansHold, sabotagesAreNamed } from './testing/trials.ts';

/** A bound for hanging tests. Each test takes at most about ten seconds of CPU time. */
const EXPERIMENTS_MS = 1_800_000;

test('there are 50 mutants in 12 classes and more, and 12 sabotages, each with a name of its own', (t) => {
  const names = [...MUTANTS, ...SABOTAGES].map(({ name }) => name);
  t.is(new Set(names).size, names.length);
  for (const name of names) t.regex(name, /^[a-z]+(?:-[a-z]+)*$/);
  t.true(MUTANTS.length >= 50 && new Set(MUTANTS.map((mutant) => mutant.class)).size >= 12);
  t.true(SABOTAGES.length >= 12);
});

/** `detect.deep.test.ts` has all. */
function everyNth<T>(all: readonly T[], n: number): T[] {
  return all.filter((_, index) => index % n === 0);
}

/** The first of each kind, in the order of the list. */
function firstOfEach<T>(all: readonly T[], kindOf: (one: T) => string): T[] {
  return [...new Map(all.toReversed().map((one) => [kindOf(one), one])).values()];
}

test.serial('a mutant of every fifth class is caught by its right name under a seed in which it takes effect', (t) => {
  t.timeout(EXPERIMENTS_MS);
  const mutants = everyNth(
    firstOfEach(MUTANTS, (mutant) => mutant.class),
    5,
  );
  t.true(mutants.length >= 3);
  return mutantsAreCaught(t, mutants, 1);
});

test.serial('a plan that was adapted to a mutant holds without it', (t) => {
  t.timeout(EXPERIMENTS_MS);
  const plans = adaptedPlans();
  t.true(plans.length > 5);
  return plansHold(t, plans.slice(-1));
});

/**
 * Which part of the events a withholding sabotage withholds. Each of the other sabotages is a kind; every sixteenth
 * of them is run.
 */
const WITHHELD_PART = /-withheld-(?<part>[a-z-]+)$/;

test.serial('a sabotage of some kinds does not end in HOLDS, and is named', (t) => {
  t.timeout(EXPERIMENTS_MS);
  const withheld = SABOTAGES.filter(({ name }) => WITHHELD_PART.test(name));
  const others = SABOTAGES.filter((sabotage) => !withheld.includes(sabotage));
  return sabotagesAreNamed(t, [
    ...firstOfEach(withheld, ({ name }) => WITHHELD_PART.exec(name)?.groups?.['part'] ?? ''),
    ...everyNth(others, 16),
  ]);
});

test('an unknown mutant or sabotage is a usage error that says who names the known ones', async (t) => {
  for (const flag of ['--mutant', '--sabotage']) {
    const asked = detectCommand().parseAsync(['node', 'detect', flag, 'nobody']);
    const error = await t.throwsAsync(asked, { instanceOf: UsageError });
    t.regex(error?.message ?? '', new RegExp(`^${flag} nobody: unknown name; .stream-sum detect --list. shows all$`));
  }
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
  t.timeout(EXPERIMENTS_MS);
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
