/**
 * The chunker: generates on an open-loop schedule, publishes, and verifies that a correct final sum of every file it
 * completed arrives in time. It is handed its journals, store and clock.
 *
 * Invariant: the end of generation is durable before anything is sent that depends on it; position and ledger move
 * together, and the hold only after them.
 */

import { assert } from '../core/assert.ts';
import type { Clock, Timer } from '../core/clock.ts';
import { FencedError, OperatingError } from '../core/errors.ts';
import { crc32c } from '../hash/crc32c.ts';
import { type Journals, type ReadStream, SUMS_JOURNAL, chunkJournal } from '../journal/journals.ts';
import { GroupCommit } from '../store/group-commit.ts';
import { sealBytes, sealRow } from '../store/row.ts';
import { type Store, WriteBatch } from '../store/store.ts';
import { type VerifiedFile, Verifier } from '../verifier/verifier.ts';
import type { Workload } from '../workload/workload.ts';
import { Generator } from './generator.ts';
import type { Life } from './life.ts';
import { Publisher } from './publisher.ts';
import * as records from './records.ts';
import { Schedule } from './schedule.ts';
import { Snapshots } from './snapshots.ts';

/** Completed files that may wait for their sum: at the highest rate, and when a schedule drives. */
const UNVERIFIED_FILES_MAX = 4096;
const UNVERIFIED_FILES_SCHEDULED_MAX = 1024 * 1024;
/** Records generated before others get their turn. */
const SLICE_RECORDS = 512;
/**
 * Steps that are reserved ahead of the generator: a part of a second at the highest rate, some seconds at a schedule. A
 * chunker that was killed and is told to drain ends no earlier than what its predecessor had reserved.
 */
const RESERVED_STEPS_MIN = 64;
const RESERVED_STEPS_MAX = 512 * 1024;
const RESERVED_SECONDS = 2;
const READ_CREDIT_BYTES = 4 * 1024 * 1024;
const SNAPSHOT_MS = 1_000;
const JUDGE_MS = 50;
const SAVE_MS = 250;
const HOLD_MS = 500;

export type ChunkerOptions = {
  readonly journals: Journals;
  readonly store: Store;
  readonly clock: Clock;
  readonly life: Life;
  readonly workload: Workload;
  readonly fileCount: number | null;
  /** Records a second; `null`: as fast as acknowledgements and the bound on unverified files allow. */
  readonly rate: number | null;
  readonly batchBytes: number;
  readonly slaMs: number;
  readonly events: ChunkerEvents;
};

export type CompletedFile = {
  readonly fileNumber: number;
  readonly partition: number;
  readonly endIndex: number;
  readonly intendedNs: number;
};

export type ChunkerEvents = {
  /** The end of a file was generated, as record `endIndex` of its partition; after a restart perhaps again. */
  onCompleted?(file: CompletedFile): void;
  onVerified(file: VerifiedFile): void;
  /** From a batch's first send to its acknowledgement. */
  onAcknowledged(latencyNs: number): void;
  /** How late a slice's first record was against its schedule, and so at most each of the `records` due in it. */
  onScheduleLag(lagNs: number, records: number): void;
  onDelay(fileId: string, delaySeconds: number): void;
  /** Everything is verified, ended and released. */
  onDrained(): void;
  /** It must stop. Called once. */
  onFailure(error: unknown): void;
};

export class Chunker {
  readonly #options: ChunkerOptions;
  readonly #generator: Generator;
  readonly #publisher: Publisher;
  readonly #verifier: Verifier;
  readonly #schedule: Schedule;
  readonly #snapshots: Snapshots;
  readonly #commit: GroupCommit;
  readonly #stream: ReadStream;
  /** By partition: the generator runs forward to here whatever the schedule says. */
  readonly #goals: number[];
  #whenGoal: (() => void)[] = [];
  #isRunning = false;
  #isScheduled = false;
  #isBlocked = false;
  /** The generator stops here until more is reserved, durably. */
  #reservedStep: number;
  #reservationToWrite: number | null = null;
  #isOver = false;
  #wakeTimer: Timer | null = null;
  /** A generation that must wait until the decision to end is durable. */
  #isDeciding = false;
  #wantsSnapshot = false;
  #snapshotToWrite: { slot: number; bytes: Buffer } | null = null;
  #isLedgerDirty = false;
  #scheduleToWrite: records.ScheduleRow | null;
  #endToWrite: number | null = null;
  #phase: 'ending' | 'finished' | null = null;
  #filesCompleted = 0;
  #verifiedDurable: number;
  #whenCommitFails: ((error: unknown) => void) | null = null;
  #heldOffset: number;
  #isMovingHold = false;

