/** Changes plans on a cluster so that bugs of its engine meet what they need. Pure functions of the plan. */

import { Prng } from '../../../src/core/prng.ts';
import type { Plan, PlannedFault } from '../plan.ts';

const ADAPT = 0x61636c75;
const LEASE_MS = 4_000;
/** Between two moments: a lease, and what comes after it. */
const APART_MS = 12_000;

/**
 * Each broker in its turn is cut off from its peers, while clients reach it, and dies before that is over. The plan has
 * no other faults of members, so that none of these waits, and the crashes of processes.
 */
export function withLostPrimaries(plan: Plan): Plan {
  const { cluster } = plan;
  if (cluster === undefined) return plan;
  const prng = Prng.fromSeed(ADAPT, plan.seed);
  const faults: PlannedFault[] = plan.faults.filter(({ kind }) => kind === 'crash' || kind === 'break');
  for (let moment = 0; (moment + 1) * APART_MS <= plan.faultsMs; moment += 1) {
    faults.push({
      id: faults.length,
      atMs: plan.warmUpMs + moment * APART_MS + prng.below(1_000),
      kind: 'member-cut',
      target: `broker-${(moment % cluster.brokers) + 1}`,
      from: 'peers',
      directions: ['in', 'out'],
      durationMs: 3_000,
      dies: true,
    });
  }
  const numbered = faults.toSorted((a, b) => a.atMs - b.atMs).map((fault, id) => ({ ...fault, id }));
  return { ...plan, cluster: { ...cluster, leaseMs: LEASE_MS }, faults: numbered };
}
