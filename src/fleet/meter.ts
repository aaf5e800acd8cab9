/**
 * The components' reports, added up over all processes and all their restarts.
 *
 * A killed process loses the counts of its last second, so sums are counted by the chunkers' durable totals. Samples
 * that were lost with a process count as censored; they are never silently missing.
 */

import type { ChunkerProgress, ChunkerReady, DrainedEvent, ProgressEvent, ReadyEvent } from '../component/protocol.ts';
import { unreachable } from '../core/assert.ts';
import { LatencyHistogram } from '../measure/histogram.ts';

/** Cumulative over the run, except the gauges. */
export type Totals = {
  readonly chunksPublished: number;
  readonly bytesPublished: number;
  readonly chunksFolded: number;
  readonly sumsVerified: number;
  readonly chunksVerified: number;
  readonly bytesVerified: number;
  /** Gauges: the values of each chunker's last report. */
  readonly filesOpen: number;
  readonly sumsOutstanding: number;
};

/** Counts between two moments; gauges as they were at the end. */
export function totalsBetween(begin: Totals, end: Totals): Totals {
  return {
    chunksPublished: end.chunksPublished - begin.chunksPublished,
    bytesPublished: end.bytesPublished - begin.bytesPublished,
    chunksFolded: end.chunksFolded - begin.chunksFolded,
    sumsVerified: end.sumsVerified - begin.sumsVerified,
    chunksVerified: end.chunksVerified - begin.chunksVerified,
    bytesVerified: end.bytesVerified - begin.bytesVerified,
    filesOpen: end.filesOpen,
    sumsOutstanding: end.sumsOutstanding,
  };
}

/**
 * `sum`: from the intended send time of a file's end to its verified sum. `acknowledgement`: the round trip of a chunk
 * batch.
 */
export type Stage = 'sum' | 'acknowledgement';
export const STAGES: readonly Stage[] = ['sum', 'acknowledgement'];

export class StageLatency {
  readonly sum: LatencyHistogram = new LatencyHistogram();
  readonly acknowledgement: LatencyHistogram = new LatencyHistogram();
  /** Verified sums whose latency is unknown, and files that were never verified. */
  censoredSums = 0;

  reset(): void {
    this.sum.reset();
    this.acknowledgement.reset();
    this.censoredSums = 0;
  }
}

/** Counts of one process. They start again at 0 with each incarnation. */
class Restarting {
  #before = 0;
  #now = 0;

  get total(): number {
    return this.#before + this.#now;
  }

  report(value: number): void {
    this.#now = value;
  }

  restart(): void {
    this.#before += this.#now;
    this.#now = 0;
  }
}

type ChunkerMeter = {
  readonly producer: string;
  /** Files verified over the producer's life when this run began. */
  readonly verifiedBefore: number;
  verifiedTotal: number;
  /** Files durably verified when this incarnation started, and the samples that it has reported since. */
  verifiedAtStart: number;
  samples: number;
  readonly chunks: Restarting;
  readonly bytes: Restarting;
  readonly chunksVerified: Restarting;
  readonly bytesVerified: Restarting;
  filesOpen: number;
  sumsOutstanding: number;
  batchesUnderWay: number;
  scheduleLagNs: number;
  drained: DrainedEvent | null;
};

/** A chunker lost what it had reported as durable. `detail`: which rule it broke, in one line. */
export type ForgottenState = { readonly process: string; readonly detail: string };

/** In one line, what a chunker has forgotten that it had reported as durable; null when it has forgotten nothing. */
export function forgottenBy(
  known: { readonly producer: string; readonly verifiedTotal: number },
  { producer, verifiedTotal }: ChunkerReady,
): string | null {
  if (producer !== known.producer) return `producer ${known.producer} came back as ${producer}`;
  if (verifiedTotal >= known.verifiedTotal) return null;
  return `${known.verifiedTotal} files were durably verified, ${verifiedTotal} after the restart`;
}

