import test from 'ava';
import { ALL_MOMENTS, CLUSTER_MOMENTS, MOMENTS, type Moment } from './world/counters.ts';
import { planFor } from './plan-for.ts';
import { planOf } from './plan.ts';
import { brokenPromises, promisesOf } from './promises.ts';
import { Totals, type TotalledSeed } from './totals.ts';

const once = Object.fromEntries(MOMENTS.map((moment) => [moment, 1])) as Record<Moment, number>;

/** Promises of so many plans; seeds beyond them reuse these. */
const PROMISES = Array.from({ length: 40 }, (_, at) => promisesOf(planOf(at, 'uniform')));

function seed(seedNumber: number, changes: Partial<TotalledSeed> = {}): TotalledSeed {
  const promises = PROMISES[seedNumber % PROMISES.length] ?? promisesOf(planOf(seedNumber, 'uniform'));
  return { kind: null, virtualMs: 1, wallMs: 1, faults: 1, records: 1, moments: once, promises, ...changes };
}

test('seeds that reach what their plans promise hold', (t) => {
  const totals = new Totals();
  for (let number = 1; number <= 50; number += 1) totals.add(seed(number));
  t.is(totals.exitCode, 0);
  t.is(totals.lines(1).at(-1), 'HOLDS');
});

test('any moment that the plans promised and no seed reached makes the seeds inconclusive, and is named', (t) => {
  for (const moment of MOMENTS) {
    const totals = new Totals();
    for (let number = 1; number <= 2_200; number += 1) totals.add(seed(number, { moments: { ...once, [moment]: 0 } }));
    t.is(totals.exitCode, 3, moment);
    t.is(totals.lines(1).at(-1), `INCONCLUSIVE  the plans promised a moment that no seed reached: ${moment}`);
  }
});

const onCluster = Array.from({ length: 40 }, (_, seedNumber) =>
  promisesOf(planFor({ seed: seedNumber, engine: 'gazette' })),
);
const allOnce = Object.fromEntries(ALL_MOMENTS.map((moment) => [moment, 1])) as Record<Moment, number>;

/** Moments of a cluster that no plan of a seed promises: no seed draws the fault, or too few plans reach them. */
const UNPROMISED: readonly Moment[] = [
  'brokers lost in turn left a hole',
  'bytes served that never became part of the journal',
];

test('any moment that the plans of clusters promised and no seed reached makes them inconclusive', (t) => {
  const promised = ALL_MOMENTS.filter((moment) => onCluster.some((promises) => promises[moment] > 0));
  t.deepEqual(
    CLUSTER_MOMENTS.filter((moment) => !promised.includes(moment)),
    UNPROMISED,
  );
  for (const moment of promised) {
    const totals = new Totals();
    for (let number = 0; number < 400; number += 1) {
      const promises = onCluster[number % onCluster.length];
      totals.add(seed(number, { ...(promises && { promises }), moments: { ...allOnce, [moment]: 0 } }));
    }
    t.is(totals.exitCode, 3, moment);
    t.is(totals.lines(1).at(-1), `INCONCLUSIVE  the plans promised a moment that no seed reached: ${moment}`);
  }
});

test('a rare moment is no promise of a few seeds; a fault that is planned in time is, of one', (t) => {
  const moments = { ...once, 'killed between its end and its word of it': 0 };
  const totals = new Totals();
  totals.add(seed(1, { moments }));
  t.is(totals.exitCode, 0);
  const restarted = new Totals();
  restarted.add(seed(1, { moments: { ...once, 'broker restarted': 0 } }));
  t.is(restarted.exitCode, 3);
});

test('a failed seed is told as such, whatever was not reached', (t) => {
  const totals = new Totals();
  totals.add(seed(1, { kind: 'lost', moments: { ...once, 'broker restarted': 0 } }));
  t.is(totals.exitCode, 10);
});

test('what is expected and reached keeps its promise', (t) => {
  t.deepEqual(brokenPromises(promisesOf(planOf(1, 'edges')), once), []);
});
