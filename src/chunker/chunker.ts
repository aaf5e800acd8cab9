/**
 * The chunker: generates on an open-loop schedule, publishes, and verifies that a correct final sum of every file that
 * it completed arrives in time. It is handed its journals, store and clock.
 *
 * Invariants: the end of generation is durable before anything is sent that depends on it. Position and ledger move
 * together, and the pin moves only after them.
 */

import type { Clock } from '../core/clock.ts';
import { FencedError, type OperatingError } from '../core/errors.ts';
import { crc32c } from '../hash/crc32c.ts';
import { type Journals, type StoredBatch, chunkJournal } from '../journal/journals.ts';
import type { Store } from '../store/store.ts';
import { type VerifiedFile, Verifier } from '../verifier/verifier.ts';
import type { Workload } from '../workload/workload.ts';
import { DurableRows } from './rows/durable-rows.ts';
import { Ending } from './life/ending.ts';
import type { ChunkerEvents } from './events.ts';
import { Generator } from './stream/generator.ts';
import { whyGone } from './life/gone.ts';
import { type Life, keptAnchor } from './life/life.ts';
import { restoreLife } from './life/restore-life.ts';
import { Past } from './stream/past.ts';
import { Publisher } from './stream/publisher.ts';
import { Schedule, stepsToReserve } from './stream/schedule.ts';
import { Snapshots } from './stream/snapshots.ts';
import { type TurnEnd, Turns } from './stream/turns.ts';
import { SumsPin } from './sums/sums-pin.ts';
import { SumsReader } from './sums/sums-reader.ts';

/** The most completed files that wait for their sum, at the highest rate and on a schedule. */
const UNVERIFIED_FILES_MAX = 4096;
const UNVERIFIED_FILES_SCHEDULED_MAX = 1024 * 1024;
/** The most records in a slice, before other work gets its turn. */
const SLICE_RECORDS = 512;
const SNAPSHOT_MS = 1_000;
const JUDGE_MS = 50;
const SAVE_MS = 250;
const PIN_MS = 500;

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

export class Chunker {
  readonly #options: ChunkerOptions;
  readonly #generator: Generator;
  readonly #publisher: Publisher;
  readonly #verifier: Verifier;
  readonly #schedule: Schedule;
  readonly #snapshots: Snapshots;
  readonly #rows: DurableRows;
  readonly #ending: Ending;
  readonly #pin: SumsPin;
  readonly #sums: SumsReader;
  readonly #past: Past;
  readonly #turns: Turns;
  #filesCompleted = 0;

