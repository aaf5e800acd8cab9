/**
 * The summer: reads the chunk journals of its shards, commits all shards in one transaction, and publishes their sums.
 *
 * A transaction starts when the previous one has ended and a file has ended. Chunks that end no file go along with it,
 * or start a transaction after at most 50 ms, so that they never delay a sum. While a transaction is on its way to
 * disk, the next batches are folded. A sum is appended only after the transaction that finished it is durable
 * (invariant 4). Any error of a commit stops the process (invariant 6).
 *
 * Rules P-FENCE-3, P-COMMIT-2, P-LOSS-6 of docs/protocol.md.
 */

import type { Clock, Timer } from '../core/clock.ts';
import { FencedError, OperatingError, UsageError } from '../core/errors.ts';
import { crc32c } from '../hash/crc32c.ts';
import { Appender } from '../journal/appender.ts';
import { type Journals, type ReadStream, SUMS_JOURNAL, type ShardEpoch } from '../journal/journals.ts';
import { BATCH_HEADER_BYTES, encodeBatch, shardProducer } from '../message/batch.ts';
import { SUM_BYTES } from '../message/sum.ts';
import { type Store, WriteBatch } from '../store/store.ts';
import { trimmedError } from './claim.ts';
import { type OutboxEntry, Shard } from './shard.ts';

/** Bytes of one shard's journal that may be under way or wait to be folded. */
const READ_CREDIT_BYTES = 4 * 1024 * 1024;
/** The most sums in one batch, where the journals accept so many. */
const BATCH_SUMS_MAX = 2048;
const SUMS_WINDOW_BATCHES = 64;
/** How long folded chunks that end no file may wait for a transaction. No sum waits for this. */
const UNFINISHED_MS = 50;
/** How often read-through offsets are reported, and how often unmoved offsets are repeated. */
const REPORT_MS = 100;
const REPORT_REPEAT_MS = 1_000;

export type SummerOptions = {
  readonly journals: Journals;
  readonly store: Store;
  readonly clock: Clock;
  readonly owners: readonly ShardEpoch[];
  /** The largest batch that the journals accept. */
  readonly batchBytesMax: number;
  /** A newer owner has this shard. The other shards go on. */
  readonly onLost?: (owner: ShardEpoch) => void;
  /** The summer must stop: a violation, a newer owner of its last shard, or a failed commit. Called once. */
  readonly onFailure: (error: unknown) => void;
};

type Reader = {
  readonly shard: Shard;
  readonly owner: ShardEpoch;
  readonly stream: ReadStream;
  readonly appender: Appender;
  /** Set while the reader waits for room in the outbox. */
  whenRoom: (() => void) | null;
  reported: number;
  reportedNs: number;
  isReporting: boolean;
  /** The shard has a newer owner: nothing more of it is published, trimmed or committed. */
  isLost: boolean;
};

export type SummerCounts = {
  chunksFolded: number;
  bytesFolded: number;
  commits: number;
  filesOpen: number;
  sumsPublished: number;
};

export class Summer {
  readonly #options: SummerOptions;
  /** Readers of the shards that the summer owns. */
  #readers: readonly Reader[] = [];
  /** Counts of the shards that it has lost. */
  readonly #lost = { chunksFolded: 0, bytesFolded: 0 };
  readonly #batchSums: number;
  #isCommitting = false;
  #isStarting = false;
  #isOver = false;
  #whenIdle: (() => void) | null = null;
  #commits = 0;
  #sumsPublished = 0;
  #timer: Timer | null = null;
  #laterTimer: Timer | null = null;

  /** Throws a UsageError when the journals accept no batch with a single sum. */
  constructor(options: SummerOptions) {
    this.#options = options;
    this.#batchSums = batchSumsOf(options.batchBytesMax);
  }

  get counts(): SummerCounts {
    const counts = {
      ...this.#lost,
      commits: this.#commits,
      filesOpen: 0,
      sumsPublished: this.#sumsPublished,
    };
    for (const { shard } of this.#readers) {
      counts.chunksFolded += shard.counts.chunksFolded;
      counts.bytesFolded += shard.counts.bytesFolded;
      counts.filesOpen += shard.filesOpen;
    }
    return counts;
  }

