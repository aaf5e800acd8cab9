/**
 * The plan of one schedule: the system, its load, and every fault with its time and target. It is plain data and a pure
 * function of seed and workload, so a failing plan can be made smaller and run again.
 */

import { Prng } from '../../src/core/prng.ts';
import { BATCH_HEADER_BYTES } from '../../src/message/batch.ts';
import { CHUNK_HEADER_BYTES } from '../../src/message/chunk.ts';
import type { CountRange } from '../../src/workload/workload.ts';
import type { ClusterPlan, MemberFault } from './cluster/member-fault.ts';
import type { Death } from './death.ts';
import { type Leaving, NEVER_EXPIRES_MS, departuresOf, isDeparture } from './departures.ts';
import type { Direction } from './world/link.ts';

export const WORKLOADS = ['uniform', 'skewed', 'edges'] as const;
export type WorkloadName = (typeof WORKLOADS)[number];

/** Without a choice, seeds have the workloads in turn. */
export function workloadOf(seed: number): WorkloadName {
  return WORKLOADS[seed % WORKLOADS.length] ?? 'uniform';
}

export type ChunkerPlan = {
  readonly filesOpen: number;
  readonly chunks: CountRange;
  readonly chunkBytes: CountRange;
  readonly batchBytes: number;
  /** Records a second; `null`: as fast as possible. */
  readonly rate: number | null;
  /** Files to publish; `null`: until the drain. */
  readonly fileCount: number | null;
  /** Virtual ms from the beginning until its first start. */
  readonly startMs: number;
  /** When it is told to drain. All are told at the end; `null`: only then. */
  readonly drainMs: number | null;
  /** How many lives it has: it begins another one after it has drained, in the same store. */
  readonly lives: number;
};

export type PlannedFault = { readonly id: number; readonly atMs: number } & (
  | {
      /** `when`: not before the target has come so far. */
      readonly kind: 'crash';
      readonly target: string;
      readonly when: 'ending' | null;
      readonly death: Death;
    }
  | { readonly kind: 'power-loss'; readonly death: Death }
  | { readonly kind: 'restart'; readonly target: string; readonly downMs: number }
  | { readonly kind: 'pause'; readonly target: string; readonly durationMs: number }
  | {
      /** The old owner dies, is stopped and wakes later, or runs on. `returns`: it is started again after its end. */
      readonly kind: 'takeover';
      readonly target: string;
      readonly old: 'dead' | 'paused' | 'running';
      readonly wakeMs: number;
      readonly returns: boolean;
      /** How the successor dies in its first start, if it does. */
      readonly successor: Death | null;
    }
  | {
      readonly kind: 'partition' | 'stall';
      readonly target: string;
      readonly directions: readonly Direction[];
      readonly durationMs: number;
    }
  | { readonly kind: 'slow-link'; readonly target: string; readonly extraMs: number; readonly durationMs: number }
  | { readonly kind: 'break'; readonly target: string }
  | { readonly kind: 'unreachable'; readonly target: string }
  | { readonly kind: 'commit-fails'; readonly target: string; readonly isApplied: boolean }
  | { readonly kind: 'slow-disk'; readonly target: string; readonly extraMs: number; readonly durationMs: number }
  | { readonly kind: 'late-reader'; readonly target: string }
  | Leaving
  | MemberFault
);

export type FaultKind = PlannedFault['kind'];

export type Plan = {
  readonly seed: number;
  readonly workload: WorkloadName;
  readonly partitions: number;
  readonly retentionBytes: number;
  readonly sumsBytes: number;
  /** After how long the broker drops the pin of an absent verifier. */
  readonly pinAbsenceMs: number;
  /** Partitions of each summer. */
  readonly summers: readonly (readonly number[])[];
  readonly chunkers: readonly ChunkerPlan[];
  readonly warmUpMs: number;
  readonly faultsMs: number;
  readonly healMs: number;
  /** From the order to drain. What has not ended by then is stuck. */
  readonly drainMs: number;
  readonly slaMs: number;
  /** A message takes at least the first value, and at most so much more as the second says. */
  readonly delayUs: number;
  readonly jitterUs: number;
  /** The same for a commit. */
  readonly commitUs: number;
  readonly commitJitterUs: number;
  /** The share of log lines that cannot be written, from 0 to 1. */
  readonly logFailsPart: number;
  readonly faults: readonly PlannedFault[];
  /** In the place of the broker; absent: the embedded engine. */
  readonly cluster?: ClusterPlan;
};

