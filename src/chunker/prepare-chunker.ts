/**
 * Composes a chunker from its parts: asks the journals for their layout, begins or continues the life in its store, and
 * builds the `Chunker`. The command and the simulation run this same code.
 */

import type { Clock } from '../core/clock.ts';
import { UsageError } from '../core/errors.ts';
import { rangeText } from '../core/units.ts';
import type { Journals } from '../journal/journals.ts';
import { BATCH_BYTES_MAX, BATCH_HEADER_BYTES } from '../message/batch.ts';
import { CHUNK_HEADER_BYTES } from '../message/chunk.ts';
import type { Store } from '../store/store.ts';
import { type CountRange, Workload, type WorkloadOptions } from '../workload/workload.ts';
import { Chunker } from './chunker.ts';
import type { ChunkerEvents } from './events.ts';
import { type Life, beginLife, checkPast } from './life/life.ts';

/** A value in LMDB takes whole pages after a header of 24 bytes, so a batch that fills pages wastes nothing. */
const PAGE_BYTES = 4096;
const PAGE_HEADER_BYTES = 24;

export type PrepareChunkerOptions = {
  readonly journals: Journals;
  readonly store: Store;
  readonly clock: Clock;
  readonly workload: Omit<WorkloadOptions, 'partitions'>;
  /** Files to publish; `null`: publish until told to drain. */
  readonly fileCount: number | null;
  /** Records a second; `null`: as fast as possible. */
  readonly rate: number | null;
  /** The largest batch. */
  readonly batchBytes: number;
  readonly slaMs: number;
  readonly newProducer: () => string;
  /** Names the machine's boot. */
  readonly boot: string;
  readonly events: ChunkerEvents;
};

export type PreparedChunker = {
  /** The chunker, not yet started. */
  readonly chunker: Chunker;
  readonly life: Life;
  readonly workload: Workload;
};

/**
 * The largest batch within `batchBytes` that fills whole pages of the store, or `batchBytes` when such a batch holds no
 * chunk. Throws a UsageError when a chunk does not fit.
 */
export function batchBytesWithin({ batchBytes, chunkBytes }: { batchBytes: number; chunkBytes: CountRange }): number {
  if (chunkBytes.low < 1)
    throw new UsageError(
      `--chunk-bytes ${rangeText(chunkBytes)}: a chunk needs at least 1 byte, because empty data ends a file`,
    );
  if (batchBytes > BATCH_BYTES_MAX)
    throw new UsageError(`--batch-bytes ${batchBytes}: must be at most ${BATCH_BYTES_MAX} bytes`);
  const needed = BATCH_HEADER_BYTES + CHUNK_HEADER_BYTES + chunkBytes.high;
  if (batchBytes < needed)
    throw new UsageError(
      `--batch-bytes ${batchBytes}: must be at least ${needed}, for a chunk of ${chunkBytes.high} bytes`,
    );
  const fitting = Math.floor(batchBytes / PAGE_BYTES) * PAGE_BYTES - PAGE_HEADER_BYTES;
  return fitting >= needed ? fitting : batchBytes;
}

/**
 * Throws a UsageError when the journals do not accept such batches, or when the store continues another workload.
 * Throws a ViolationError when the journals have lost what the store proves they had.
 */
export async function prepareChunker(options: PrepareChunkerOptions): Promise<PreparedChunker> {
  const { journals, store, clock, fileCount, rate, slaMs, events } = options;
  await checkPast(journals, store);
  const info = await journals.list();
  const batchBytes = batchBytesWithin({ batchBytes: options.batchBytes, chunkBytes: options.workload.chunkBytes });
  if (batchBytes > info.batchBytesMax) {
    throw new UsageError(
      `--batch-bytes ${options.batchBytes}: the journals take batches of at most ${info.batchBytesMax} bytes`,
    );
  }
  const workload = new Workload({ ...options.workload, partitions: info.partitions });
  const { newProducer, boot } = options;
  const life = await beginLife({ store, journals, workload: workload.options, fileCount, newProducer, boot });
  const chunker = new Chunker({
    journals,
    store,
    clock,
    life,
    workload,
    fileCount,
    rate,
    batchBytes,
    slaMs,
    events,
  });
  return { chunker, life, workload };
}
