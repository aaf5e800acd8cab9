/**
 * The verifier: reads the sums journal and classifies every sum in it, against expected sums by node:crypto. It shares
 * no code with the summer or the native hashing: it is the oracle.
 *
 * Nothing is verified twice, and nothing unverified is reported. The verifier calls a sum lost, late or phantom only
 * after it has asked the journal again, because its evidence could be old.
 *
 * Rules P-JUDGE-1, P-JUDGE-2, P-READ-1 of docs/protocol.md.
 */

import { assert } from '../core/assert.ts';
import type { Clock } from '../core/clock.ts';
import { ViolationError } from '../core/errors.ts';
import { type Journals, SUMS_JOURNAL, type StoredBatch } from '../journal/journals.ts';
import { type Checksum, decodeBatch } from '../message/batch.ts';
import { fileIdOf, fileNumberOf } from '../message/chunk.ts';
import { type Sum, decodeSums } from '../message/sum.ts';
import type { Workload } from '../workload/workload.ts';
import type { Ledger } from './ledger.ts';
import { Stops } from './stops.ts';

/** Delays of a sum at which a warning is logged, in seconds. */
export const WARN_SECONDS = [0.1, 0.25, 0.5, 1, 2, 4, 6, 8, 10, 15, 20, 25, 30, 35] as const;

/** How many deadlines of verified files may be kept, however few files wait. */
const LAZY_DEADLINES_MAX = 4096;

export type VerifiedFile = {
  readonly fileNumber: number;
  readonly partition: number;
  /** NaN when the end was intended in an earlier boot of the machine. */
  readonly intendedNs: number;
  readonly verifiedNs: number;
  readonly chunks: number;
  readonly bytes: number;
};

export type ReaderPosition = {
  /** Everything in the sums journal below this offset has been read. */
  offset: number;
  /** By the shard's producer: the next index, and the last epoch seen. */
  readonly nextIndexes: Record<string, number>;
  readonly epochs: Record<string, number>;
};

export type VerifierOptions = {
  readonly journals: Pick<Journals, 'head'>;
  readonly clock: Clock;
  readonly checksum: Checksum;
  readonly workload: Workload;
  readonly producer: string;
  readonly slaMs: number;
  readonly ledger: Ledger;
  readonly position: ReaderPosition;
  /** Resolves when every file whose end is in the partition's journal by now was passed to `completed`. */
  readonly completeThrough: (partition: number) => Promise<void>;
  readonly onVerified: (file: VerifiedFile) => void;
  readonly onDelay: (fileId: string, delaySeconds: number) => void;
};

type Completed = {
  readonly fileNumber: number;
  readonly intendedNs: number;
  /** Record index of the file's end in its partition's journal. */
  readonly endIndex: number;
  /**
   * Since when the end is known to be durable: the broker's stamp or, where the stamp is unknown, the time at which the
   * acknowledgement was read. NaN until the end is acknowledged. (Always a number: there is one object for each file,
   * at 25,000 files a second.)
   */
  acknowledgedNs: number;
  /** Whether `acknowledgedNs` is a stamp, which can be compared with the stamp of the sum. */
  isStamped: boolean;
};

export class Verifier {
  readonly position: ReaderPosition;
  readonly #options: VerifierOptions;
  readonly #ledger: Ledger;
  readonly #completed = new Map<number, Completed>();
  /** By partition, completed files whose end is not acknowledged, in the order of their indexes. */
  readonly #unacknowledged: Completed[][];
  /**
   * Acknowledged files in the order of acknowledgement. Verified files leave the list lazily, so at most half of it is
   * verified.
   */
  #deadlines: Completed[] = [];
  #warned = { fileNumber: -1, level: 0 };
  readonly #stops = new Stops();
  #isJudging = false;
  #whenRead: { offset: number; resolve: () => void }[] = [];

  constructor(options: VerifierOptions) {
    this.#options = options;
    this.#ledger = options.ledger;
    this.position = options.position;
    this.#unacknowledged = Array.from({ length: options.workload.options.partitions }, () => []);
  }

  /** Completed files that wait for their sum. */
  get outstanding(): number {
    return this.#completed.size;
  }

  /** The number of kept deadlines: of all files that wait, and of some verified files. */
  get deadlines(): number {
    return this.#deadlines.length;
  }