  /** Loads every shard from the store, publishes its outbox, and reads on. */
  start(): void {
    this.#readers = this.#options.owners.map((owner) => this.#readerOf(owner));
    for (const reader of this.#readers) {
      for (const entry of reader.shard.outbox) this.#publish(reader, entry);
      void this.#read(reader);
    }
    this.#timer = this.#options.clock.after(REPORT_MS, () => this.#report());
  }

  /** Stops gracefully: accepts nothing more, commits everything folded, and clears everything acknowledged. */
  async stop(): Promise<void> {
    this.#timer?.clear();
    this.#laterTimer?.clear();
    for (const { stream } of this.#readers) stream.close();
    if (this.#isCommitting) await new Promise<void>((resolve) => (this.#whenIdle = resolve));
    if (this.#isOver) return;
    this.#isOver = true;
    for (const { appender } of this.#readers) appender.stop();
    const batch = new WriteBatch();
    const { store, journals } = this.#options;
    for (const { shard } of this.#readers) if (shard.hasUnwritten) shard.write(batch, journals.witness);
    if (!batch.isEmpty) await store.commit(batch.writes);
  }

  #readerOf(owner: ShardEpoch): Reader {
    const { journals, store, clock } = this.#options;
    const shard = new Shard(owner.shard, store);
    const reader: Reader = {
      shard,
      owner,
      stream: journals.read(shard.journal, shard.offset, { creditBytes: READ_CREDIT_BYTES, owner }),
      appender: new Appender({
        journals,
        clock,
        journal: SUMS_JOURNAL,
        producer: shardProducer(owner.shard),
        owner,
        acknowledged: shard.outbox[0]?.first ?? shard.nextSum,
        windowBatches: SUMS_WINDOW_BATCHES,
        events: {
          onAcknowledged: (through) => this.#acknowledged(reader, through),
          onFenced: () => this.#fenced(reader),
          onEnded: () => this.#fail(new OperatingError('ERR_ENDED', `the producer of shard ${owner.shard} has ended`)),
          onError: (error) => this.#fail(error),
        },
      }),
      whenRoom: null,
      reported: -1,
      reportedNs: 0,
      isReporting: false,
      isLost: false,
    };
    return reader;
  }

  async #read(reader: Reader): Promise<void> {
    const { shard, stream } = reader;
    try {
      for (;;) {
        if (!shard.hasRoom) await new Promise<void>((resolve) => (reader.whenRoom = resolve));
        const next = await stream.next();
        if (next === null || this.#isOver || reader.isLost) return;
        if ('bytes' in next) {
          shard.fold(next);
          if (shard.hasFinished) this.#commitSoon();
          else this.#commitLater();
          continue;
        }
        if (next.end === 'fenced') return this.#fenced(reader);
        if (next.end === 'trimmed') throw trimmedError(shard.journal, shard.offset, next.begin);
        if (next.end === 'rejected')
          throw new OperatingError('ERR_READ_REJECTED', `cannot read ${shard.journal}: ${next.reason}`);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  /**
   * Starts a transaction later, for chunks that end no file, because nobody waits for them. An earlier transaction
   * includes them.
   */
  #commitLater(): void {
    if (this.#laterTimer !== null || this.#isOver) return;
    this.#laterTimer = this.#options.clock.after(UNFINISHED_MS, () => {
      this.#laterTimer = null;
      this.#commit();
    });
  }

  /** Starts a transaction after everything that has arrived in this turn is folded. */
  #commitSoon(): void {
    if (this.#isStarting || this.#isCommitting) return;
    this.#isStarting = true;
    this.#options.clock.soon(() => {
      this.#isStarting = false;
      this.#commit();
    });
  }

  /** Starts a transaction unless one is under way or nothing has changed. */
  #commit(): void {
    if (this.#isCommitting || this.#isOver) return;
    const dirty = this.#readers.filter(({ shard }) => shard.isDirty);
    if (dirty.length === 0) return;
    this.#isCommitting = true;
    const batch = new WriteBatch();
    const { store, journals } = this.#options;
    for (const { shard } of dirty) shard.write(batch, journals.witness);
    store.commit(batch.writes).then(
      () => this.#committed(dirty),
      (error: unknown) => this.#fail(error),
    );
  }

  #committed(readers: readonly Reader[]): void {
    this.#isCommitting = false;
    this.#commits += 1;
    const finished = readers.map((reader) => ({ reader, entry: reader.shard.committed() }));
    if (this.#whenIdle !== null) return this.#whenIdle();
    if (this.#isOver) return;
    if (this.#readers.some(({ shard }) => shard.hasFinished)) this.#commit();
    else if (this.#readers.some(({ shard }) => shard.isDirty)) this.#commitLater();
    for (const { reader, entry } of finished) if (entry !== null && !reader.isLost) this.#publish(reader, entry);
  }

  #publish({ owner, appender }: Reader, entry: OutboxEntry): void {
    for (let done = 0; done < entry.count; done += this.#batchSums) {
      const count = Math.min(this.#batchSums, entry.count - done);
      const first = entry.first + done;
      const header = {
        kind: 'sums',
        producer: shardProducer(owner.shard),
        firstIndex: first,
        count,
        epoch: owner.epoch,
      } as const;
      const sums = entry.sums.subarray(done * SUM_BYTES, (done + count) * SUM_BYTES);
      appender.push({ first, count, bytes: encodeBatch(header, sums, SUMS_JOURNAL, crc32c) });
    }
  }

  #acknowledged(reader: Reader, through: number): void {
    this.#sumsPublished += reader.shard.acknowledged(through);
    if (reader.shard.hasRoom) wake(reader);
    if (reader.shard.mustClear) this.#commit();
  }

  #report(): void {
    const { clock, journals } = this.#options;
    const now = clock.nowNs();
    for (const reader of this.#readers) {
      const offset = reader.shard.durableOffset;
      if (reader.isReporting) continue;
      if (offset === reader.reported && now - reader.reportedNs < REPORT_REPEAT_MS * 1e6) continue;
      reader.reported = offset;
      reader.reportedNs = now;
      reader.isReporting = true;
      journals.report(reader.owner, offset).then(
        (outcome) => {
          reader.isReporting = false;
          if (outcome === 'fenced') this.#fenced(reader);
        },
        (error: unknown) => this.#fail(error),
      );
    }
    this.#timer = clock.after(REPORT_MS, () => this.#report());
  }

  /** The commit under way has found a newer owner of the shard, and wrote nothing of it. */
  fenced(shard: number): void {
    const reader = this.#readers.find(({ owner }) => owner.shard === shard);
    if (reader !== undefined) this.#fenced(reader);
  }

  /** Drops a shard at once. A commit under way may still write it, as can happen when its process is only stopped. */
  #fenced(reader: Reader): void {
    if (reader.isLost || this.#isOver) return;
    const { shard, owner, appender, stream } = reader;
    const others = this.#readers.filter((other) => other !== reader);
    if (others.length === 0)
      return this.#fail(new FencedError(`shard ${owner.shard} has a newer owner than epoch ${owner.epoch}`));
    reader.isLost = true;
    this.#readers = others;
    this.#lost.chunksFolded += shard.counts.chunksFolded;
    this.#lost.bytesFolded += shard.counts.bytesFolded;
    appender.stop();
    stream.close();
    wake(reader);
    this.#options.onLost?.(owner);
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer?.clear();
    this.#laterTimer?.clear();
    for (const { appender, stream } of this.#readers) {
      appender.stop();
      stream.close();
    }
    this.#options.onFailure(error);
  }
}

/** Lets the reader go on when it waits for room in the outbox. */
function wake(reader: Reader): void {
  const { whenRoom } = reader;
  reader.whenRoom = null;
  whenRoom?.();
}

/** The number of sums that fit into one batch. */
function batchSumsOf(batchBytesMax: number): number {
  if (batchBytesMax < BATCH_HEADER_BYTES + SUM_BYTES) {
    throw new UsageError(
      `the journals take batches of at most ${batchBytesMax} bytes, ` +
        `and a batch with one sum has ${BATCH_HEADER_BYTES + SUM_BYTES}`,
    );
  }
  return Math.min(BATCH_SUMS_MAX, Math.floor((batchBytesMax - BATCH_HEADER_BYTES) / SUM_BYTES));
}
