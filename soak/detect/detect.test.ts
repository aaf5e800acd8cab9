import test from 'ava';
import { UsageError } from '../../src/core/errors.ts';
import { MUTANTS, mutantNamed } from '../simulation/mutants/index.ts';
import { SABOTAGES } from '../simulation/sabotages/sabotages.ts';
import { detectCommand } from './detect-command.ts';
import { Detection } from './detection.ts';
import { type Experiment, type ExperimentResult, planted } from './experiment.ts';
import { runExperiments } from './experiments.ts';

const JOBS = 2;
/** In which a mutant must take effect. */
const SEEDS_EFFECTIVE = 2;
const SEEDS_MAX = 20;

async function run(tasks: readonly Experiment[]): Promise<ExperimentResult[]> {
  const results: ExperimentResult[] = [];
  await runExperiments({ tasks, jobs: JOBS, onResult: (result) => results.push(result) });
  return results;
}

test('there are 50 mutants in 12 classes and more, and 12 sabotages, each with a name of its own', (t) => {
  const names = [...MUTANTS, ...SABOTAGES].map(({ name }) => name);
  t.is(new Set(names).size, names.length);
  for (const name of names) t.regex(name, /^[a-z]+(?:-[a-z]+)*$/);
  t.true(MUTANTS.length >= 50 && new Set(MUTANTS.map((mutant) => mutant.class)).size >= 12);
  t.true(SABOTAGES.length >= 12);
});

test.serial('every mutant is caught under each of two seeds in which it takes effect, by its right name', async (t) => {
  t.timeout(900_000);
  const detection = new Detection();
  const effective = new Map(MUTANTS.map(({ name }) => [name, 0]));
  for (let seed = 1; seed <= SEEDS_MAX; seed += 1) {
    const lacking = MUTANTS.filter(({ name }) => (effective.get(name) ?? 0) < SEEDS_EFFECTIVE);
    for (const result of await run(lacking.map(({ name }) => ({ of: 'mutant', name, seed })))) {
      if (!result.tookEffect && result.violation === null) continue;
      // A catch without a signal is a miss of its own.
      detection.add(result);
      if (!result.tookEffect) continue;
      effective.set(result.name, (effective.get(result.name) ?? 0) + 1);
    }
  }
  t.deepEqual(detection.misses(), []);
  t.is(detection.exitCode, 0, detection.misnamed().join('\n'));
  for (const [name, seeds] of effective) t.is(seeds, SEEDS_EFFECTIVE, name);
});

test.serial('plans that were adapted to a mutant hold without it', async (t) => {
  t.timeout(900_000);
  const byPlan = new Map<string, Experiment>();
  for (const { name } of MUTANTS) {
    const clean = { of: 'clean', name, seed: 1 } as const;
    byPlan.set(JSON.stringify(planted(clean).plan), clean);
  }
  t.true(byPlan.size > 5);
  for (const { name, holds, violation, reasons } of await run([...byPlan.values()])) {
    t.is(violation, null, `${name}: ${reasons.join('; ')}`);
    const isInconclusive = mutantNamed(name).isPlanInconclusive === true;
    t.true(holds || isInconclusive, `${name}: ${reasons.join('; ')}`);
  }
});

test.serial('no sabotage of the harness ends in HOLDS, and each is named', async (t) => {
  t.timeout(900_000);
  const detection = new Detection();
  for (const result of await run(SABOTAGES.map(({ name }) => ({ of: 'sabotage', name, seed: 1 }))))
    detection.add(result);
  t.deepEqual(detection.misses(), []);
  t.is(detection.exitCode, 0);
});

test('an unknown mutant or sabotage is a usage error that says who names the known ones', async (t) => {
  for (const flag of ['--mutant', '--sabotage']) {
    const asked = detectCommand().parseAsync(['node', 'detect', flag, 'nobody']);
    const error = await t.throwsAsync(asked, { instanceOf: UsageError });
    t.regex(error?.message ?? '', new RegExp(`^${flag} nobody: there is none of that name; detect --list names all$`));
  }
});

/** A bug that did no harm and signalled, or was caught and had not signalled; and sabotages of events that there were none of. */
test.serial('schedules that were once counted wrongly are counted rightly', async (t) => {
  t.timeout(60_000);
  const mutants = [
    // The copy lacked nothing but a claim, which the successor replaces.
    { name: 'copied-before-raise', seed: 550_001, tookEffect: false },
    // A summer that was replaced reported, and its successor was told that the journal is trimmed.
    { name: 'epoch-not-checked', seed: 770_003, tookEffect: true },
    // The batch without the record was read before its chunker had the acknowledgement.
    { name: 'end-of-file-missed', seed: 661_302, tookEffect: true },
    { name: 'chunk-lost', seed: 661_303, tookEffect: true },
  ];
  for (const { name, seed, tookEffect } of mutants) {
    const [result] = await run([{ of: 'mutant', name, seed }]);
    t.is(result?.tookEffect, tookEffect, `${name} under seed ${seed}`);
    t.is(result?.violation !== null, tookEffect, `${name} under seed ${seed}`);
  }
  const detection = new Detection();
  for (const name of ['verifier-that-died', 'end-checkpoints-withheld-all-but-a-few']) {
    for (const result of await run([{ of: 'sabotage', name, seed: 661_302 }])) detection.add(result);
  }
  t.deepEqual(detection.misses(), []);
});
