/**
 * The four scales of a benchmark run as data: suites, rounds, turns, sizes, rates and times, in one table. Suites read
 * their own part and decide nothing by the name of a scale. What is the same at every scale stands in the suite.
 */

import type { RoundsOptions } from './rounds.ts';
import type { Scale } from './task.ts';

export const SUITES = ['hash', 'state', 'codec', 'store', 'transport', 'pipeline'] as const;
export type SuiteName = (typeof SUITES)[number];

const KIB = 1024;
const MIB = 1024 * KIB;

export type HashSizes = {
  /** Few files are open, as in a summer by default: chunks of each of these sizes, sliced and in records. */
  readonly files: number;
  readonly chunkBytes: readonly number[];
  /** So many files that none stays in a cache, in records only. */
  readonly manyFiles: number;
  readonly manyFilesChunkBytes: readonly number[];
  readonly batchChunks: number;
  /** Batches of one measured round, by chunk size, so that calls of all sizes take about as long. */
  readonly batchesBySize: Readonly<Record<number, number>>;
  /** For `manyFiles`: a call touches nearly all of them. */
  readonly manyFilesBatches: number;
  readonly backendChunkBytes: number;
  /** Batches over which allocations are counted. */
  readonly allocationBatches: number;
};

export type CommitShape = { readonly values: number; readonly bytes: number };

/** Times in milliseconds. */
export type Durations = {
  readonly warmUp: { readonly msMin: number; readonly msMax: number };
  /** How much each open file adds to the longest warm-up. */
  readonly warmUpOfFile: number;
  readonly window: number;
  /** A schedule has no journal to fill, so its warm-up is short. */
  readonly scheduledWarmUp: { readonly msMin: number; readonly msMax: number };
  readonly latencyWindow: number;
  /** Time between two kills. */
  readonly betweenKills: number;
  readonly kills: number;
  readonly ceiling: number;
};

/** Of a pipeline without the ceilings of its parts. */
export type FlowDurations = Omit<Durations, 'ceiling'>;

export type GrowthVary = 'files' | 'partitions' | 'chunkers';

export type PipelineSizes = {
  readonly throughputChunkBytes: readonly number[];
  /** Chunks a second that are offered; `half` of the highest rate. */
  readonly latencyRates: readonly (number | 'half')[];
  readonly recoveryOf: readonly ('summer' | 'broker')[];
  readonly growth: readonly (readonly [vary: GrowthVary, counts: readonly number[]])[];
  /** Bytes of one call when the transport is measured alone; null: one batch. */
  readonly ceilingCallBytes: number | null;
  readonly durations: Durations;
};

export type ScaleSizes = {
  /** The suites that run when none is named. */
  readonly suites: readonly SuiteName[];
  readonly rounds: { readonly micro: number; readonly pipeline: number };
  /** Of the micro-benchmarks. */
  readonly turns: Pick<RoundsOptions, 'turn' | 'warmUpRoundsMax'>;
  readonly hash: HashSizes;
  /** Files of a pool: as in a summer by default, and many. */
  readonly state: { readonly files: readonly number[] };
  readonly codec: { readonly chunkBytes: readonly number[] };
  readonly store: { readonly shapes: readonly CommitShape[] };
  /** `callBytes`: sent by one call. */
  readonly transport: { readonly batchBytes: readonly number[]; readonly callBytes: number };
  readonly pipeline: PipelineSizes;
  /**
   * Of the pipelines on a cluster. A sum takes so long there that some always wait. The window of latencies has so many
   * sums that those few are not the slowest hundredth of them.
   */
  readonly cluster: FlowDurations;
  /** Streams of each worker of the engine's own example. 100 of them are the load of its own deployment. */
  readonly exampleStreams: number;
};

const HASH: HashSizes = {
  files: 1000,
  chunkBytes: [32, 256, 1024, 4096, 64 * KIB],
  manyFiles: 100_000,
  manyFilesChunkBytes: [32, 1024],
  batchChunks: 1000,
  batchesBySize: { 32: 30, 256: 20, 1024: 10, 4096: 4, 65_536: 1 },
  manyFilesBatches: 100,
  backendChunkBytes: 1024,
  allocationBatches: 2000,
};

const SMALL_ROWS: CommitShape = { values: 1, bytes: 200 };
const ROWS_1000: CommitShape = { values: 1000, bytes: 150 };
const FOUR_LARGE_BATCHES: CommitShape = { values: 4, bytes: 262_120 };
/** Small rows; a summer's pages at 1,000 open files; chunk batches of 64 KiB and 256 KiB, alone and by group commit. */
const SHAPES: readonly CommitShape[] = [
  SMALL_ROWS,
  ROWS_1000,
  { values: 10_000, bytes: 150 },
  { values: 33, bytes: 3968 },
  { values: 1, bytes: 65_512 },
  { values: 16, bytes: 65_512 },
  { values: 1, bytes: 262_120 },
  FOUR_LARGE_BATCHES,
];

/** What `default` and `full` have in common. */
const WHOLE: Pick<ScaleSizes, 'hash' | 'state' | 'codec' | 'store' | 'transport'> = {
  hash: HASH,
  state: { files: [1000, 100_000] },
  codec: { chunkBytes: [32, 1024, 64 * KIB] },
  store: { shapes: SHAPES },
  transport: { batchBytes: [64 * KIB, 256 * KIB, MIB], callBytes: 32 * MIB },
};
const THROUGHPUT_CHUNK_BYTES = [32, 1024, 64 * KIB];
const CEILING_CALL_BYTES = 16 * MIB;