const PLAN = 0x706c616e;
const LOG = 0x6c6f6720;
/** Sums must come within the time of faults plus this, in ms: the time that a repair may take after the last fault. */
const REPAIR_MS = 30_000;
const DRAIN_MARGIN_MS = 30_000;
/** Processes that live until the end, and die on the way. */
export const CERTAIN_CRASHES: readonly string[] = ['broker', 'chunker-0', 'summer-0'];
/** Files that are open when the drain begins are generated within about this time. */
const OPEN_S_MAX = 30;

export function planOf(seed: number, workload: WorkloadName): Plan {
  const of = [seed % 0x1_0000_0000, Math.floor(seed / 0x1_0000_0000), WORKLOADS.indexOf(workload)];
  const prng = Prng.fromSeed(PLAN, ...of);
  const partitions = pick(prng, [1, 2, 2, 3, 4, 4, 8, 16]);
  const summers = shareOut(partitions, Math.min(partitions, prng.between(1, 4)));
  const faultsMs = prng.between(60, 120) * 1_000;
  const chunkerCount = prng.between(1, workload === 'edges' ? 2 : 4);
  const chunkers = Array.from({ length: chunkerCount }, (_, index) => chunkerPlan(prng, workload, chunkerCount, index));
  const batchBytes = Math.max(...chunkers.map((chunker) => chunker.batchBytes));
  const names = [
    'broker',
    ...chunkers.map((_, index) => `chunker-${index}`),
    ...summers.map((_, index) => `summer-${index}`),
  ];
  const warmUpMs = prng.between(1, 4) * 1_000;
  const drafts = Array.from({ length: prng.between(20, 40) }, () => ({
    atMs: warmUpMs + prng.below(faultsMs),
    ...fault(prng, names, faultsMs),
  }));
  // Each kind of process dies at least once, whatever else happens.
  for (const target of CERTAIN_CRASHES) {
    const atMs = warmUpMs + prng.below(Math.floor(faultsMs / 2));
    drafts.push({ atMs, kind: 'crash', target, when: null, death: death(prng) });
  }
  // A chunker that ends early meets trouble at its end.
  for (const [index, { drainMs }] of chunkers.entries()) {
    if (drainMs === null) continue;
    const target = `chunker-${index}`;
    drafts.push({ atMs: drainMs, kind: 'crash', target, when: 'ending', death: death(prng) });
    for (let more = prng.between(1, 4); more > 0; more -= 1) {
      const other = pick(prng, ['broker', target, target]);
      drafts.push({ atMs: drainMs + prng.below(3_000), kind: 'crash', target: other, when: null, death: death(prng) });
    }
  }
  const slaMs = faultsMs + REPAIR_MS;
  const departures = departuresOf(of, chunkers, { warmUpMs, faultsMs });
  return {
    seed,
    workload,
    partitions,
    // A journal accepts batches of a quarter of its room. Sometimes the room is hardly more than four batches.
    retentionBytes: partitions * Math.max(4 * batchBytes, pick(prng, [1024, 64 * 1024, 64 * 1024, 256 * 1024])),
    sumsBytes: Math.max(4 * batchBytes, pick(prng, [8 * 1024, 256 * 1024, 1024 * 1024])),
    pinAbsenceMs: departures.pinAbsenceMs,
    summers,
    chunkers,
    warmUpMs,
    faultsMs,
    healMs: prng.between(1, 3) * 1_000,
    drainMs: slaMs + DRAIN_MARGIN_MS,
    slaMs,
    delayUs: pick(prng, [20, 100, 1_000]),
    jitterUs: pick(prng, [50, 1_000, 10_000]),
    commitUs: pick(prng, [300, 2_000, 8_000]),
    commitJitterUs: pick(prng, [1_000, 10_000, 40_000]),
    // From a separate generator, so that log failures change nothing else.
    logFailsPart: pick(Prng.fromSeed(LOG, seed % 0x1_0000_0000), [0, 0.2, 1]),
    faults: [...drafts, ...departures.faults]
      .toSorted((a, b) => a.atMs - b.atMs)
      .map((draft, id) => ({ id, ...draft })),
  };
}

