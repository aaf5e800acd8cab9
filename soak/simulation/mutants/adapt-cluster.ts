/** Changes plans on a cluster so that bugs of its engine meet what they need. Pure functions of the plan. */

import { Prng } from '../../../src/core/prng.ts';
import { SMALL_SNAPSHOTS } from '../cluster/cluster-plan.ts';
import { isDeparture } from '../departures.ts';
import type { Plan, PlannedFault } from '../plan.ts';

const ADAPT = 0x61636c75;
const LEASE_MS = 4_000;
/** Between two moments: a lease, and what comes after it. */
const APART_MS = 12_000;
const LATE_MS = 6_000;
const SLOW_COMMITS = { commitUs: 200_000, commitJitterUs: 100_000 } as const;
/** Between two losses of all registers. */
const LOSS_MS = 20_000;
const UNHEARD = { directions: ['to-broker'], durationMs: 12_000 } as const;
const RETENTION_MS = 12_000;
/** Until the first sums that came meanwhile are old enough, and a few runs of the command that removes them. */
const ABSENCE_MS = RETENTION_MS + 14_000;
const HOWS = ['dead', 'paused', 'cut'] as const;
const FLUSHED = { isFlushed: true, downMs: 500, resetMs: 3_000 } as const;

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
  return numbered({ ...plan, cluster: { ...cluster, leaseMs: LEASE_MS }, faults });
}

/**
 * Summers are stopped and taken over. Then all brokers die, and with them the registers. The old owner wakes when the
 * brokers are back, while no other summer can reach them and set a register. There are no other faults, and many files
 * end.
 */
export function withLostRegisters(plan: Plan): Plan {
  const { cluster } = plan;
  if (cluster === undefined) return plan;
  const chunkers = plan.chunkers.map((chunker) => ({ ...chunker, rate: 60, chunks: { low: 0, high: 2 } }));
  const slots = plan.summers.map((_, index) => `summer-${index}`);
  const faults: PlannedFault[] = [];
  for (let moment = 0; (moment + 1) * LOSS_MS <= plan.faultsMs; moment += 1) {
    const atMs = plan.warmUpMs + moment * LOSS_MS;
    const taken = slots[moment % slots.length] ?? '';
    faults.push(
      { id: 0, atMs, kind: 'takeover', target: taken, old: 'paused', wakeMs: 13_000, returns: false, successor: null },
      ...slots.map((target): PlannedFault => ({ id: 0, atMs: atMs + 3_000, kind: 'stall', target, ...UNHEARD })),
      { id: 0, atMs: atMs + 3_200, kind: 'all-brokers-crash', target: 'brokers', ...FLUSHED },
    );
  }
  return {
    ...plan,
    commitUs: 20_000,
    commitJitterUs: 40_000,
    chunkers,
    cluster: { ...cluster, leaseMs: LEASE_MS },
    faults: faults.map((fault, id) => ({ ...fault, id })),
  };
}

/** The plan has its crashes of processes, and besides them only faults of these members. */
export function withFaultsOf(plan: Plan, members: 'etcd' | 'brokers'): Plan {
  const { cluster } = plan;
  if (cluster === undefined) return plan;
  const prng = Prng.fromSeed(ADAPT, plan.seed);
  const faults: PlannedFault[] = plan.faults.filter(({ kind }) => kind === 'crash');
  for (let moment = 0; (moment + 1) * APART_MS <= plan.faultsMs; moment += 1) {
    const at = { id: 0, atMs: plan.warmUpMs + moment * APART_MS + prng.below(1_000) };
    const number = prng.between(1, 3);
    faults.push(
      members === 'etcd'
        ? { ...at, kind: 'etcd-crash', target: `etcd-${number}`, downMs: 1_000 }
        : { ...at, kind: 'member-crash', target: `broker-${number}`, atAppend: false, downMs: 500 },
    );
  }
  return numbered({ ...plan, cluster: { ...cluster, leaseMs: LEASE_MS }, faults });
}

/** State logs have many snapshots, in several parts each. */
export function withSmallSnapshots(plan: Plan): Plan {
  return plan.cluster === undefined ? plan : { ...plan, cluster: { ...plan.cluster, snapshots: SMALL_SNAPSHOTS } };
}

/** State logs have no snapshots, so that every local copy is new enough to be continued. */
export function withoutSnapshots(plan: Plan): Plan {
  if (plan.cluster === undefined) return plan;
  const { snapshots: _, ...cluster } = plan.cluster;
  return { ...plan, cluster };
}

/**
 * The messages of a summer are held back while it is taken over, and arrive when its successor has read the state log.
 * The successor is slow to commit. It is taken over as well, soon after it has begun.
 */
export function withLateTransactions(plan: Plan): Plan {
  const { cluster } = plan;
  if (cluster === undefined) return plan;
  const prng = Prng.fromSeed(ADAPT, plan.seed);
  const warmUpMs = plan.warmUpMs + LATE_MS;
  const faults: PlannedFault[] = plan.faults.filter(({ kind }) => kind === 'break');
  const slots = plan.summers.map((_, index) => `summer-${index}`);
  const again = { wakeMs: 1_000, returns: false, successor: null } as const;
  for (let moment = 0; (moment + 1) * LATE_MS <= plan.faultsMs; moment += 1) {
    const atMs = warmUpMs + moment * LATE_MS;
    for (const target of slots) {
      const durationMs = prng.between(150, 1_200);
      faults.push(
        { id: 0, atMs, kind: 'stall', target, directions: ['to-broker'], durationMs },
        { id: 0, atMs: atMs + 50, kind: 'takeover', target, old: 'running', ...again },
        { id: 0, atMs: atMs + prng.between(1_500, 3_000), kind: 'takeover', target, old: 'dead', ...again },
      );
    }
  }
  return withoutSnapshots(numbered({ ...plan, ...SLOW_COMMITS, warmUpMs, faults }));
}

/**
 * The retention is shorter than an absence of the first chunker, which comes early, so that there is time to find out.
 * Another chunker is there, and many files of both end. Nobody else leaves.
 */
export function withAbsenceBeyondRetention(plan: Plan): Plan {
  const { cluster } = plan;
  const [first] = plan.chunkers;
  if (cluster === undefined || first === undefined) return plan;
  const prng = Prng.fromSeed(ADAPT, plan.seed);
  const there = { ...first, startMs: 0, fileCount: null, drainMs: null, lives: 1 };
  const busy = { ...there, rate: 20, filesOpen: Math.min(first.filesOpen, 40), chunks: { low: 0, high: 3 } };
  const absence: PlannedFault = {
    id: 0,
    atMs: plan.warmUpMs + prng.between(1_000, 6_000),
    kind: 'absence',
    target: 'chunker-0',
    how: HOWS[prng.below(HOWS.length)] ?? 'dead',
    durationMs: ABSENCE_MS,
  };
  return numbered({
    ...plan,
    chunkers: [busy, busy, ...plan.chunkers.slice(2)],
    cluster: { ...cluster, retentionMs: RETENTION_MS, forgetsAbsent: true },
    faults: [...plan.faults.filter((planned) => !isDeparture(planned)), absence],
  });
}

/** Faults in the order of their times, numbered in that order. */
function numbered(plan: Plan): Plan {
  return {
    ...plan,
    faults: plan.faults.toSorted((a, b) => a.atMs - b.atMs).map((fault, id) => ({ ...fault, id })),
  };
}
