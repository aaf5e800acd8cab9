import test from 'ava';
import { planFor } from '../plan-for.ts';
import { kindOf, simulate } from '../simulate.ts';

test('a schedule on a cluster holds, gives the same history again, and stores records twice', async (t) => {
  const plan = planFor({ seed: 6, engine: 'gazette' });
  const outcome = await simulate(plan);
  const { violations, failures, inconclusive, digest, moments } = outcome;
  t.deepEqual({ violations, failures, inconclusive }, { violations: [], failures: [], inconclusive: [] });
  t.is(kindOf(outcome), null);
  t.true(moments['record stored twice'] > 0);
  t.is((await simulate(plan)).digest, digest);
});

test('the plan of a seed on a cluster is plain data, and has members in the place of the broker', (t) => {
  const plan = planFor({ seed: 5, engine: 'gazette' });
  t.deepEqual(JSON.parse(JSON.stringify(plan)), plan);
  t.false(plan.faults.some((fault) => 'target' in fault && fault.target === 'broker'));
  t.true(plan.faults.some(({ kind }) => kind.startsWith('member-')));
  t.is(planFor({ seed: 5 }).cluster, undefined);
});