export class Meter {
  readonly #chunkers: Map<string, ChunkerMeter> = new Map();
  readonly #folded: Map<string, Restarting> = new Map();
  /** The counts of retired chunkers. */
  readonly #retired = { chunks: 0, bytes: 0, sums: 0, chunksVerified: 0, bytesVerified: 0 };
  /** Since the last `interval.reset()`. */
  readonly interval: StageLatency = new StageLatency();
  /** Since the last `phase.reset()`. */
  readonly phase: StageLatency = new StageLatency();

  /** Returns what a chunker forgot between two of its lives, or null. */
  onReady(process: string, event: ReadyEvent): ForgottenState | null {
    switch (event.component) {
      case 'broker':
        return null;
      case 'summer':
        this.#folded.get(process)?.restart();
        return null;
      case 'chunker':
        return this.#onChunkerReady(process, event);
      default:
        return unreachable(event);
    }
  }

  #onChunkerReady(process: string, event: ChunkerReady): ForgottenState | null {
    const known = this.#chunkers.get(process);
    if (known === undefined) {
      this.#chunkers.set(process, {
        producer: event.producer,
        verifiedBefore: event.verifiedTotal,
        verifiedTotal: event.verifiedTotal,
        verifiedAtStart: event.verifiedTotal,
        samples: 0,
        chunks: new Restarting(),
        bytes: new Restarting(),
        chunksVerified: new Restarting(),
        bytesVerified: new Restarting(),
        filesOpen: 0,
        sumsOutstanding: 0,
        batchesUnderWay: 0,
        scheduleLagNs: 0,
        drained: null,
      });
      return null;
    }
    const detail = forgottenBy(known, event);
    if (detail !== null) return { process, detail };
    this.#censor(known, event.verifiedTotal);
    known.verifiedTotal = event.verifiedTotal;
    known.verifiedAtStart = event.verifiedTotal;
    known.samples = 0;
    for (const count of [known.chunks, known.bytes, known.chunksVerified, known.bytesVerified]) count.restart();
    return null;
  }

  /** Counts the sums that this incarnation verified durably without a sample that arrived. */
  #censor(chunker: ChunkerMeter, verifiedTotal: number): void {
    this.phase.censoredSums += Math.max(0, verifiedTotal - chunker.verifiedAtStart - chunker.samples);
  }

  /** Throws OperatingError ERR_HISTOGRAM when a latency is malformed. */
  onProgress(process: string, event: ProgressEvent): void {
    switch (event.component) {
      case 'broker':
        return;
      case 'summer': {
        const folded = this.#folded.get(process) ?? new Restarting();
        folded.report(event.chunksFolded);
        this.#folded.set(process, folded);
        return;
      }
      case 'chunker':
        this.#onChunkerProgress(process, event);
        return;
      default:
        unreachable(event);
    }
  }

  #onChunkerProgress(process: string, event: ChunkerProgress): void {
    const chunker = this.#chunkers.get(process);
    if (chunker === undefined) return;
    chunker.chunks.report(event.chunks);
    chunker.bytes.report(event.bytes);
    chunker.chunksVerified.report(event.chunksVerified);
    chunker.bytesVerified.report(event.bytesVerified);
    chunker.filesOpen = event.filesOpen;
    chunker.sumsOutstanding = event.sumsOutstanding;
    chunker.batchesUnderWay = event.batchesUnderWay ?? 0;
    chunker.scheduleLagNs = event.scheduleLagNsP99;
    chunker.verifiedTotal = Math.max(chunker.verifiedTotal, event.verifiedTotal);
    if (event.latency !== null) chunker.samples += this.#merge('sum', event.latency);
    if (event.acknowledgement !== null) this.#merge('acknowledgement', event.acknowledgement);
  }

  #merge(stage: Stage, encoded: string): number {
    const delta = LatencyHistogram.decode(encoded);
    this.interval[stage].add(delta);
    this.phase[stage].add(delta);
    return delta.count;
  }

  onDrained(process: string, event: DrainedEvent): void {
    const chunker = this.#chunkers.get(process);
    if (chunker === undefined) return;
    this.#censor(chunker, event.verifiedTotal);
    this.phase.censoredSums += Math.max(0, event.filesCompletedTotal - event.verifiedTotal);
    chunker.drained = event;
    chunker.verifiedTotal = Math.max(chunker.verifiedTotal, event.verifiedTotal);
    chunker.verifiedAtStart = chunker.verifiedTotal;
    chunker.samples = 0;
    chunker.filesOpen = 0;
    chunker.sumsOutstanding = 0;
    chunker.batchesUnderWay = 0;
  }

  /**
   * The chunker of this name died for good. Its counts stay, and nothing of it is under way any more. Another chunker
   * may come under its name.
   */
  retire(process: string): void {
    const chunker = this.#chunkers.get(process);
    if (chunker === undefined) return;
    this.#censor(chunker, chunker.verifiedTotal);
    this.phase.censoredSums += chunker.sumsOutstanding;
    const retired = this.#retired;
    retired.chunks += chunker.chunks.total;
    retired.bytes += chunker.bytes.total;
    retired.sums += chunker.verifiedTotal - chunker.verifiedBefore;
    retired.chunksVerified += chunker.chunksVerified.total;
    retired.bytesVerified += chunker.bytesVerified.total;
    this.#chunkers.delete(process);
  }

  /**
   * Counts as censored what a chunker has not seen verified, by its last report. Called for each chunker that will
   * report no more.
   */
  censorUnfinished(process: string): void {
    const chunker = this.#chunkers.get(process);
    if (chunker !== undefined) this.phase.censoredSums += chunker.sumsOutstanding;
  }

  producerOf(process: string): string | null {
    return this.#chunkers.get(process)?.producer ?? null;
  }

  /** What a chunker said when it had drained; null when it has not drained. */
  drainedOf(process: string): DrainedEvent | null {
    return this.#chunkers.get(process)?.drained ?? null;
  }

  /** Files of all chunkers that are not verified, by their `drained` events, or else by their last reports. */
  sumsMissing(): number {
    let missing = 0;
    for (const { drained, sumsOutstanding } of this.#chunkers.values()) {
      missing += drained === null ? sumsOutstanding : drained.filesCompletedTotal - drained.verifiedTotal;
    }
    return missing;
  }

  /** Batches of all chunkers that were sent and not yet acknowledged, by their last reports. */
  batchesUnderWay(): number {
    return [...this.#chunkers.values()].reduce((sum, chunker) => sum + chunker.batchesUnderWay, 0);
  }

  /** The worst lag in the chunkers' last reports. */
  scheduleLagNs(): number {
    return Math.max(0, ...[...this.#chunkers.values()].map((chunker) => chunker.scheduleLagNs));
  }

  totals(): Totals {
    let chunksFolded = 0;
    for (const folded of this.#folded.values()) chunksFolded += folded.total;
    const retired = this.#retired;
    const sum = (value: (chunker: ChunkerMeter) => number, before = 0): number => {
      let total = before;
      for (const chunker of this.#chunkers.values()) total += value(chunker);
      return total;
    };
    return {
      chunksPublished: sum((chunker) => chunker.chunks.total, retired.chunks),
      bytesPublished: sum((chunker) => chunker.bytes.total, retired.bytes),
      chunksFolded,
      sumsVerified: sum((chunker) => chunker.verifiedTotal - chunker.verifiedBefore, retired.sums),
      chunksVerified: sum((chunker) => chunker.chunksVerified.total, retired.chunksVerified),
      bytesVerified: sum((chunker) => chunker.bytesVerified.total, retired.bytesVerified),
      filesOpen: sum((chunker) => chunker.filesOpen),
      sumsOutstanding: sum((chunker) => chunker.sumsOutstanding),
    };
  }
}
