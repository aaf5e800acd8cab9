/** What is put into plans so that bugs of the broker and of its clients meet what they need. Pure functions of the plan. */

import { Prng } from '../../src/core/prng.ts';
import type { ChunkerPlan, Plan, PlannedFault } from '../simulation/plan.ts';

const ADAPT = 0x62726f6b;
const CRASHES = 14;
const EARLY_CHUNKERS = 4;
/** Commits during which a process can well die. */
const SLOW_COMMITS = { commitUs: 20_000, commitJitterUs: 40_000 } as const;
const FAST_NETWORK = { delayUs: 100, jitterUs: 50 } as const;
/** Records a second, for all chunkers that have a rate. */
const RATE = 60;

type Draft<F extends PlannedFault = PlannedFault> = F extends PlannedFault
  ? Omit<F, 'id' | 'atMs'> & { readonly afterMs: number }
  : never;

/** The broker often dies in a commit, which is lost; sometimes it dies again soon after. */
export function withBrokerCrashes(plan: Plan): Plan {
  return withFaults(busy(plan), (prng) => {
    const first: Draft = { ...crash('broker', 5 + prng.below(60)), afterMs: 0 };
    return prng.below(2) === 0 ? [first] : [first, { ...crash('broker', 20), afterMs: 100 + prng.below(200) }];
  });
}

/** A chunker dies and comes back at once; the broker dies while it still has commits to make for it. */
export function withChunkerThenBrokerCrashes(plan: Plan): Plan {
  return withFaults(busy(plan), (prng) => [
    { ...crash('chunker-0', 1), afterMs: 0 },
    { ...crash('broker', 10), afterMs: 5 + prng.below(25) },
  ]);
}

/** The broker is down for long; chunkers die meanwhile. */
export function withChunkerCrashesInBrokerAbsence(plan: Plan): Plan {
  return withFaults(busy(plan), (prng) => [
    { ...crash('broker', 2_500), afterMs: 0 },
    { ...crash('chunker-0', 50), afterMs: 1_100 + prng.below(1_300) },
  ]);
}

/** Chunkers often die and come back. */
export function withChunkerCrashes(plan: Plan): Plan {
  return withFaults(plan, (prng) => [{ ...crash('chunker-0', 5 + prng.below(500)), afterMs: 0 }]);
}

/** Connections of the chunkers and summers often break, while something is under way. */
export function withBreaks(plan: Plan): Plan {
  const names = [
    ...plan.chunkers.map((_, index) => `chunker-${index}`),
    ...plan.summers.map((_, at) => `summer-${at}`),
  ];
  return withFaults(busy(plan), () => names.map((target) => ({ kind: 'break', target, afterMs: 0 })));
}

/** More chunkers, each of which ends early, and dies while it does. */
export function withEarlyEnds(plan: Plan): Plan {
  const prng = Prng.fromSeed(ADAPT, plan.seed);
  const [first] = plan.chunkers;
  if (first === undefined) return plan;
  const chunkers = [...plan.chunkers];
  const faults = [...plan.faults];
  for (let more = 0; more < EARLY_CHUNKERS; more += 1) {
    const target = `chunker-${chunkers.length}`;
    const startMs = more * 4_000;
    chunkers.push({
      ...first,
      rate: null,
      fileCount: 10,
      chunks: { low: 0, high: 4 },
      drainMs: null,
      lives: 1,
      startMs,
    });
    const death = { atCall: prng.between(2, 30), commit: 'durable', downMs: 20 } as const;
    faults.push({ id: 0, atMs: startMs + 1, kind: 'crash', target, when: 'ending', death });
  }
  return renumbered({ ...plan, chunkers, faults });
}

/** At least two chunkers. */
export function withTwoChunkers(plan: Plan): Plan {
  const [first] = plan.chunkers;
  if (first === undefined || plan.chunkers.length > 1) return plan;
  return { ...plan, chunkers: [first, { ...first, startMs: 2_000 }] };
}

/** Files of several chunks. */
export function withChunks(plan: Plan): Plan {
  return withChunkers(plan, (chunker) => ({ ...chunker, chunks: { low: 2, high: 12 }, fileCount: null }));
}

/** Some files without a chunk. */
export function withEmptyFiles(plan: Plan): Plan {
  return withChunkers(plan, (chunker) => ({ ...chunker, chunks: { low: 0, high: 3 } }));
}

/** Journals that keep little more than what somebody still needs. */
export function withLittleRoom(plan: Plan): Plan {
  const batchBytes = Math.max(...plan.chunkers.map((chunker) => chunker.batchBytes));
  return { ...plan, retentionBytes: plan.partitions * 4 * batchBytes, sumsBytes: 4 * batchBytes };
}

/** Sums of many files in one batch. */
export function withManySums(plan: Plan): Plan {
  return withChunkers({ ...plan, commitUs: 60_000 }, (chunker) => ({
    ...chunker,
    chunks: { low: 0, high: 2 },
    rate: 100,
  }));
}

function withChunkers(plan: Plan, change: (chunker: ChunkerPlan) => ChunkerPlan): Plan {
  return { ...plan, chunkers: plan.chunkers.map(change) };
}

function busy(plan: Plan): Plan {
  return withChunkers({ ...plan, ...SLOW_COMMITS, ...FAST_NETWORK }, (chunker) => ({
    ...chunker,
    rate: chunker.rate === null ? null : Math.max(chunker.rate, RATE),
  }));
}

function crash(target: string, downMs: number): Extract<Draft, { kind: 'crash' }> {
  return { kind: 'crash', target, when: null, death: { atCall: 0, commit: 'lost', downMs }, afterMs: 0 };
}

/** Adds groups of faults, evenly over the time of faults. */
function withFaults(plan: Plan, make: (prng: Prng) => readonly Draft[]): Plan {
  const prng = Prng.fromSeed(ADAPT, plan.seed);
  const faults = [...plan.faults];
  for (let group = 0; group < CRASHES; group += 1) {
    const atMs = plan.warmUpMs + ((group + 0.5) * plan.faultsMs) / CRASHES + prng.below(500);
    for (const { afterMs, ...fault } of make(prng)) faults.push({ ...fault, id: 0, atMs: Math.floor(atMs + afterMs) });
  }
  return renumbered({ ...plan, faults });
}

/** Faults in the order of their times, numbered in it. */
function renumbered(plan: Plan): Plan {
  return {
    ...plan,
    faults: plan.faults.toSorted((a, b) => a.atMs - b.atMs).map((fault, id) => ({ ...fault, id })),
  };
}