/** The plan in which nobody leaves, for a schedule that is about something else. */
export function withoutDepartures(whole: Plan): Plan {
  const faults = whole.faults.filter((planned) => !isDeparture(planned)).map((planned, id) => ({ ...planned, id }));
  return { ...whole, faults, pinAbsenceMs: NEVER_EXPIRES_MS };
}

/** `all`: every process. */
export function targetOf(planned: PlannedFault): string {
  return 'target' in planned ? planned.target : 'all';
}

/** A fault without its number and time. */
type Draft<F extends PlannedFault = PlannedFault> = F extends PlannedFault ? Omit<F, 'id' | 'atMs'> : never;

function fault(prng: Prng, names: readonly string[], faultsMs: number): Draft {
  const target = pick(prng, names);
  const clients = names.filter((name) => name !== 'broker');
  const client = pick(prng, clients);
  const durationMs = longOrShort(prng, faultsMs);
  switch (pick(prng, FAULT_WEIGHTS)) {
    case 'crash':
      return { kind: 'crash', target, when: null, death: death(prng) };
    case 'power-loss':
      return { kind: 'power-loss', death: death(prng) };
    case 'restart':
      return { kind: 'restart', target, downMs: 20 + prng.below(1_000) };
    case 'pause':
      return { kind: 'pause', target, durationMs };
    case 'takeover':
      return {
        kind: 'takeover',
        target: pick(
          prng,
          names.filter((name) => name.startsWith('summer')),
        ),
        old: pick(prng, ['dead', 'paused', 'running'] as const),
        wakeMs: 200 + prng.below(8_000),
        returns: prng.below(2) === 0,
        successor: prng.below(3) === 0 ? { ...death(prng), atCall: prng.between(1, 50) } : null,
      };
    case 'partition':
      return { kind: 'partition', target: client, directions: directions(prng), durationMs };
    case 'stall':
      return { kind: 'stall', target: client, directions: directions(prng), durationMs: 100 + prng.below(1_500) };
    case 'slow-link':
      return { kind: 'slow-link', target: client, extraMs: 5 + prng.below(800), durationMs };
    case 'break':
      return { kind: 'break', target: client };
    case 'unreachable':
      return { kind: 'unreachable', target: client };
    case 'commit-fails':
      return { kind: 'commit-fails', target, isApplied: prng.below(2) === 0 };
    case 'slow-disk':
      return { kind: 'slow-disk', target, extraMs: 10 + prng.below(500), durationMs };
    case 'late-reader':
      return { kind: 'late-reader', target: client };
    default:
      throw new Error('every kind of fault has a weight');
  }
}

/** Departures (`departures.ts`) and faults of a cluster's members (`cluster/cluster-plan.ts`) are drawn apart. */
type DrawnKind = Exclude<FaultKind, Leaving['kind'] | MemberFault['kind']>;

const FAULT_WEIGHTS: readonly DrawnKind[] = [
  ...weight(8, 'crash'),
  ...weight(1, 'power-loss'),
  ...weight(2, 'restart'),
  ...weight(3, 'pause'),
  ...weight(4, 'takeover'),
  ...weight(2, 'partition'),
  ...weight(1, 'stall'),
  ...weight(1, 'slow-link'),
  ...weight(3, 'break'),
  ...weight(1, 'unreachable'),
  ...weight(2, 'commit-fails'),
  ...weight(1, 'slow-disk'),
  ...weight(1, 'late-reader'),
];

function weight(count: number, kind: DrawnKind): DrawnKind[] {
  return Array.from({ length: count }, () => kind);
}

function death(prng: Prng): Death {
  return {
    // At once, in the next few calls, or somewhat later.
    atCall: pick(prng, [0, prng.between(1, 6), prng.between(1, 60)]),
    commit: prng.below(2) === 0 ? 'lost' : 'durable',
    downMs: pick(prng, [5 + prng.below(100), 100 + prng.below(3_000)]),
  };
}

