/**
 * How long each partition was without a new sum, by the broker's stamps of the sums journal as the auditor reads it.
 * For a fault it says how long its victims had to wait. The recovery does not say that: it begins at the fault and ends
 * at one file.
 */

import { SUMS_JOURNAL } from '../../../src/journal/journals.ts';
import { BatchReader, shardOfProducer } from '../../guarantee/checkers/batch-reader.ts';
import type { LogEntry } from '../../guarantee/history-log.ts';

/** Shorter gaps do not count. */
const GAP_NS_MIN = 50e6;
/** How many of the latest gaps are kept: a fault is settled long before its gaps are dropped. */
const GAPS_MAX = 4_096;

type Gap = { readonly partition: number; readonly fromNs: number; readonly toNs: number };

export class SumGaps {
  readonly #reader: BatchReader;
  /** By partition, the stamp of its latest sums. */
  readonly #lastNs = new Map<number, number>();
  #gaps: Gap[] = [];

  constructor(reader: BatchReader = new BatchReader()) {
    this.#reader = reader;
  }

  /** A listener of the history. */
  hear({ event }: LogEntry): void {
    if (event.event !== 'batch' || event.journal !== SUMS_JOURNAL || event.stampNs === 0) return;
    const batch = this.#reader.read(event);
    const partition = 'fault' in batch ? null : shardOfProducer(batch.producer);
    if (partition === null) return;
    const fromNs = this.#lastNs.get(partition);
    this.#lastNs.set(partition, event.stampNs);
    if (fromNs === undefined || event.stampNs - fromNs < GAP_NS_MIN) return;
    this.#gaps.push({ partition, fromNs, toNs: event.stampNs });
    if (this.#gaps.length > 2 * GAPS_MAX) this.#gaps = this.#gaps.slice(-GAPS_MAX);
  }

  /**
   * The longest time between two sums of one of these partitions that lies partly between `fromNs` and `toNs`, in
   * nanoseconds; 0 when there was no gap. Null: the sums journal was not read that far.
   */
  longestNs(
    partitions: readonly number[],
    { fromNs, toNs }: { readonly fromNs: number; readonly toNs: number },
  ): number | null {
    if (!partitions.every((partition) => (this.#lastNs.get(partition) ?? 0) >= toNs)) return null;
    const asked = new Set(partitions);
    const touching = this.#gaps.filter((gap) => asked.has(gap.partition) && gap.toNs > fromNs && gap.fromNs < toNs);
    return touching.reduce((longestNs, gap) => Math.max(longestNs, gap.toNs - gap.fromNs), 0);
  }
}
