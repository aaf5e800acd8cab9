/** Rare losses of a cluster. `cluster-seeds.test.ts` has what each schedule shows. */

import test from 'ava';
import { planFor } from '../plan-for.ts';
import type { Plan } from '../plan.ts';
import { kindOf, simulate } from '../simulate.ts';

/** Two brokers die in turn around an append that only they have. */
function withHole(): Plan {
  const plan = planFor({ seed: 6, engine: 'gazette' });
  const cluster = { ...plan.cluster, brokers: 4, replication: 3, leaseMs: 4_000, keepsIds: false };
  const loss = { id: 0, kind: 'member-loss-in-turn', target: 'broker-1', downMs: 500 } as const;
  return { ...plan, cluster, faults: [{ ...loss, atMs: plan.warmUpMs + 500 }] };
}

test('a hole that two losses in turn leave is passed over, and every sum comes', async (t) => {
  const { violations, failures, inconclusive, moments } = await simulate(withHole());
  t.deepEqual({ violations, failures, inconclusive }, { violations: [], failures: [], inconclusive: [] });
  t.is(moments['brokers lost in turn left a hole'], 1);
});

test('an owner whose store is behind a claim that broke off is not called behind at its restart', async (t) => {
  // Power is lost between the claim's copy of the log and its confirmation.
  const { violations, failures } = await simulate(planFor({ seed: 20261, engine: 'gazette' }));
  t.deepEqual({ violations, failures }, { violations: [], failures: [] });
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