/** Long enough to see that a pipeline works, and for no figure. */
const AT_ONCE: FlowDurations = {
  warmUp: { msMin: 0, msMax: 500 },
  warmUpOfFile: 0,
  window: 300,
  scheduledWarmUp: { msMin: 0, msMax: 300 },
  latencyWindow: 500,
  betweenKills: 100,
  kills: 1,
};

export const SCALES: Readonly<Record<Scale, ScaleSizes>> = {
  smoke: {
    suites: SUITES,
    rounds: { micro: 1, pipeline: 1 },
    turns: { turn: { milliseconds: 0, callsMin: 1 }, warmUpRoundsMax: 0 },
    hash: {
      ...HASH,
      files: 300,
      manyFiles: 1001,
      batchChunks: 100,
      batchesBySize: { 32: 2, 256: 2, 1024: 2, 4096: 2, 65_536: 2 },
      manyFilesBatches: 2,
      allocationBatches: 100,
    },
    state: { files: [100] },
    codec: WHOLE.codec,
    store: WHOLE.store,
    transport: { ...WHOLE.transport, callBytes: 2 * MIB },
    pipeline: {
      throughputChunkBytes: [32],
      latencyRates: [2000],
      recoveryOf: ['summer', 'broker'],
      growth: [['files', [200]]],
      ceilingCallBytes: null,
      durations: { ...AT_ONCE, ceiling: 0 },
    },
    cluster: AT_ONCE,
    exampleStreams: 5,
  },
  quick: {
    suites: ['hash', 'pipeline'],
    rounds: { micro: 10, pipeline: 1 },
    turns: { turn: { milliseconds: 5, callsMin: 1 }, warmUpRoundsMax: 8 },
    hash: { ...HASH, chunkBytes: [32, 1024, 64 * KIB], manyFilesChunkBytes: [32] },
    state: { files: [1000] },
    codec: { chunkBytes: [32] },
    store: { shapes: [SMALL_ROWS, ROWS_1000, FOUR_LARGE_BATCHES] },
    transport: { ...WHOLE.transport, batchBytes: [256 * KIB] },
    pipeline: {
      throughputChunkBytes: THROUGHPUT_CHUNK_BYTES,
      latencyRates: [2000],
      recoveryOf: [],
      growth: [],
      ceilingCallBytes: CEILING_CALL_BYTES,
      durations: {
        warmUp: { msMin: 2000, msMax: 4000 },
        warmUpOfFile: 0,
        window: 2500,
        scheduledWarmUp: { msMin: 1500, msMax: 1500 },
        latencyWindow: 3000,
        betweenKills: 200,
        kills: 2,
        ceiling: 300,
      },
    },
    cluster: {
      warmUp: { msMin: 2000, msMax: 6000 },
      warmUpOfFile: 0,
      window: 3000,
      scheduledWarmUp: { msMin: 1500, msMax: 1500 },
      latencyWindow: 15_000,
      betweenKills: 500,
      kills: 1,
    },
    exampleStreams: 50,
  },
  default: {
    ...WHOLE,
    suites: ['hash', 'pipeline'],
    rounds: { micro: 10, pipeline: 3 },
    turns: { turn: { milliseconds: 20, callsMin: 2 }, warmUpRoundsMax: 6 },
    pipeline: {
      throughputChunkBytes: THROUGHPUT_CHUNK_BYTES,
      latencyRates: [2000, 20_000, 'half'],
      recoveryOf: ['summer', 'broker'],
      growth: [['files', [1000, 100_000]]],
      ceilingCallBytes: CEILING_CALL_BYTES,
      durations: {
        warmUp: { msMin: 2000, msMax: 8000 },
        warmUpOfFile: 0.4,
        window: 4000,
        scheduledWarmUp: { msMin: 2000, msMax: 2000 },
        latencyWindow: 6000,
        betweenKills: 500,
        kills: 3,
        ceiling: 500,
      },
    },
    cluster: {
      warmUp: { msMin: 3000, msMax: 10_000 },
      warmUpOfFile: 0,
      window: 6000,
      scheduledWarmUp: { msMin: 2000, msMax: 2000 },
      latencyWindow: 30_000,
      betweenKills: 500,
      kills: 3,
    },
    exampleStreams: 100,
  },
  full: {
    ...WHOLE,
    suites: SUITES,
    rounds: { micro: 21, pipeline: 6 },
    turns: { turn: { milliseconds: 100, callsMin: 3 }, warmUpRoundsMax: 8 },
    pipeline: {
      throughputChunkBytes: THROUGHPUT_CHUNK_BYTES,
      latencyRates: [2000, 20_000, 'half'],
      recoveryOf: ['summer', 'broker'],
      growth: [
        ['files', [100, 1000, 10_000, 100_000]],
        ['partitions', [1, 2, 4, 8, 16]],
        ['chunkers', [1, 2, 4]],
      ],
      ceilingCallBytes: CEILING_CALL_BYTES,
      durations: {
        warmUp: { msMin: 3000, msMax: 10_000 },
        warmUpOfFile: 0.5,
        window: 8000,
        scheduledWarmUp: { msMin: 3000, msMax: 3000 },
        latencyWindow: 15_000,
        betweenKills: 1000,
        kills: 5,
        ceiling: 1500,
      },
    },
    cluster: {
      warmUp: { msMin: 3000, msMax: 15_000 },
      warmUpOfFile: 0,
      window: 10_000,
      scheduledWarmUp: { msMin: 3000, msMax: 3000 },
      latencyWindow: 60_000,
      betweenKills: 1000,
      kills: 5,
    },
    exampleStreams: 100,
  },
};
