/** The load of the measured pipelines. `bench/harness/scales.ts` says which of them a scale measures, and how long. */

import { type Range, rangeText } from '../../src/core/units.ts';
import type { PipelineOptions } from '../../src/fleet/component-specs.ts';
import { SCALES } from '../harness/scales.ts';
import type { Scale } from '../harness/task.ts';
import { CHUNKS_OF_FILE, FILES_OPEN } from '../workload/generated-batches.ts';

const MIB = 1024 * 1024;

/** Data chunks of a file: fewer when chunks are large, so that 100 open files end in a second. */
const CHUNKS: Readonly<Record<number, number>> = { 32: 100, 1024: 100, 65_536: 16 };
/**
 * Large batches take less CPU time for a chunk (D-BENCH-13). A batch that waits for nothing is sent before it is full.
 */
const BATCH_BYTES: Readonly<Record<number, number>> = { 32: MIB, 1024: MIB, 65_536: 2 * MIB };

/** One chunker, one summer and 8 partitions at the highest rate, with these `changes`. */
export function loadOf(seed: number, chunkBytes: number, changes: Partial<PipelineOptions> = {}): PipelineOptions {
  const chunks = CHUNKS[chunkBytes] ?? 100;
  return {
    seed,
    chunkers: 1,
    summers: 1,
    partitions: 8,
    files: 100,
    chunks: { low: chunks, high: chunks },
    chunkBytes: { low: chunkBytes, high: chunkBytes },
    rate: 'max',
    batchBytes: BATCH_BYTES[chunkBytes] ?? MIB,
    retentionBytes: 256 * MIB,
    slaMs: 30_000,
    ...changes,
  };
}

/** At a low rate few files are open, so that they end within the warm-up. */
export function scheduledLoad(seed: number, rate: number): PipelineOptions {
  return loadOf(seed, 32, { rate, files: rate < 10_000 ? 20 : 100 });
}

/**
 * Files of all lengths. If 100,000 files were opened together with equally many chunks, all would end at about the same
 * time, and the result would depend on whether that time is in the window.
 */
const GROWTH_CHUNKS: Range = { low: 1, high: 199 };
export const GROWTH_PARAMETERS: Readonly<Record<string, string | number>> = {
  chunk_bytes: 32,
  chunks: rangeText(GROWTH_CHUNKS),
};

export function growthLoad(seed: number, changes: Partial<PipelineOptions>): PipelineOptions {
  return loadOf(seed, 32, { chunks: GROWTH_CHUNKS, ...changes });
}

/** A sum every 5 ms, which is fine enough to see a recovery. */
export const RECOVERY_RATE = 20_000;

/** Changes on a cluster. A broker that was killed is missed for its lease of 20 s, and no sum is late because of it. */
export const CLUSTER_LOAD: Pick<PipelineOptions, 'slaMs'> = { slaMs: 90_000 };

/** The load of the parts when they are measured alone. */
export const CEILINGS: {
  /** As many batches in one commit as arrive meanwhile. */
  readonly commitBatches: number;
  readonly hashedBytes: number;
} = { commitBatches: 4, hashedBytes: 32 * MIB };

/**
 * Settings that decide the figures and that no row's parameters name, for run.json. If they differ between two commits,
 * figures differ by more than the program.
 */
export function loadDescription(scale: Scale): Readonly<Record<string, unknown>> {
  const bySize = Object.keys(CHUNKS).map((bytes) => [bytes, described(loadOf(0, Number(bytes)))] as const);
  const { ceilingCallBytes: callBytes, durations } = SCALES[scale].pipeline;
  return {
    // What `chunks_per_s` of the pipeline's rows counts. Earlier runs counted verified files.
    rates: 'published and folded',
    throughput: Object.fromEntries(bySize),
    growth: described(growthLoad(0, {})),
    latency: Object.fromEntries([2000, 20_000].map((rate) => [rate, described(scheduledLoad(0, rate))])),
    recovery: described(scheduledLoad(0, RECOVERY_RATE)),
    ceilings: { ...CEILINGS, callBytes, filesOpen: FILES_OPEN, chunks: CHUNKS_OF_FILE },
    durations,
  };
}

/** The same for the rows of a cluster. */
export function clusterLoadDescription(scale: Scale): Readonly<Record<string, unknown>> {
  return {
    rates: 'published and folded',
    throughput: { 32: described({ ...loadOf(0, 32), ...CLUSTER_LOAD }) },
    latency: { 2000: described({ ...scheduledLoad(0, 2000), ...CLUSTER_LOAD }) },
    recovery: described({ ...scheduledLoad(0, RECOVERY_RATE), ...CLUSTER_LOAD }),
    durations: SCALES[scale].cluster,
  };
}

/** All settings except the seed, which run.json has. */
function described(options: PipelineOptions): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(options).filter(([name]) => name !== 'seed'));
}
