import test from 'ava';
import { LIVE_FAMILIES } from '../guarantee/fault-kinds.ts';
import { FAMILY_OF_KIND } from './fault-families.ts';
import { planFor } from './plan-for.ts';
import { planOf } from './plan.ts';

/** Kinds that a test alone provokes. */
const NEVER_DRAWN: readonly string[] = ['member-loss-in-turn'];

test('whatever a plan draws has a family, or is known to have none', (t) => {
  const seeds = Array.from({ length: 30 }, (_, seed) => seed);
  const plans = seeds.flatMap((seed) => [planOf(seed, 'uniform'), planFor({ seed, engine: 'gazette' })]);
  const drawn = plans.flatMap(({ faults }) => faults.map(({ kind }) => kind));
  const known = Object.keys(FAMILY_OF_KIND)
    .filter((kind) => !NEVER_DRAWN.includes(kind))
    .toSorted();
  t.deepEqual([...new Set(drawn)].toSorted(), known);
});

/** There is one build of a simulation. */
const LIVE_ONLY: readonly string[] = ['upgrade'];

test('every family of a soak is simulated as well, but for those that are known not to be', (t) => {
  const simulated = new Set<string | null>(Object.values(FAMILY_OF_KIND));
  for (const family of LIVE_FAMILIES) t.is(simulated.has(family), !LIVE_ONLY.includes(family), family);
});
