/**
 * A chunker on a bench: it runs on a clock that the test moves, a store in memory and fake journals. It can be killed
 * at any moment and started again on the durable state. Each start is one incarnation.
 */

import { assert } from '../../core/assert.ts';
import type { Clock, Timer } from '../../core/clock.ts';
import { ManualClock } from '../../core/testing/manual-clock.ts';
import { type Batch, encodeBatch } from '../../message/batch.ts';
import { encodeChunk } from '../../message/chunk.ts';
import { SUMS_JOURNAL, chunkJournal } from '../../journal/journals.ts';
import { type Gate, MemoryStore } from '../../store/testing/memory-store.ts';
import type { VerifiedFile } from '../../verifier/verifier.ts';
import { Workload, type WorkloadOptions } from '../../workload/workload.ts';
import { crc32c } from '../../hash/crc32c.ts';
import { Chunker } from '../chunker.ts';
import { Generator } from '../stream/generator.ts';
import { type Life, beginLife } from '../life/life.ts';
import { isEndRow, isReservedRow, readRow } from '../rows/records.ts';
import { type FakeConnection, FakeJournals } from './fake-journals.ts';
import { FakeSummer } from './fake-summer.ts';

export type BenchOptions = {
  readonly workload?: Partial<WorkloadOptions>;
  readonly fileCount?: number | null;
  readonly rate?: number | null;
  readonly batchBytes?: number;
};

/** One append as it was sent, whatever became of it. */
export type Sent = {
  readonly partition: number;
  readonly kind: Batch['kind'];
  readonly producer: string;
  readonly firstIndex: number;
  readonly count: number;
  /** The end step that was durable in the store when the append was sent. */
  readonly endStep: number | null;
  readonly reservedStep: number;
};

/** A clock that stops with its process. */
class MortalClock implements Clock {
  readonly #clock: Clock;
  #isDead = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  kill(): void {
    this.#isDead = true;
  }

  nowNs(): number {
    return this.#clock.nowNs();
  }

  after(delayMs: number, call: () => void): Timer {
    return this.#clock.after(delayMs, () => this.#alive(call));
  }

  soon(call: () => void): void {
    this.#clock.soon(() => this.#alive(call));
  }

  #alive(call: () => void): void {
    if (!this.#isDead) call();
  }
}

type Incarnation = {
  readonly clock: MortalClock;
  readonly connection: FakeConnection;
  readonly number: number;
  life: Life | null;
  chunker: Chunker | null;
};

export class ChunkerBench {
  readonly clock: ManualClock = new ManualClock();
  readonly workload: Workload;
  readonly journals: FakeJournals;
  readonly summer: FakeSummer;
  readonly options: Required<Pick<BenchOptions, 'fileCount'>>;
  store: MemoryStore = new MemoryStore('/chunker');
  /** Called before each commit of every incarnation; throwing fails the commit. */
  gate: (commit: Parameters<Gate>[0]) => Promise<void> | void = () => {};
  /** The boot of the incarnations that start from here on. */
  boot = 'boot-1';
  rate: number | null;
  batchBytes: number;
  /** Every verdict of every incarnation. */
  readonly verdicts: VerifiedFile[] = [];
  readonly failures: unknown[] = [];
  readonly sent: Sent[] = [];
  readonly delays: number[] = [];
  /** How often the chunker said that all is drained, and how often it was durable that this was said. */
  said = 0;
  drained = 0;
  /** Drains every incarnation, as its supervisor would. */
  wantsDrain = false;
  #current: Incarnation | null = null;
  #incarnations = 0;

  constructor(options: BenchOptions = {}) {
    this.workload = new Workload({
      seed: 3,
      chunkerNumber: 0,
      filesOpen: 4,
      chunks: { low: 0, high: 5 },
      chunkBytes: { low: 1, high: 40 },
      partitions: 2,
      ...options.workload,
    });
    this.options = {
      fileCount: options.fileCount === undefined ? 10 : options.fileCount,
    };
    this.rate = options.rate ?? null;
    this.batchBytes = options.batchBytes ?? 400;
    this.journals = new FakeJournals(this.workload.options.partitions, this.clock);
    this.summer = new FakeSummer(this.journals);
    this.journals.onAppend = (journal, batch) => {
      this.#note(journal, batch);
      return null;
    };
  }

  /** File numbers, in the order of the verdicts. */
  get verified(): number[] {
    return this.verdicts.map(({ fileNumber }) => fileNumber);
  }

  get incarnations(): number {
    return this.#incarnations;
  }

  get chunker(): Chunker {
    const chunker = this.#current?.chunker ?? null;
    assert(chunker !== null, 'a chunker runs');
    return chunker;
  }

  get life(): Life {
    const life = this.#current?.life ?? null;
    assert(life !== null, 'a life has begun');
    return life;
  }

  get isRunning(): boolean {
    return this.#current?.chunker != null;
  }

  /** Decides the fate of appends; every append is noted all the same. */
  set fate(decide: FakeJournals['onAppend']) {
    this.journals.onAppend = (journal, batch) => {
      this.#note(journal, batch);
      return decide(journal, batch);
    };
  }