  constructor(options: ChunkerOptions) {
    const { life, journals, clock, workload, store } = options;
    this.#options = options;
    this.#heldOffset = life.position.offset;
    this.#reservedStep = life.reservedStep;
    this.#verifiedDurable = life.ledger.verifiedTotal;
    this.#generator = new Generator({ workload, producer: life.producer, fileCount: options.fileCount });
    this.#goals = life.journals.map(({ durable }) => durable);
    this.#snapshots = new Snapshots(life.snapshot?.slot ?? 0);
    this.#publisher = new Publisher({
      journals,
      clock,
      producer: life.producer,
      batchBytes: options.batchBytes,
      durable: this.#goals,
      events: {
        onAcknowledged: (partition, through, stampNs) => this.#acknowledged(partition, through, stampNs),
        onLatency: (latencyNs) => options.events.onAcknowledged(latencyNs),
        onEnded: (partition) => this.#ended(partition),
        onError: (error) => this.#fail(error),
      },
    });
    this.#verifier = new Verifier({
      journals,
      clock,
      checksum: crc32c,
      workload,
      producer: life.producer,
      slaMs: options.slaMs,
      ledger: life.ledger,
      position: life.position,
      completeThrough: (partition) => this.#completeThrough(partition),
      onVerified: (file) => this.#verified(file),
      onDelay: (fileId, delaySeconds) => options.events.onDelay(fileId, delaySeconds),
    });
    this.#commit = new GroupCommit({
      store,
      fill: () => this.#fill(),
      onDurable: () => this.#snapshots.durable(),
      onAnswered: () => {},
      onFatal: (error) => {
        this.#whenCommitFails?.(error);
        this.#fail(error);
      },
    });
    this.#restore();
    const { rate } = options;
    const { schedule: before, boot } = life;
    const isSame = before !== null && before.boot === boot && before.rate === rate;
    // A chunker that was killed is late by its schedule; one that was stopped, or has another rate, begins a new one.
    const kept = isSame ? before.anchorNs : null;
    const anchorNs = kept ?? Schedule.anchorAt(rate, this.#generator.step, clock.nowNs());
    this.#schedule = new Schedule({ rate, anchorNs });
    this.#scheduleToWrite = { anchorNs, rate, boot };
    this.#stream = journals.read(SUMS_JOURNAL, life.position.offset, { creditBytes: READ_CREDIT_BYTES });
  }

  get counts(): { chunks: number; bytes: number; filesCompleted: number; filesOpen: number; sumsOutstanding: number } {
    const { chunks, bytes } = this.#publisher.counts;
    return {
      chunks,
      bytes,
      filesCompleted: this.#filesCompleted,
      filesOpen: this.#generator.filesOpen,
      sumsOutstanding: this.#verifier.outstanding,
    };
  }

  /** Files durably verified over the life of the producer. */
  get verifiedTotal(): number {
    return this.#verifiedDurable;
  }

  /** Files completed over the life of the producer, once generation has ended. */
  get filesTotal(): number {
    return this.#options.life.ledger.next;
  }

  start(): void {
    if (this.#options.life.isEnding) return this.#finishEnding();
    void this.#readSums();
    this.#every(SNAPSHOT_MS, () => this.#takeSnapshot());
    this.#every(SAVE_MS, () => {
      if (this.#isLedgerDirty) this.#commit.accept();
    });
    this.#every(JUDGE_MS, () => {
      this.#verifier.judge().catch((error: unknown) => this.#fail(error));
    });
    this.#every(HOLD_MS, () => this.#moveHold());
    this.#run();
  }

  /** Opens no more files, finishes those that are open, verifies all, ends the producer. */
  drain(): void {
    if (this.#generator.endStep !== Number.POSITIVE_INFINITY || this.#isOver) return;
    this.#isDeciding = true;
    // What a dead incarnation generated, without knowing of this end, may still be on its way to a journal.
    this.#endToWrite = this.#generator.endSoon(this.#options.life.reservedStep);
    this.#commit.accept(() => {
      this.#isDeciding = false;
      this.#run();
    });
  }

  /** Graceful: sends nothing more; what is verified is durable when it resolves. The next start continues. */
  async stop(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#publisher.stop();
    this.#stream.close();
    this.#isLedgerDirty = true;
    this.#scheduleToWrite = { anchorNs: null, rate: this.#options.rate, boot: this.#options.life.boot };
    await new Promise<void>((resolve, reject) => {
      this.#whenCommitFails = reject;
      this.#commit.accept(resolve);
    });
  }

  // --- generating ---

  #restore(): void {
    const { life, clock } = this.#options;
    if (life.snapshot !== null) this.#generator.restore(life.snapshot.bytes);
    if (life.endStep !== null) this.#generator.endAt(life.endStep);
    // Completed before the snapshot, which lies below everything that is durable: their ends are in the journal. How
    // long ago is not known, so their time counts from now.
    const open = new Set(this.#generator.openFiles());
    for (const [fileNumber, intendedNs] of life.ledger.outstanding) {
      if (fileNumber >= this.#generator.nextFile || open.has(fileNumber)) continue;
      this.#verifier.completed({ fileNumber, intendedNs, endIndex: 0, acknowledgedNs: clock.nowNs() });
    }
  }

  /** Generates what is due, as far as there is room, and sees to it that it is called again. */
  #run(): void {
    if (this.#isOver || this.#isDeciding || this.#isRunning || this.#phase !== null) return;
    this.#isRunning = true;
    this.#wakeTimer?.clear();
    this.#wakeTimer = null;
    const { clock } = this.#options;
    const isBehind = this.#isBehindGoal();
    const due = this.#schedule.dueSteps(clock.nowNs());
    this.#reserve();
    const state = this.#generate(due);
    this.#publisher.flush(this.#generator);
    this.#isRunning = false;
    if (isBehind && !this.#isBehindGoal()) this.#reachedGoals();
    if (state === 'ended') return this.#maybeEnd();
    this.#isBlocked = state === 'blocked' || this.#generator.step >= this.#reservedStep;
    if (this.#isBlocked) return;
    if (this.#generator.step < due || this.#isBehindGoal()) this.#runSoon();
    else this.#wakeTimer = clock.after(this.#schedule.waitMs(this.#generator.step, clock.nowNs()), () => this.#run());
  }

  #runSoon(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#options.clock.soon(() => {
      this.#isScheduled = false;
      this.#run();
    });
  }

  /** Makes durable, ahead of the generator, how far it may come. */
  #reserve(): void {
    const { rate, clock } = this.#options;
    const wanted = rate === null ? RESERVED_STEPS_MAX : rate * RESERVED_SECONDS;
    const steps = Math.ceil(Math.min(RESERVED_STEPS_MAX, Math.max(RESERVED_STEPS_MIN, wanted)));
    if (this.#reservationToWrite !== null || this.#reservedStep - this.#generator.step > steps / 2) return;
    const through = this.#generator.step + steps;
    this.#reservationToWrite = through;
    this.#commit.accept(() => {
      this.#reservationToWrite = null;
      this.#reservedStep = through;
      if (this.#isBlocked) clock.soon(() => this.#run());
    });
  }

  /** One slice of what is due, or is in a journal already: what a journal has ahead of the schedule, and no more. */
  #generate(due: number): 'due' | 'blocked' | 'ended' {
    const { clock, events } = this.#options;
    const generator = this.#generator;
    const through = Math.min(generator.step + SLICE_RECORDS, this.#reservedStep);
    const startedNs = clock.nowNs();
    const dueNow = Math.min(due, through) - generator.step;
    if (dueNow > 0 && this.#schedule.isPaced && !this.#isBehindGoal()) {
      events.onScheduleLag(Math.max(0, startedNs - this.#schedule.intendedNs(generator.step, startedNs)), dueNow);
    }
    const unverifiedMax = this.#schedule.isPaced ? UNVERIFIED_FILES_SCHEDULED_MAX : UNVERIFIED_FILES_MAX;
    while (generator.step < through && (generator.step < due || this.#isBehindGoal())) {
      const next = generator.peek();
      if (next === null) return 'ended';
      if (next.isEnd && this.#verifier.outstanding >= unverifiedMax && !this.#isBehindGoal()) return 'blocked';
      const { step } = generator;
      const { isEnd, fileNumber, partition } = next;
      const endIndex = generator.indexes[partition] ?? 0;
      if (!this.#publisher.take(generator, next)) return 'blocked';
      if (isEnd) this.#completed(fileNumber, partition, endIndex, this.#schedule.intendedNs(step, startedNs));
      // Between two steps: the next record is not chosen yet.
      if (this.#wantsSnapshot) this.#snapshot();
    }
    return generator.isEnded ? 'ended' : 'due';
  }

  #completed(fileNumber: number, partition: number, endIndex: number, intendedNs: number): void {
    const isDurable = endIndex < this.#publisher.durableThrough(partition);
    const acknowledgedNs = isDurable ? this.#options.clock.nowNs() : null;
    this.#filesCompleted += 1;
    this.#options.events.onCompleted?.({ fileNumber, partition, endIndex, intendedNs });
    this.#verifier.completed({ fileNumber, intendedNs, endIndex, acknowledgedNs });
  }

  #isBehindGoal(): boolean {
    return this.#goals.some((goal, partition) => (this.#generator.indexes[partition] ?? 0) < goal);
  }

  #reachedGoals(): void {
    for (const resolve of this.#whenGoal.splice(0)) resolve();
  }

  /** Runs the generator forward to what the journal has of this partition. */
  async #completeThrough(partition: number): Promise<void> {
    const { journals, life } = this.#options;
    if (life.isEnding) return;
    const answer = await journals.expected(chunkJournal(partition), life.producer);
    if (answer.outcome !== 'expected') {
      if (this.#phase !== null) return;
      throw new FencedError(`producer ${life.producer} was retired in ${chunkJournal(partition)}`);
    }
    this.#goals[partition] = Math.max(this.#goals[partition] ?? 0, answer.n);
    if (!this.#isBehindGoal()) return;
    const reached = new Promise<void>((resolve) => this.#whenGoal.push(resolve));
    this.#run();
    await reached;
  }

  #acknowledged(partition: number, through: number, stampNs: number): void {
    this.#goals[partition] = Math.max(this.#goals[partition] ?? 0, this.#phase === null ? through : 0);
    this.#verifier.acknowledged(partition, through, stampNs);
    this.#snapshots.acknowledged((of) => this.#publisher.durableThrough(of));
    if (this.#phase === 'ending') this.#maybeFinish();
    else this.#runSoon();
  }

  // --- verifying ---

  async #readSums(): Promise<void> {
    try {
      for (;;) {
        const next = await this.#stream.next();
        if (next === null || this.#isOver) return;
        if ('bytes' in next) {
          await this.#verifier.check(next);
          this.#isLedgerDirty = true;
          if (this.#phase === null && this.#generator.isEnded) this.#maybeEnd();
          continue;
        }
        const detail = next.end === 'trimmed' ? `it begins at ${next.begin}` : JSON.stringify(next);
        throw new OperatingError('ERR_TRIMMED', `cannot read sums at ${this.#verifier.position.offset}: ${detail}`);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #verified(file: VerifiedFile): void {
    this.#options.events.onVerified(file);
    if (this.#isBlocked) this.#runSoon();
  }

  #moveHold(): void {
    const { journals, life } = this.#options;
    if (this.#isMovingHold || this.#phase === 'finished') return;
    this.#isMovingHold = true;
    const offset = this.#heldOffset;
    journals.moveHold(SUMS_JOURNAL, life.producer, offset).then(
      (outcome) => {
        this.#isMovingHold = false;
        if (outcome === 'missing')
          this.#fail(
            new OperatingError(
              'ERR_HOLD_EXPIRED',
              'the hold in the sums journal is gone: the chunker was absent too long, or was retired',
            ),
          );
      },
      (error: unknown) => this.#fail(error),
    );
  }

  // --- the end ---

  /** Everything is generated: when all of it is durable and verified, the producer ends. */
  #maybeEnd(): void {
    if (this.#phase !== null || this.#isOver || !this.#generator.isEnded) return;
    if (!this.#publisher.isIdle || this.#verifier.outstanding > 0) return;
    const { ledger, isEnding } = this.#options.life;
    assert(isEnding || ledger.outstanding.size === 0, 'all that was completed is verified');
    this.#sendEnds();
  }

  #sendEnds(): void {
    this.#phase = 'ending';
    this.#isLedgerDirty = true;
    this.#commit.accept(() => {
      for (const [partition, index] of this.#generator.indexes.entries()) this.#publisher.end(partition, index);
    });
  }

  /** Continues a life that had begun to end: the journals say where its end records belong. */
  #finishEnding(): void {
    const { life } = this.#options;
    this.#phase = 'ending';
    void this.#readSums();
    for (const [partition, { durable, ended }] of life.journals.entries())
      if (!ended) this.#publisher.end(partition, durable);
    this.#maybeFinish();
  }

  #ended(partition: number): void {
    // Our own end record, whose acknowledgement was lost.
    if (this.#phase === 'ending') return this.#finish(partition);
    this.#fail(new FencedError(`producer ${this.#options.life.producer} was retired in ${chunkJournal(partition)}`));
  }

  readonly #endedByAnswer = new Set<number>();

  #finish(partition: number): void {
    this.#endedByAnswer.add(partition);
    this.#maybeFinish();
  }

  #maybeFinish(): void {
    const { life, events, journals } = this.#options;
    const isDone = life.journals.every(
      ({ durable, ended }, partition) =>
        ended ||
        this.#endedByAnswer.has(partition) ||
        this.#publisher.durableThrough(partition) > this.#lastIndex(partition, durable),
    );
    if (!isDone || this.#phase !== 'ending' || this.#isOver) return;
    this.#phase = 'finished';
    this.#commit.accept(() => {
      this.#isOver = true;
      this.#stream.close();
      journals.release(SUMS_JOURNAL, life.producer).then(
        () => events.onDrained(),
        // Closed by a stop before the answer came: the next start releases again.
        (error: unknown) => (isClosed(error) ? undefined : events.onFailure(error)),
      );
    });
  }

  /** The index of the end record of a partition. */
  #lastIndex(partition: number, durable: number): number {
    return this.#options.life.isEnding ? durable : (this.#generator.indexes[partition] ?? 0);
  }

  // --- what is durable ---

  #takeSnapshot(): void {
    if (!this.#snapshots.hasRoom || this.#phase !== null) return;
    // Taken by the next slice, between two steps.
    this.#wantsSnapshot = true;
  }

  #snapshot(): void {
    this.#wantsSnapshot = false;
    const bytes = this.#generator.save();
    this.#snapshotToWrite = { slot: this.#snapshots.take(this.#generator.indexes), bytes };
    this.#commit.accept();
  }

  #fill(): WriteBatch {
    const batch = new WriteBatch();
    const { ledger } = this.#options.life;
    const put = (key: Parameters<typeof records.keyFor>[0], value: Buffer): void =>
      batch.put(records.TABLE, records.keyFor(key), value);
    ledger.cover(this.#generator.nextFile);
    // A snapshot is never newer than the ledger beside it.
    if (this.#isLedgerDirty || this.#snapshotToWrite !== null) {
      put('ledger', sealBytes(ledger.save()));
      put('position', sealRow(this.#verifier.position));
      const { offset } = this.#verifier.position;
      const { verifiedTotal } = ledger;
      this.#commit.whenDurable(() => {
        this.#verifiedDurable = verifiedTotal;
        this.#heldOffset = Math.max(this.#heldOffset, offset);
      });
      this.#isLedgerDirty = false;
    }
    if (this.#snapshotToWrite !== null)
      put(`snapshot-${this.#snapshotToWrite.slot === 0 ? 0 : 1}`, sealBytes(this.#snapshotToWrite.bytes));
    if (this.#scheduleToWrite !== null) put('schedule', sealRow(this.#scheduleToWrite));
    if (this.#endToWrite !== null) put('end', sealRow({ endStep: this.#endToWrite }));
    if (this.#reservationToWrite !== null) put('reserved', sealRow({ step: this.#reservationToWrite }));
    if (this.#phase !== null) put('phase', sealRow({ phase: this.#phase }));
    this.#snapshotToWrite = null;
    this.#endToWrite = null;
    this.#scheduleToWrite = null;
    return batch;
  }

  #every(periodMs: number, call: () => void): void {
    this.#options.clock.after(periodMs, () => {
      if (this.#isOver) return;
      call();
      this.#every(periodMs, call);
    });
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#publisher.stop();
    this.#options.events.onFailure(error);
  }
}

function isClosed(error: unknown): boolean {
  return error instanceof OperatingError && error.code === 'ERR_CLOSED';
}