  /**
   * The generator has taken the step that ends the file. `acknowledgedNs`: when the end is known to be in the journal.
   */
  completed(file: { fileNumber: number; intendedNs: number; endIndex: number; acknowledgedNs: number | null }): void {
    const { fileNumber, endIndex, acknowledgedNs } = file;
    this.#ledger.cover(fileNumber + 1);
    if (this.#ledger.isVerified(fileNumber)) return;
    const completed: Completed = {
      fileNumber,
      intendedNs: this.#ledger.complete(fileNumber, file.intendedNs),
      endIndex,
      acknowledgedNs: acknowledgedNs ?? Number.NaN,
      isStamped: acknowledgedNs !== null,
    };
    this.#completed.set(fileNumber, completed);
    if (acknowledgedNs !== null) this.#deadlines.push(completed);
    else this.#unacknowledged[this.#options.workload.partitionOf(fileNumber)]?.push(completed);
  }

  /**
   * All records of the partition below `through` are durable, since the broker's `stampNs`; 0: since an unknown time.
   */
  acknowledged(partition: number, through: number, stampNs: number): void {
    const waiting = this.#unacknowledged[partition];
    assert(waiting !== undefined, `no partition ${partition}`);
    let count = 0;
    for (const completed of waiting) {
      if (completed.endIndex >= through) break;
      completed.isStamped = stampNs !== 0;
      completed.acknowledgedNs = completed.isStamped ? stampNs : this.#options.clock.nowNs();
      this.#deadlines.push(completed);
      count += 1;
    }
    waiting.splice(0, count);
  }

  /** Checks the batch that follows in the sums journal. Throws a ViolationError. */
  async check(stored: StoredBatch): Promise<void> {
    const { position } = this;
    const place = { journal: SUMS_JOURNAL, offset: stored.begin };
    if (stored.begin !== position.offset) {
      const kind = stored.begin > position.offset ? 'gap' : 'duplicate';
      throw new ViolationError(kind, `read a batch at ${stored.begin}, the next is at ${position.offset}`, place);
    }
    const batch = decodeBatch(stored.bytes, SUMS_JOURNAL, this.#options.checksum);
    if ('fault' in batch) throw new ViolationError('corrupt', batch.fault, place);
    const sums = batch.kind === 'sums' ? decodeSums(batch.payload) : null;
    if (sums === null || sums.length !== batch.count)
      throw new ViolationError('corrupt', 'the batch holds no sums', place);
    const next = position.nextIndexes[batch.producer] ?? 0;
    if (batch.firstIndex > next) {
      const detail = `sums ${next} to ${batch.firstIndex - 1} of producer ${batch.producer} are missing`;
      throw new ViolationError('gap', detail, { ...place, index: next });
    }
    const epoch = position.epochs[batch.producer] ?? 0;
    if (batch.epoch < epoch) {
      const detail = `producer ${batch.producer} wrote under epoch ${batch.epoch} after epoch ${epoch}`;
      throw new ViolationError('stale-writer', detail, { ...place, index: batch.firstIndex });
    }
    // All waits come before the first change, so the ledger never moves without the position at an await.
    for (const sum of sums.slice(next - batch.firstIndex)) await this.#awaitCompletion(sum);
    for (let at = next - batch.firstIndex; at < batch.count; at += 1) {
      const sum = sums[at];
      if (sum?.fileId.startsWith(this.#options.producer) === true) {
        this.#checkSum(sum, stored.stampNs, { ...place, index: batch.firstIndex + at, file: sum.fileId });
      }
    }
    position.nextIndexes[batch.producer] = Math.max(next, batch.firstIndex + batch.count);
    position.epochs[batch.producer] = batch.epoch;
    position.offset = stored.end;
    this.#readThrough(stored.end);
  }

  /** A dead incarnation may have completed the file of a sum. Only the journal knows. */
  async #awaitCompletion({ fileId }: Sum): Promise<void> {
    const { producer, workload, completeThrough } = this.#options;
    const fileNumber = fileNumberOf(fileId);
    if (!fileId.startsWith(producer) || Number.isNaN(fileNumber)) return;
    if (this.#completed.has(fileNumber) || this.#ledger.isVerified(fileNumber)) return;
    await completeThrough(workload.partitionOf(fileNumber));
  }

  #checkSum(
    sum: Sum,
    stampNs: number,
    witness: { journal: string; offset: number; index: number; file: string },
  ): void {
    const { workload, clock } = this.#options;
    const fileNumber = fileNumberOf(sum.fileId);
    if (Number.isNaN(fileNumber)) throw new ViolationError('phantom', 'a sum of a file that never was', witness);
    if (this.#ledger.isVerified(fileNumber)) {
      throw new ViolationError('duplicate', 'a second sum of a file that is verified', witness);
    }
    const partition = workload.partitionOf(fileNumber);
    const completed = this.#completed.get(fileNumber);
    if (completed === undefined)
      throw new ViolationError('phantom', 'a sum of a file that was never completed', witness);
    const expected = workload.expectedSum(fileNumber);
    const { lastSequence, bytes, digest } = expected;
    if (sum.digest !== digest || sum.bytes !== bytes || sum.lastSequence !== lastSequence) {
      const detail =
        `the sum ${sum.digest} of ${sum.bytes} bytes in ${sum.lastSequence} chunks ` +
        `should be ${digest} of ${bytes} in ${lastSequence}`;
      throw new ViolationError('mismatched', detail, witness);
    }
    this.#checkDelay(completed, stampNs, witness);
    this.#completed.delete(fileNumber);
    this.#ledger.verify(fileNumber);
    const { intendedNs } = completed;
    const verifiedNs = clock.nowNs();
    this.#options.onVerified({ fileNumber, partition, intendedNs, verifiedNs, chunks: lastSequence - 1, bytes });
  }

  /**
   * Delays count by the broker's stamps, so a slow or stopped verifier does not make a sum late. While it was stopped,
   * the broker and the summer may have been stopped too, so that time does not count.
   */
  #checkDelay(completed: Completed, stampNs: number, witness: { journal: string; offset: number }): void {
    const { acknowledgedNs } = completed;
    if (!completed.isStamped || stampNs === 0) return;
    const delayMs = (stampNs - acknowledgedNs) / 1e6;
    if (delayMs <= this.#options.slaMs) return;
    // A process that goes on after a stop may read sums before its timers have run.
    this.look();
    const stoppedMs = this.#stops.between(acknowledgedNs, stampNs) / 1e6;
    if (delayMs - stoppedMs <= this.#options.slaMs) return;
    const detail = `the sum came ${(delayMs / 1000).toFixed(3)} s after the end of its file was acknowledged`;
    throw new ViolationError('late', detail, witness);
  }

  /** Notes that the process runs. Called every few milliseconds, before `judge`. */
  look(): void {
    this.#stops.look(this.#options.clock.nowNs());
  }

  /**
   * Warns of the file that waits longest, and judges the files beyond the SLA: asks for the journal's head, and waits
   * until everything below it is read. Then a file is lost if its sum is still missing and it was overdue at the
   * question.
   */
  async judge(): Promise<void> {
    this.#dropVerified();
    const oldest = this.#deadlines[0];
    if (oldest === undefined || this.#isJudging) return;
    const now = this.#options.clock.nowNs();
    this.#warn(oldest, now);
    if (!this.#isOverdue(oldest, now)) return;
    this.#isJudging = true;
    const overdue = this.#deadlines.filter((completed) => this.#isOverdue(completed, now));
    const head = await this.#options.journals.head(SUMS_JOURNAL);
    await this.#untilRead(head);
    this.#isJudging = false;
    const lost = overdue.find(({ fileNumber }) => this.#completed.has(fileNumber));
    if (lost === undefined) return;
    const seconds = ((now - lost.acknowledgedNs) / 1e9).toFixed(3);
    const detail = `no sum ${seconds} s after the end of the file was acknowledged; the journal has none up to ${head}`;
    const { producer, workload } = this.#options;
    throw new ViolationError('lost', detail, {
      journal: `chunks of partition ${workload.partitionOf(lost.fileNumber)}`,
      file: fileIdOf(producer, lost.fileNumber),
      index: lost.endIndex,
    });
  }

  #warn(oldest: Completed, now: number): void {
    if (this.#warned.fileNumber !== oldest.fileNumber) this.#warned = { fileNumber: oldest.fileNumber, level: 0 };
    const seconds = (now - oldest.acknowledgedNs) / 1e9;
    let level = this.#warned.level;
    while (level < WARN_SECONDS.length && seconds >= (WARN_SECONDS[level] ?? 0)) level += 1;
    if (level === this.#warned.level) return;
    this.#warned.level = level;
    this.#options.onDelay(fileIdOf(this.#options.producer, oldest.fileNumber), seconds);
  }

  /** Time in which this process was stopped does not count. */
  #isOverdue({ acknowledgedNs }: Completed, now: number): boolean {
    // False while the end is not acknowledged: a comparison with NaN is false.
    const slaNs = this.#options.slaMs * 1e6;
    return now - acknowledgedNs > slaNs && now - acknowledgedNs - this.#stops.between(acknowledgedNs, now) > slaNs;
  }

  #dropVerified(): void {
    // While one file waits long, a schedule may verify any number of files behind it.
    if (this.#deadlines.length > 2 * this.#completed.size + LAZY_DEADLINES_MAX) {
      this.#deadlines = this.#deadlines.filter((deadline) => this.#completed.get(deadline.fileNumber) === deadline);
      return;
    }
    let verified = 0;
    for (const { fileNumber } of this.#deadlines) {
      if (this.#completed.has(fileNumber)) break;
      verified += 1;
    }
    if (verified > 0) this.#deadlines = this.#deadlines.slice(verified);
  }

  #untilRead(offset: number): Promise<void> {
    if (this.position.offset >= offset) return Promise.resolve();
    return new Promise((resolve) => this.#whenRead.push({ offset, resolve }));
  }

  #readThrough(offset: number): void {
    if (this.#whenRead.length === 0) return;
    for (const waiting of this.#whenRead) if (waiting.offset <= offset) waiting.resolve();
    this.#whenRead = this.#whenRead.filter((waiting) => waiting.offset > offset);
  }
}