  #note(journal: string, { kind, producer, firstIndex, count }: Batch): void {
    this.sent.push({
      partition: Number(journal.slice(-3)),
      kind,
      producer,
      firstIndex,
      count,
      endStep: this.durableEndStep(),
      reservedStep: readRow(this.store, 'reserved', isReservedRow)?.step ?? 0,
    });
  }

  durableEndStep(): number | null {
    return readRow(this.store, 'end', isEndRow)?.endStep ?? null;
  }

  /** Starts the process, and notes what ends it. */
  start(options: { workload?: Workload; fileCount?: number | null } = {}): void {
    assert(this.#current === null, 'one process at a time');
    this.#incarnations += 1;
    const incarnation: Incarnation = {
      clock: new MortalClock(this.clock),
      connection: this.journals.connect(),
      number: this.#incarnations,
      life: null,
      chunker: null,
    };
    this.#current = incarnation;
    this.store.gate = (commit) => this.gate(commit);
    this.#live(incarnation, options).catch((error: unknown) => this.#fail(incarnation, error));
  }

  async #live(
    incarnation: Incarnation,
    {
      workload = this.workload,
      fileCount = this.options.fileCount,
    }: { workload?: Workload; fileCount?: number | null },
  ): Promise<void> {
    const { clock, connection, number } = incarnation;
    const { store } = this;
    const life = await beginLife({
      store,
      journals: connection,
      workload: workload.options,
      fileCount,
      newProducer: () => (0x8000_0000 + number).toString(16).padEnd(16, '0'),
      boot: this.boot,
    });
    incarnation.life = life;
    const isCurrent = (): boolean => this.#current === incarnation;
    const chunker = new Chunker({
      journals: connection,
      store,
      clock,
      life,
      workload,
      fileCount,
      rate: this.rate,
      batchBytes: this.batchBytes,
      slaMs: 30_000,
      events: {
        onVerified: (file) => isCurrent() && this.verdicts.push(file),
        onAcknowledged: () => {},
        onScheduleLag: () => {},
        onDelay: (_file, seconds) => this.delays.push(seconds),
        onDrained: () => {
          if (isCurrent()) this.said += 1;
        },
        onTold: () => {
          if (isCurrent()) this.drained += 1;
        },
        onFailure: (error) => this.#fail(incarnation, error),
      },
    });
    incarnation.chunker = chunker;
    chunker.start();
    if (this.wantsDrain && !life.isEnding) chunker.drain();
  }

  #fail(incarnation: Incarnation, error: unknown): void {
    if (this.#current === incarnation) this.failures.push(error);
  }

  drain(): void {
    this.wantsDrain = true;
    this.#current?.chunker?.drain();
  }

  /** kill -9. */
  kill(commitUnderWay: 'lost' | 'durable' = 'lost'): void {
    const incarnation = this.#current;
    assert(incarnation !== null, 'a process runs');
    incarnation.clock.kill();
    incarnation.connection.kill();
    this.#current = null;
    this.store = this.store.crash(commitUnderWay);
  }

  restart(commitUnderWay: 'lost' | 'durable' = 'lost'): void {
    this.kill(commitUnderWay);
    this.start();
  }

  /** Waits until the chunker is drained; throws its failure. */
  async untilDrained(limitMs?: number): Promise<void> {
    await this.clock.until(() => this.drained > 0 || this.failures.length > 0, limitMs);
    if (this.failures.length > 0) throw this.failures[0];
  }

  async untilFailed(limitMs?: number): Promise<unknown> {
    await this.clock.until(() => this.failures.length > 0, limitMs);
    return this.failures[0];
  }

  /** The stream of a producer as a pure function: its records by partition, and the step of each. */
  pureStream(producer: string, endStep: number | null): { record: string; step: number }[][] {
    const generator = new Generator({ workload: this.workload, producer, fileCount: this.options.fileCount });
    if (endStep !== null) generator.endAt(endStep);
    const partitions: { record: string; step: number }[][] = this.#eachPartition(() => []);
    for (let next = generator.peek(); next !== null; next = generator.peek()) {
      const { partition, recordBytes } = next;
      const { step } = generator;
      const record = Buffer.alloc(recordBytes);
      generator.write(new DataView(record.buffer, record.byteOffset, record.length), 0);
      partitions[partition]?.push({ record: record.toString('hex'), step });
    }
    return partitions;
  }

  /** What the journals hold of a producer, by partition. */
  journalStream(producer: string): string[][] {
    return this.#eachPartition((partition) =>
      this.journals
        .journal(chunkJournal(partition))
        .chunksOf(producer)
        .map((chunk) => encodeChunk(chunk).toString('hex')),
    );
  }

  #eachPartition<T>(make: (partition: number) => T): T[] {
    return Array.from({ length: this.workload.options.partitions }, (_, partition) => make(partition));
  }

  /** Whether the producer has ended in every partition. */
  hasEnded(producer: string): boolean {
    return this.#eachPartition((partition) => this.journals.journal(chunkJournal(partition)).producer(producer)).every(
      ({ ended }) => ended,
    );
  }

  /** Makes the journal forget a producer's records from `n` on, like a broker that loses acknowledged records. */
  loseFrom(partition: number, producer: string, n: number): void {
    const journal = this.journals.journal(chunkJournal(partition));
    const kept = journal.chunksOf(producer).slice(0, n);
    const header = { kind: 'chunks', producer, firstIndex: 0, count: kept.length, epoch: 0 } as const;
    journal.batches = [];
    journal.producer(producer).next = n;
    if (n > 0) journal.store(encodeBatch(header, Buffer.concat(kept.map(encodeChunk)), journal.name, crc32c), 1);
  }

  get pin(): number | undefined {
    return this.journals.journal(SUMS_JOURNAL).pins.get(this.life.producer);
  }
}
