/** Changes plans so that planted bugs meet the situations that they need. Pure functions of the plan. */

import { Prng } from '../../../src/core/prng.ts';
import type { Death } from '../death.ts';
import type { Plan, PlannedFault } from '../plan.ts';

const ADAPT = 0x61646170;
const CRASHES = 12;
const TAKEOVERS = 6;
/** The SLA of `withShortSla`. */
export const SHORT_SLA_MS = 50_000;
/** Records a second of each chunker, when many files are to end. */
const SUMS_RATE = 60;
/** Commits so slow that processes often die in one. */
const SLOW_COMMITS = { commitUs: 8_000, commitJitterUs: 40_000 } as const;

type Make = (prng: Prng, target: string) => readonly Drafted[];
type Drafted<F extends PlannedFault = PlannedFault> = F extends PlannedFault
  ? Omit<F, 'id' | 'atMs'> & { readonly afterMs: number }
  : never;

/** Summers die often, and often in a commit. */
export function withCrashes(plan: Plan): Plan {
  return withFaults({ ...plan, ...SLOW_COMMITS }, CRASHES, (prng, target) => [
    { kind: 'crash', target, when: null, death: death(prng), afterMs: 0 },
  ]);
}

/** Summers are often taken over, mostly while they run or are stopped. Half of the successors die soon. */
export function withTakeovers(plan: Plan): Plan {
  return withFaults({ ...plan, ...SLOW_COMMITS }, TAKEOVERS, (prng, target) => {
    const old = (['dead', 'paused', 'running'] as const)[prng.below(3)] ?? 'running';
    const successor = prng.below(2) === 0 ? { ...death(prng), atCall: prng.between(1, 60) } : null;
    return [
      { kind: 'takeover', target, old, wakeMs: 200 + prng.below(3_000), returns: true, successor, afterMs: 0 },
      { kind: 'crash', target, when: null, death: death(prng), afterMs: prng.below(2_000) },
    ];
  });
}

/** Running summers are taken over by summers with slow links. */
export function withSlowTakeovers(plan: Plan): Plan {
  return withFaults(plan, CRASHES, (_prng, target) => [
    { kind: 'takeover', target, old: 'running', wakeMs: 100, returns: false, successor: null, afterMs: 0 },
    { kind: 'slow-link', target, extraMs: 300, durationMs: 2_000, afterMs: 0 },
  ]);
}

/** Messages of summers are stalled for a while, in which the summers die. */
export function withUnheardSummers(plan: Plan): Plan {
  return withFaults(plan, CRASHES, (prng, target) => [
    { kind: 'stall', target, directions: ['to-broker'], durationMs: 3_000, afterMs: 0 },
    { kind: 'crash', target, when: null, death: death(prng), afterMs: 500 + prng.below(2_000) },
  ]);
}

/** Commits of summers fail, and a summer with a failed commit dies soon after. */
export function withFailingCommits(plan: Plan): Plan {
  return withFaults(plan, CRASHES, (prng, target) => [
    { kind: 'commit-fails', target, isApplied: false, afterMs: 0 },
    { kind: 'crash', target, when: null, death: death(prng), afterMs: 1_000 + prng.below(1_000) },
  ]);
}

/**
 * Messages of summers are stalled while the summers are taken over. They arrive afterwards, before the messages of
 * their slow successors.
 */
export function withLateMessages(plan: Plan): Plan {
  const chunkers = plan.chunkers.map((chunker) => ({ ...chunker, rate: SUMS_RATE, chunks: { low: 0, high: 2 } }));
  return withFaults({ ...plan, chunkers }, CRASHES, (prng, target) => {
    const afterMs = 100 + prng.below(100);
    return [
      { kind: 'stall', target, directions: ['to-broker'], durationMs: 1_000, afterMs: 0 },
      { kind: 'takeover', target, old: 'running', wakeMs: 3_000, returns: false, successor: null, afterMs },
      { kind: 'slow-link', target, extraMs: 150, durationMs: 2_000, afterMs },
    ];
  });
}

/** Stopped summers are taken over, and the broker dies before they wake. */
export function withZombiesAcrossBrokers(plan: Plan): Plan {
  return withFaults(plan, TAKEOVERS, (prng, target) => [
    { kind: 'takeover', target, old: 'paused', wakeMs: 3_000, returns: false, successor: null, afterMs: 0 },
    { kind: 'crash', target: 'broker', when: null, death: { ...death(prng), downMs: 100 }, afterMs: 1_500 },
  ]);
}

/** A short time of faults, after which every sum must come soon. */
export function withShortSla(plan: Plan): Plan {
  const faultsMs = SHORT_SLA_MS - 30_000;
  const slaMs = SHORT_SLA_MS;
  const faults = plan.faults.filter(({ atMs }) => atMs < plan.warmUpMs + faultsMs);
  return { ...plan, faultsMs, slaMs, drainMs: slaMs + 30_000, faults };
}

/**
 * The broker dies once more, right before everything heals. Clients must cope with that, because nothing restarts them
 * later.
 */
export function withLateBrokerCrash(plan: Plan): Plan {
  const once: Death = { atCall: 0, commit: 'durable', downMs: 200 };
  const atMs = plan.warmUpMs + plan.faultsMs - 1;
  const fault: PlannedFault = {
    id: plan.faults.length,
    atMs,
    kind: 'crash',
    target: 'broker',
    when: null,
    death: once,
  };
  return { ...plan, faults: [...plan.faults, fault] };
}

/** Batches of many records, so that several files meet in a batch. */
export function withLargeBatches(plan: Plan): Plan {
  const bytes = 32 * 1024;
  return {
    ...plan,
    retentionBytes: Math.max(plan.retentionBytes, plan.partitions * bytes * 8),
    sumsBytes: Math.max(plan.sumsBytes, bytes * 8),
    chunkers: plan.chunkers.map((chunker) => ({ ...chunker, batchBytes: Math.max(chunker.batchBytes, bytes) })),
  };
}

/** Adds the faults of so many moments, more than the plan has, spread over its time of faults. */
function withFaults(plan: Plan, moments: number, make: Make): Plan {
  const prng = Prng.fromSeed(ADAPT, plan.seed);
  const faults: PlannedFault[] = [...plan.faults];
  for (let moment = 0; moment < moments; moment += 1) {
    const atMs = plan.warmUpMs + prng.below(plan.faultsMs);
    const target = `summer-${prng.below(plan.summers.length)}`;
    for (const { afterMs, ...fault } of make(prng, target)) {
      faults.push({ id: faults.length, atMs: atMs + afterMs, ...fault });
    }
  }
  return { ...plan, faults };
}

function death(prng: Prng): Death {
  return {
    atCall: prng.below(2) === 0 ? 0 : prng.between(1, 20),
    commit: prng.below(2) === 0 ? 'lost' : 'durable',
    downMs: 5 + prng.below(500),
  };
}