  constructor(options: ChunkerOptions) {
    const { life, journals, clock, workload, store } = options;
    this.#options = options;
    this.#turns = new Turns({ clock, take: () => this.#turn() });
    this.#generator = new Generator({ workload, producer: life.producer, fileCount: options.fileCount });
    const durable = life.journals.map((journal) => journal.durable);
    this.#snapshots = new Snapshots(life.snapshot?.slot ?? 0);
    this.#publisher = new Publisher({
      journals,
      clock,
      producer: life.producer,
      batchBytes: options.batchBytes,
      durable,
      events: {
        onAcknowledged: (partition, through, stampNs) => this.#acknowledged(partition, through, stampNs),
        onLatency: (latencyNs) => options.events.onAcknowledged(latencyNs),
        onEnded: (partition, n) => this.#ended(partition, n),
        onError: (error) => this.#fail(error),
      },
    });
    this.#past = new Past({
      producer: life.producer,
      clock,
      generator: this.#generator,
      publisher: this.#publisher,
      durable,
      reservedStep: life.reservedStep,
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
    restoreLife({ life, generator: this.#generator, verifier: this.#verifier, nowNs: clock.nowNs() });
    const { rate } = options;
    const anchorNs = keptAnchor(life, rate) ?? Schedule.anchorAt(rate, this.#generator.step, clock.nowNs());
    this.#schedule = new Schedule({ rate, anchorNs });
    this.#rows = new DurableRows({
      store,
      life,
      schedule: { anchorNs, rate, boot: life.boot },
      nextFile: () => this.#generator.nextFile,
      position: () => this.#verifier.position,
      witness: () => journals.witness,
      onDurable: () => this.#snapshots.durable(),
      onFatal: (error) => (this.#ending.phase === 'finished' ? options.events.onFailure(error) : this.#fail(error)),
    });
    this.#ending = new Ending({
      life,
      journals,
      generator: this.#generator,
      publisher: this.#publisher,
      verifier: this.#verifier,
      rows: this.#rows,
      isOver: () => this.#turns.isOver,
      onBegun: () => this.#turns.beginEnding(),
      onFinished: () => {
        this.#turns.close();
        this.#sums.close();
      },
      onReleased: () => options.events.onDrained(),
      onTold: () => options.events.onTold(),
      onFailure: (error) => options.events.onFailure(error),
    });
    this.#pin = new SumsPin({
      journals,
      clock,
      producer: life.producer,
      events: { onGone: (error) => this.#gone(error), onFailure: (error) => this.#fail(error) },
    });
    this.#sums = new SumsReader({
      journals,
      producer: life.producer,
      offset: life.position.offset,
      isOver: () => this.#turns.isOver,
      check: (batch) => this.#checkSums(batch),
      onGone: (error) => this.#gone(error),
      onError: (error) => this.#fail(error),
    });
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

  /** Batches of chunks that were sent and are not known to be durable. */
  get batchesUnderWay(): number {
    return this.#publisher.batchesUnderWay;
  }

  /** By partition: the index below which all records are known to be durable. */
  get acknowledged(): number[] {
    return this.#options.life.journals.map((_, partition) => this.#publisher.durableThrough(partition));
  }

  /** Files durably verified over the life of the producer. */
  get verifiedTotal(): number {
    return this.#rows.verifiedTotal;
  }

  /** Files completed over the life of the producer, once generation has ended. */
  get filesTotal(): number {
    return this.#options.life.ledger.next;
  }

  start(): void {
    const { endStep } = this.#options.life;
    if (endStep !== null) this.#options.events.onEnding?.(endStep);
    if (this.#options.life.isFinished) return this.#ending.resumeFinished();
    this.#sums.start();
    if (this.#options.life.isEnding) return this.#resumeEnding();
    const foreign = this.#past.judge();
    if (foreign !== null) return this.#fail(foreign);
    // The next slice takes the snapshot, between two steps.
    this.#every(SNAPSHOT_MS, () => this.#snapshots.want());
    this.#every(SAVE_MS, () => this.#rows.saveLedger());
    this.#every(JUDGE_MS, () => {
      this.#verifier.look();
      this.#verifier.judge().catch((error: unknown) => this.#fail(error));
    });
    this.#every(PIN_MS, () => {
      if (this.#ending.phase !== 'finished') this.#pin.move(this.#rows.offset);
    });
    this.#turns.now();
  }

  /** Opens no more files, finishes the open ones, verifies all, and ends the producer. */
  drain(): void {
    if (this.#generator.endStep !== Number.POSITIVE_INFINITY || this.#turns.isOver) return;
    this.#turns.decide();
    // Records that a dead incarnation generated, without knowing of this end, may still be on their way to a journal.
    const endStep = this.#generator.endSoon(this.#options.life.reservedStep);
    this.#rows.writeEnd(endStep, () => {
      this.#options.events.onEnding?.(endStep);
      this.#turns.decided();
    });
  }

  /**
   * Stops gracefully: sends nothing more, and resolves when everything verified is durable. The next start continues.
   */
  async stop(): Promise<void> {
    if (this.#turns.isOver) return this.#ending.settled;
    this.#turns.close();
    this.#publisher.stop();
    this.#sums.close();
    const { rate, life } = this.#options;
    await this.#rows.close({ anchorNs: null, rate, boot: life.boot });
    await this.#pin.leave(this.#rows.offset);
    // The end may have been under way. Its release was sent before the leave, and may have been answered meanwhile.
    await this.#ending.settled;
  }

  // --- generating ---

  /** Generates due records, as far as there is room. */
  #turn(): TurnEnd {
    const { clock } = this.#options;
    const due = this.#schedule.dueSteps(clock.nowNs());
    this.#reserve();
    const sliceEnd = this.#generate(due);
    const foreign = this.#past.judge();
    if (foreign !== null) {
      this.#fail(foreign);
      return 'blocked';
    }
    // A slice can end where the reservation ends, and send nothing whose acknowledgement would bring the next slice.
    if (sliceEnd !== 'ended' && this.#generator.step >= this.#rows.reservedStep) this.#reserve();
    this.#publisher.flush();
    // The end waits for acknowledgements and sums, like a generator without room.
    if (sliceEnd === 'ended') this.#ending.maybeBegin();
    if (sliceEnd !== 'due' || this.#generator.step >= this.#rows.reservedStep) return 'blocked';
    if (this.#generator.step < due || this.#past.isAhead) return 'more';
    return { waitMs: this.#schedule.waitMs(this.#generator.step, clock.nowNs()) };
  }

  /** Reserves durably, ahead of the generator, how far it may come. */
  #reserve(): void {
    const { rate } = this.#options;
    const steps = stepsToReserve(rate);
    if (this.#rows.isReserving || this.#rows.reservedStep - this.#generator.step > steps / 2) return;
    this.#rows.reserve(this.#generator.step + steps, () => this.#turns.roomMade());
  }

  /** Generates one slice: records that are due, or that a journal already has ahead of the schedule. */
  #generate(due: number): 'due' | 'blocked' | 'ended' {
    const { clock, events } = this.#options;
    const generator = this.#generator;
    const through = Math.min(generator.step + SLICE_RECORDS, this.#rows.reservedStep);
    const startedNs = clock.nowNs();
    const dueNow = Math.min(due, through) - generator.step;
    if (dueNow > 0 && this.#schedule.isPaced && !this.#past.isAhead) {
      events.onScheduleLag(Math.max(0, startedNs - this.#schedule.intendedNs(generator.step, startedNs)), dueNow);
    }
    let isSnapshotDue = this.#snapshots.isWanted;
    const unverifiedMax = this.#schedule.isPaced ? UNVERIFIED_FILES_SCHEDULED_MAX : UNVERIFIED_FILES_MAX;
    while (generator.step < through && (generator.step < due || this.#past.isAhead)) {
      const next = generator.peek();
      if (next === null) return 'ended';
      if (next.isEnd && this.#verifier.outstanding >= unverifiedMax && !this.#past.isAhead) return 'blocked';
      const { step } = generator;
      const { isEnd, fileNumber, partition } = next;
      const index = generator.indexes[partition] ?? 0;
      if (this.#publisher.passDurable(partition, index)) generator.skip();
      else {
        const place = this.#publisher.place(next, index);
        if (place === null) return 'blocked';
        generator.write(place.view, place.offset);
      }
      if (isEnd) this.#completed(fileNumber, partition, index, this.#schedule.intendedNs(step, startedNs));
      // Between two steps: the next record is not chosen yet.
      if (isSnapshotDue) this.#snapshot();
      isSnapshotDue = false;
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

  /**
   * Tells the verifier of every file that has ended in the partition's journal by now, whichever process sent its end.
   */
  async #completeThrough(partition: number): Promise<void> {
    const { journals, life, clock } = this.#options;
    if (life.isEnding) return;
    const answer = await journals.expected(chunkJournal(partition), life.producer);
    if (answer.outcome !== 'expected') {
      if (this.#ending.phase !== null) return;
      throw new FencedError(`producer ${life.producer} was retired in ${chunkJournal(partition)}`);
    }
    const acknowledgedNs = clock.nowNs();
    await this.#past.completeThrough(partition, answer.n, ({ fileNumber, endIndex, step }) => {
      const intendedNs = this.#schedule.intendedNs(step, acknowledgedNs);
      this.#verifier.completed({ fileNumber, intendedNs, endIndex, acknowledgedNs });
    });
    if (this.#past.isAhead) this.#turns.soon();
  }

  #acknowledged(partition: number, through: number, stampNs: number): void {
    if (this.#ending.phase === null) this.#past.reach(partition, through);
    this.#verifier.acknowledged(partition, through, stampNs);
    this.#snapshots.acknowledged((of) => this.#publisher.durableThrough(of));
    if (this.#ending.phase === 'ending') this.#ending.maybeFinish();
    else this.#turns.soon();
  }

  // --- verifying ---

  async #checkSums(batch: StoredBatch): Promise<void> {
    await this.#verifier.check(batch);
    this.#rows.ledgerChanged();
    if (this.#ending.phase === null && this.#generator.isEnded) this.#ending.maybeBegin();
  }

  #verified(file: VerifiedFile): void {
    this.#options.events.onVerified(file);
    this.#turns.roomMade();
  }

  // --- the end ---

  #resumeEnding(): void {
    try {
      this.#ending.resume();
    } catch (error) {
      this.#fail(error);
    }
  }

  #ended(partition: number, n: number): void {
    // Our own end record, whose acknowledgement was lost.
    if (this.#ending.phase === 'ending') return this.#ending.answeredEnded(partition, n);
    this.#fail(new FencedError(`producer ${this.#options.life.producer} was retired in ${chunkJournal(partition)}`));
  }

  // --- what is durable ---

  #snapshot(): void {
    this.#rows.writeSnapshot(this.#snapshots.take(this.#generator.indexes), this.#generator.save());
  }

  #every(periodMs: number, call: () => void): void {
    this.#options.clock.after(periodMs, () => {
      if (this.#turns.isOver) return;
      call();
      this.#every(periodMs, call);
    });
  }

  /** The broker has dropped what it kept for this producer. A chunker that is ending no longer needs it. */
  #gone(error: OperatingError): void {
    if (this.#ending.phase !== null) return;
    const why = whyGone(this.#options.journals, this.#options.life, error).catch(() => error);
    void why.then((found) => this.#fail(found));
  }

  #fail(error: unknown): void {
    if (this.#turns.isOver) return;
    this.#turns.close();
    this.#publisher.stop();
    this.#options.events.onFailure(error);
  }
}
