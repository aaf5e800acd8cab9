import test from 'ava';
import { WORKLOADS, planOf } from './plan.ts';
import { kindOf, simulate } from './simulate.ts';

const SEEDS = 4;

for (const workload of WORKLOADS) {
  test(`${SEEDS} schedules of the workload ${workload} hold, with faults in each and sums after the last of them`, async (t) => {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const outcome = await simulate(planOf(seed, workload));
      const { violations, failures, inconclusive, faults, records } = outcome;
      t.is(kindOf(outcome), null, JSON.stringify({ seed, workload, violations, failures, inconclusive }));
      t.true(faults > 0 && records > 0);
    }
  });
}

test('the same plan gives the same history, byte for byte, and another seed another one', async (t) => {
  const plan = planOf(5, 'edges');
  const first = await simulate(plan);
  for (let again = 0; again < 3; again += 1) {
    const { digest, events, moments } = await simulate(plan);
    t.is(digest, first.digest);
    t.is(events, first.events);
    t.deepEqual(moments, first.moments);
  }
  t.not((await simulate(planOf(6, 'edges'))).digest, first.digest);
});

test('a plan is plain data, and a copy of it is the same plan', async (t) => {
  const plan = planOf(7, 'skewed');
  t.deepEqual(JSON.parse(JSON.stringify(plan)), plan);
  t.true(plan.faults.length >= 20);
});
