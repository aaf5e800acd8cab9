import test from 'ava';
import { planFor } from '../plan-for.ts';
import type { Plan } from '../plan.ts';
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

/**
 * With retention primaries upload each 3 s. Then what is appended after a loss soon is beyond where readers were: they
 * find that no batch begins there, and fail.
 */
function withoutRetention(plan: Plan): Plan {
  if (plan.cluster === undefined) return plan;
  const { retentionMs: _, ...cluster } = plan.cluster;
  return { ...plan, cluster };
}

test('what only spools held is lost when all brokers die at once, and the outcome says exactly that', async (t) => {
  const plan = withoutRetention(planFor({ seed: 6, engine: 'gazette' }));
  const loss = {
    id: 0,
    kind: 'all-brokers-crash',
    target: 'brokers',
    isFlushed: false,
    downMs: 500,
    resetMs: 5_000,
  } as const;
  const outcome = await simulate(
    { ...plan, faults: [{ ...loss, atMs: plan.warmUpMs + 5_000 }] },
    { stopsAtFirst: true },
  );
  t.is(kindOf(outcome), 'acknowledged-loss', outcome.failures.join());
});