function directions(prng: Prng): readonly Direction[] {
  return pick(prng, [['to-broker', 'to-client'], ['to-broker'], ['to-client']] as const);
}

function longOrShort(prng: Prng, faultsMs: number): number {
  return prng.below(4) === 0 ? prng.between(3_000, Math.floor(faultsMs / 3)) : prng.between(50, 3_000);
}

function chunkerPlan(prng: Prng, workload: WorkloadName, chunkerCount: number, index: number): ChunkerPlan {
  const rate = Math.ceil(pick(prng, [12, 20, 32]) / chunkerCount);
  const startMs = index === 0 ? 0 : pick(prng, [0, 0, prng.below(20_000)]);
  switch (workload) {
    case 'uniform':
      return plan(prng, index, {
        rate,
        startMs,
        filesOpen: prng.between(2, 40),
        chunks: { low: 0, high: 20 },
        chunkBytes: { low: 1, high: 600 },
      });
    case 'skewed': {
      // A few huge files beside many small ones.
      const isHuge = index % 2 === 1;
      const chunks = isHuge ? { low: 60, high: 200 } : { low: 0, high: 4 };
      const chunkBytes = isHuge ? { low: 500, high: 4_000 } : { low: 1, high: 90 };
      return plan(prng, index, {
        rate: isHuge ? rate * 2 : rate,
        startMs,
        filesOpen: isHuge ? prng.between(1, 3) : prng.between(1, 100),
        chunks,
        chunkBytes,
      });
    }
    case 'edges': {
      const bytes = pick(prng, [1, 55, 56, 63, 64, 65, 128]);
      const chunks = pick(prng, [
        { low: 0, high: 0 },
        { low: 0, high: 1 },
        { low: 1, high: 1 },
        { low: 0, high: 3 },
        { low: 40, high: 41 },
      ]);
      const chunkBytes = pick(prng, [
        { low: bytes, high: bytes },
        { low: 1, high: bytes },
      ]);
      const filesOpen = pick(prng, [1, 2, 33, 64]);
      return plan(prng, index, { rate, startMs, filesOpen, chunks, chunkBytes });
    }
    default:
      return workload satisfies never;
  }
}

function plan(
  prng: Prng,
  index: number,
  fields: Omit<ChunkerPlan, 'batchBytes' | 'fileCount' | 'rate' | 'drainMs' | 'lives'> & { rate: number },
): ChunkerPlan {
  const needed = BATCH_HEADER_BYTES + CHUNK_HEADER_BYTES + fields.chunkBytes.high;
  // Room for one chunk, for a few, or for many.
  const batchBytes = pick(prng, [needed, needed * 3, 8 * 1024 + needed]);
  // The first chunker publishes in every phase.
  const isFast = index > 0 && prng.below(6) === 0;
  const chunksMean = (fields.chunks.low + fields.chunks.high) / 2 + 1;
  const filesOpen = Math.max(1, Math.min(fields.filesOpen, Math.floor((fields.rate * OPEN_S_MAX) / chunksMean)));
  const fileCount = isFast ? Math.ceil(1_500 / chunksMean) : null;
  const drainMs = index > 0 && prng.below(2) === 0 ? fields.startMs + prng.between(8_000, 40_000) : null;
  return {
    ...fields,
    filesOpen,
    batchBytes,
    rate: isFast ? null : fields.rate,
    fileCount,
    drainMs,
    lives: drainMs === null ? 1 : prng.between(1, 2),
  };
}

/** Consecutive partitions, shared as evenly as possible. */
function shareOut(partitions: number, summers: number): number[][] {
  const shares: number[][] = Array.from({ length: summers }, () => []);
  for (let partition = 0; partition < partitions; partition += 1) {
    shares[Math.floor((partition * summers) / partitions)]?.push(partition);
  }
  return shares;
}

function pick<T>(prng: Prng, choices: readonly T[]): T {
  const choice = choices[prng.below(choices.length)];
  if (choice === undefined) throw new Error('a choice has something to choose from');
  return choice;
}
