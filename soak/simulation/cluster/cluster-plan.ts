/**
 * The plan of a schedule on a cluster: the plan of the seed, with members in the place of the broker, their faults in
 * the place of the broker's, and some more. A pure function of the plan.
 */

import { Prng } from '../../../src/core/prng.ts';
import type { Plan, PlannedFault } from '../plan.ts';
import type { SnapshotSizes } from '../../../src/summer/state-snapshot.ts';
import type { ClusterPlan, MemberFault } from './member-fault.ts';

const CLUSTER_PLAN = 0x67617a65;
const SNAPSHOTS = 0x736e6170;
const RETENTION = 0x72657461;
/** Sums must come within the time of faults plus this: leases, connections that are missed late, and refreshes. */
const REPAIR_MS = 120_000;
const DRAIN_MARGIN_MS = 30_000;
const ETCD_MEMBERS = 3;
/** Parts of one table each, and snapshots of one part. */
export const SMALL_SNAPSHOTS: SnapshotSizes = { everyBytes: 8 * 1024, partBytes: 1 };
const WHOLE_SNAPSHOTS: SnapshotSizes = { everyBytes: 16 * 1024, partBytes: 256 * 1024 };

/** The others are for tests alone. */
type DrawnKind = Exclude<MemberFault['kind'], 'member-loss-in-turn'>;

export function onCluster(plan: Plan): Plan {
  const prng = Prng.fromSeed(CLUSTER_PLAN, plan.seed);
  const cluster: ClusterPlan = {
    ...pick(prng, [
      { brokers: 4, replication: 3 },
      { brokers: 4, replication: 3 },
      { brokers: 3, replication: 2 },
    ]),
    leaseMs: pick(prng, [4_000, 8_000, 20_000]),
    keepsIds: prng.below(2) === 0,
    ...snapshotsOf(plan.seed),
    ...retentionOf(plan.seed),
  };
  const faults = plan.faults.map(({ id, atMs, ...fault }): PlannedFault => {
    const isOfBroker = 'target' in fault && fault.target === 'broker';
    return { id, atMs, ...(isOfBroker ? memberFault(prng, cluster) : fault) };
  });
  for (let more = prng.between(2, 6); more > 0; more -= 1) {
    const atMs = plan.warmUpMs + prng.below(plan.faultsMs);
    faults.push({ id: faults.length, atMs, ...memberFault(prng, cluster) });
  }
  const slaMs = plan.faultsMs + REPAIR_MS;
  return {
    ...plan,
    cluster,
    slaMs,
    drainMs: slaMs + DRAIN_MARGIN_MS,
    faults: faults.toSorted((a, b) => a.atMs - b.atMs).map((fault, id) => ({ ...fault, id })),
  };
}

/** From a generator of their own, so that they change nothing else in a plan. */
function snapshotsOf(seed: number): Pick<ClusterPlan, 'snapshots'> {
  const prng = Prng.fromSeed(SNAPSHOTS, seed);
  const snapshots = pick(prng, [null, SMALL_SNAPSHOTS, SMALL_SNAPSHOTS, WHOLE_SNAPSHOTS]);
  return snapshots === null ? {} : { snapshots };
}

/** One plan in three trims. From a generator of its own, too. */
function retentionOf(seed: number): Pick<ClusterPlan, 'retentionMs'> {
  const prng = Prng.fromSeed(RETENTION, seed);
  return prng.below(3) === 0 ? { retentionMs: prng.between(12_000, 25_000) } : {};
}

export function memberFault(prng: Prng, { brokers, leaseMs }: ClusterPlan): MemberFault {
  const target = `broker-${prng.between(1, brokers)}`;
  switch (pick(prng, KINDS)) {
    case 'member-crash':
      return { kind: 'member-crash', target, atAppend: prng.below(3) > 0, downMs: 100 + prng.below(3_000) };
    case 'member-leave':
      return { kind: 'member-leave', target };
    case 'member-pause': {
      const durationMs = prng.below(2) === 0 ? 50 + prng.below(leaseMs / 3) : leaseMs + 500 + prng.below(5_000);
      return { kind: 'member-pause', target, durationMs };
    }
    case 'member-cut':
      return cut(prng, target, leaseMs);
    case 'etcd-crash':
      return { kind: 'etcd-crash', target: `etcd-${prng.between(1, ETCD_MEMBERS)}`, downMs: 100 + prng.below(8_000) };
    case 'etcd-away':
      return { kind: 'etcd-away', target: 'etcd', durationMs: 100 + prng.below(leaseMs) };
    case 'all-brokers-crash':
      return {
        kind: 'all-brokers-crash',
        target: 'brokers',
        isFlushed: true,
        downMs: 100 + prng.below(2_000),
        resetMs: 2_000 + prng.below(20_000),
      };
    default:
      throw new Error('every kind of fault has a weight');
  }
}

function cut(prng: Prng, target: string, leaseMs: number): MemberFault {
  const from = pick(prng, ['peers', 'peers', 'etcd', 'clients'] as const);
  const directions = pick(prng, [['in', 'out'], ['in', 'out'], ['in'], ['out']] as const);
  const durationMs = prng.below(3) === 0 ? leaseMs + prng.below(20_000) : 200 + prng.below(5_000);
  return { kind: 'member-cut', target, from, directions, durationMs, dies: from === 'peers' && prng.below(2) === 0 };
}

const KINDS: readonly DrawnKind[] = [
  ...weight(6, 'member-crash'),
  ...weight(2, 'member-leave'),
  ...weight(3, 'member-pause'),
  ...weight(5, 'member-cut'),
  ...weight(2, 'etcd-crash'),
  ...weight(1, 'etcd-away'),
  ...weight(1, 'all-brokers-crash'),
];

function weight(count: number, kind: DrawnKind): DrawnKind[] {
  return Array.from({ length: count }, () => kind);
}

function pick<T>(prng: Prng, choices: readonly T[]): T {
  const choice = choices[prng.below(choices.length)];
  if (choice === undefined) throw new Error('a choice has something to choose from');
  return choice;
}
