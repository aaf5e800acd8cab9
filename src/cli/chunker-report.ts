/**
 * A chunker's reports to its supervisor: counts, latencies since the last report, and the first recovered sums after a
 * fault.
 */

import type { Chunker } from '../chunker/chunker.ts';
import type { ChunkerEvents } from '../chunker/events.ts';
import { LatencyHistogram } from '../measure/histogram.ts';
import type { VerifiedFile } from '../verifier/verifier.ts';
import type { ChunkerProgress, RecoveredEvent, WatchCommand } from '../component/protocol.ts';

/** `waiting`: partitions without an answer yet; null: one answer stands for all of them. */
type Watch = { readonly fault: number; readonly sinceNs: number; readonly waiting: Set<number> | null };

export class ChunkerReport {
  readonly #emit: (event: RecoveredEvent) => void;
  readonly #latency = new LatencyHistogram();
  readonly #acknowledgement = new LatencyHistogram();
  readonly #lag = new LatencyHistogram();
  readonly #verified = { sums: 0, chunks: 0, bytes: 0 };
  #watches: Watch[] = [];

  constructor(emit: (event: RecoveredEvent) => void) {
    this.#emit = emit;
  }

  get events(): Pick<ChunkerEvents, 'onVerified' | 'onAcknowledged' | 'onScheduleLag'> {
    return {
      onVerified: (file) => this.#onVerified(file),
      onAcknowledged: (latencyNs) => this.#acknowledgement.record(latencyNs),
      onScheduleLag: (lagNs, records) => this.#lag.record(lagNs, records),
    };
  }

  watch({ fault, sinceNs, partitions }: WatchCommand): void {
    this.#watches.push({ fault, sinceNs, waiting: partitions === null ? null : new Set(partitions) });
  }

  /** Takes the values recorded since the last call. */
  progress(chunker: Chunker): ChunkerProgress {
    const { chunks, bytes, filesCompleted, filesOpen, sumsOutstanding } = chunker.counts;
    const scheduleLagNsP99 = this.#lag.summary().p99Ns ?? 0;
    const scheduleLag = this.#lag.take();
    return {
      event: 'progress',
      component: 'chunker',
      chunks,
      bytes,
      filesCompleted,
      sumsVerified: this.#verified.sums,
      chunksVerified: this.#verified.chunks,
      bytesVerified: this.#verified.bytes,
      filesOpen,
      sumsOutstanding,
      scheduleLagNsP99,
      scheduleLag,
      verifiedTotal: chunker.verifiedTotal,
      latency: this.#latency.take(),
      acknowledgement: this.#acknowledgement.take(),
      acknowledged: chunker.acknowledged,
      batchesUnderWay: chunker.batchesUnderWay,
    };
  }

  #onVerified({ partition, intendedNs, verifiedNs, chunks, bytes }: VerifiedFile): void {
    this.#verified.sums += 1;
    this.#verified.chunks += chunks;
    this.#verified.bytes += bytes;
    if (Number.isNaN(intendedNs)) return;
    this.#latency.record(Math.max(0, verifiedNs - intendedNs));
    if (this.#watches.length === 0) return;
    const isOver = ({ fault, sinceNs, waiting }: Watch): boolean => {
      const isSeen = intendedNs > sinceNs && (waiting === null || waiting.delete(partition));
      if (isSeen) this.#emit({ event: 'recovered', fault, partition, intendedNs, verifiedNs });
      return isSeen && (waiting === null || waiting.size === 0);
    };
    this.#watches = this.#watches.filter((watch) => !isOver(watch));
  }
}
