/** Detection with a few of the mutants and one sabotage. `detect.deep.test.ts` has all. */

import test from 'ava';
import { UsageError } from '../../src/core/errors.ts';
import { MUTANTS } from '../simulation/mutants/index.ts';
import { SABOTAGES } from '../simulation/sabotages/sabotages.ts';
import { detectCommand } from './detect-command.ts';
import { mutantsAreCaught, sabotagesAreNamed } from './testing/trials.ts';

/** A bound for hanging tests. Each test takes at most about ten seconds of CPU time. */
const EXPERIMENTS_MS = 1_800_000;

test('there are 50 mutants in 12 classes and more, and 12 sabotages, each with a name of its own', (t) => {
  const names = [...MUTANTS, ...SABOTAGES].map(({ name }) => name);
  t.is(new Set(names).size, names.length);
  for (const name of names) t.regex(name, /^[a-z]+(?:-[a-z]+)*$/);
  t.true(MUTANTS.length >= 50 && new Set(MUTANTS.map((mutant) => mutant.class)).size >= 12);
  t.true(SABOTAGES.length >= 12);
});

/** The first of each kind, in the order of the list. */
function firstOfEach<T>(all: readonly T[], kindOf: (one: T) => string): T[] {
  return [...new Map(all.toReversed().map((one) => [kindOf(one), one])).values()];
}

test.serial('a mutant of every fifth class is caught by its right name under a seed in which it takes effect', (t) => {
  t.timeout(EXPERIMENTS_MS);
  const mutants = firstOfEach(MUTANTS, (mutant) => mutant.class).filter((_, index) => index % 5 === 0);
  t.true(mutants.length >= 3);
  return mutantsAreCaught(t, mutants, 1);
});

test.serial('a sabotage does not end in HOLDS, and is named', (t) => {
  t.timeout(EXPERIMENTS_MS);
  return sabotagesAreNamed(t, SABOTAGES.slice(0, 1));
});

test('an unknown mutant or sabotage is a usage error that says who names the known ones', async (t) => {
  for (const flag of ['--mutant', '--sabotage']) {
    const asked = detectCommand().parseAsync(['node', 'detect', flag, 'nobody']);
    const error = await t.throwsAsync(asked, { instanceOf: UsageError });
    t.regex(error?.message ?? '', new RegExp(`^${flag} nobody: unknown name; .stream-sum detect --list. shows all$`));
  }
});
