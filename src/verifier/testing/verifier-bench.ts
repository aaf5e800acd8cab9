/**
 * A verifier on a bench: a clock that the test moves, a sums journal that is only a head, and the chunker's part played
 * by the test. `producer` owns the files; sums come from shards, or from any producer that the test names.
 */

import { crc32c } from '../../hash/crc32c.ts';
import { SUMS_JOURNAL, type StoredBatch } from '../../journal/journals.ts';
import { ManualClock } from '../../core/testing/manual-clock.ts';
import { encodeBatch, shardProducer } from '../../message/batch.ts';
import { fileIdOf } from '../../message/chunk.ts';
import { type Sum, encodeSum } from '../../message/sum.ts';
import { Workload } from '../../workload/workload.ts';
import { Ledger } from '../ledger.ts';
import { type ReaderPosition, type VerifiedFile, Verifier } from '../verifier.ts';

export const PRODUCER = '80aabbccddeeff01';
export const SLA_MS = 30_000;

export type BatchOptions = {
  /** Default: shard 0. */
  readonly producer?: string;
  /** Default: the next index of that producer. */
  readonly firstIndex?: number;
  readonly epoch?: number;
  /** Default: now. */
  readonly stampNs?: number;
};

export class VerifierBench {
  readonly clock: ManualClock = new ManualClock(100e9);
  readonly workload: Workload = new Workload({
    seed: 5,
    chunkerNumber: 0,
    filesOpen: 3,
    chunks: { low: 0, high: 4 },
    chunkBytes: { low: 1, high: 30 },
    partitions: 2,
  });
  ledger: Ledger;
  position: ReaderPosition;
  verifier: Verifier;
  readonly verified: VerifiedFile[] = [];
  readonly delays: string[] = [];
  /** Partitions for which `completeThrough` was called. */
  readonly asked: number[] = [];
  /** Runs before `completeThrough` resolves. */
  completeThrough: (partition: number) => Promise<void> = () => Promise.resolve();
  /** The journal's answer to a question for its head. */
  head: () => Promise<number> = () => Promise.resolve(this.tail);
  /** Where the next batch begins. */
  tail = 1_000;
  readonly nextIndexes: Record<string, number> = {};
  #endIndexes: number[] = [0, 0];

  constructor() {
    this.ledger = new Ledger();
    this.position = { offset: this.tail, nextIndexes: {}, epochs: {} };
    this.verifier = this.#make();
  }

  #make(): Verifier {
    return new Verifier({
      journals: { head: () => this.head() },
      clock: this.clock,
      checksum: crc32c,
      workload: this.workload,
      producer: PRODUCER,
      slaMs: SLA_MS,
      ledger: this.ledger,
      position: this.position,
      completeThrough: (partition) => {
        this.asked.push(partition);
        return this.completeThrough(partition);
      },
      onVerified: (file) => this.verified.push(file),
      onDelay: (file, seconds) => this.delays.push(`${file} ${seconds}`),
    });
  }

  /** Goes on with what a process would know that starts now, if everything were durable. */
  restart(): void {
    this.ledger = Ledger.load(this.ledger.save(), true);
    this.position = structuredClone(this.position);
    this.verifier = this.#make();
  }

  fileId(fileNumber: number): string {
    return fileIdOf(PRODUCER, fileNumber);
  }

  sumOf(fileNumber: number): Sum {
    return { fileId: this.fileId(fileNumber), ...this.workload.expectedSum(fileNumber) };
  }

  /** The generator ends the file now. The end is acknowledged unless told otherwise. */
  complete(fileNumber: number, options: { isAcknowledged?: boolean } = {}): void {
    const partition = this.workload.partitionOf(fileNumber);
    const endIndex = this.#endIndexes[partition] ?? 0;
    this.#endIndexes[partition] = endIndex + 1;
    this.verifier.completed({ fileNumber, intendedNs: this.clock.nowNs(), endIndex, acknowledgedNs: null });
    if (options.isAcknowledged !== false) this.verifier.acknowledged(partition, endIndex + 1, this.clock.nowNs());
  }

  /** A batch of sums at the end of the journal. */
  batch(sums: readonly Sum[], options: BatchOptions = {}): StoredBatch {
    const producer = options.producer ?? shardProducer(0);
    const firstIndex = options.firstIndex ?? this.nextIndexes[producer] ?? 0;
    const header = { kind: 'sums', producer, firstIndex, count: sums.length, epoch: options.epoch ?? 1 } as const;
    this.nextIndexes[producer] = firstIndex + sums.length;
    return this.store(encodeBatch(header, Buffer.concat(sums.map(encodeSum)), SUMS_JOURNAL, crc32c), options.stampNs);
  }

  /** Any bytes at the end of the journal. */
  store(bytes: Uint8Array, stampNs: number = this.clock.nowNs()): StoredBatch {
    const begin = this.tail;
    this.tail += bytes.length;
    return { begin, end: this.tail, stampNs, bytes };
  }
}
