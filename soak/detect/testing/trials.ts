/**
 * Experiments that the tests of detection run with some of the planted bugs and sabotages, and the deep tests with all.
 */

import type { ExecutionContext } from 'ava';
import { MUTANTS, mutantNamed } from '../../simulation/mutants/index.ts';
import type { Mutant } from '../../simulation/mutants/mutant.ts';
import type { Sabotage } from '../../simulation/sabotages/sabotage.ts';
import { Detection } from '../detection.ts';
import { type Experiment, type ExperimentResult, planted } from '../experiment.ts';
import { runExperiments } from '../experiments.ts';

const JOBS = 2;
const SEEDS_MAX = 20;

export async function runAll(tasks: readonly Experiment[]): Promise<ExperimentResult[]> {
  const results: ExperimentResult[] = [];
  await runExperiments({ tasks, jobs: JOBS, onResult: (result) => results.push(result) });
  return results;
}

/**
 * Each mutant is caught by its right name under each of the first seeds in which it takes effect, `seedsEffective` of
 * them.
 */
export async function mutantsAreCaught(
  t: ExecutionContext,
  mutants: readonly Mutant[],
  seedsEffective: number,
): Promise<void> {
  const detection = new Detection();
  const effective = new Map(mutants.map(({ name }) => [name, 0]));
  for (let seed = 1; seed <= SEEDS_MAX; seed += 1) {
    const lacking = mutants.filter(({ name }) => (effective.get(name) ?? 0) < seedsEffective);
    if (lacking.length === 0) break;
    for (const result of await runAll(lacking.map(({ name }) => ({ of: 'mutant', name, seed })))) {
      if (!result.tookEffect && result.violation === null) continue;
      // A catch without a signal is also a miss.
      detection.add(result);
      if (!result.tookEffect) continue;
      effective.set(result.name, (effective.get(result.name) ?? 0) + 1);
    }
  }
  t.deepEqual(detection.misses(), []);
  t.is(detection.exitCode, 0, detection.misnamed().join('\n'));
  for (const [name, seeds] of effective) t.is(seeds, seedsEffective, name);
}

/** No sabotage ends in HOLDS, and each is named. */
export async function sabotagesAreNamed(t: ExecutionContext, sabotages: readonly Sabotage[]): Promise<void> {
  t.true(sabotages.length > 0);
  const detection = new Detection();
  for (const result of await runAll(sabotages.map(({ name }) => ({ of: 'sabotage', name, seed: 1 })))) {
    detection.add(result);
  }
  t.deepEqual(detection.misses(), []);
  t.is(detection.exitCode, 0);
}

/** The plans that mutants adapted, each once, as schedules without the mutant. */
export function adaptedPlans(): Experiment[] {
  const byPlan = new Map<string, Experiment>();
  for (const { name } of MUTANTS) {
    const clean = { of: 'clean', name, seed: 1 } as const;
    byPlan.set(JSON.stringify(planted(clean).plan), clean);
  }
  return [...byPlan.values()];
}

export async function plansHold(t: ExecutionContext, plans: readonly Experiment[]): Promise<void> {
  for (const { name, holds, violation, reasons } of await runAll(plans)) {
    t.is(violation, null, `${name}: ${reasons.join('; ')}`);
    const isInconclusive = mutantNamed(name).isPlanInconclusive === true;
    t.true(holds || isInconclusive, `${name}: ${reasons.join('; ')}`);
  }
}
