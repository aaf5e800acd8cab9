/**
 * Journals in memory with the broker's index rule, for a chunker under test. Appends can be lost, stay unanswered, be
 * refused or arrive late, clients can die, and the test publishes the sums.
 */

import { assert } from '../../core/assert.ts';
import type { Clock } from '../../core/clock.ts';
import { crc32c } from '../../hash/crc32c.ts';
import {
  type AppendOutcome,
  type ExpectedOutcome,
  type PinOutcome,
  type Journals,
  type JournalsInfo,
  type ReadStream,
  SUMS_JOURNAL,
  type StoredBatch,
  chunkJournal,
} from '../../journal/journals.ts';
import { type Batch, decodeBatch, encodeBatch, shardProducer } from '../../message/batch.ts';
import { type Chunk, decodeChunks } from '../../message/chunk.ts';
import { type Sum, encodeSum } from '../../message/sum.ts';

/**
 * The fate of an append: it is lost; it is appended but its answer is lost; there is no room; or it arrives after
 * `lateMs` milliseconds, even if its sender is dead by then.
 */
export type AppendFault = 'lost' | 'unanswered' | 'refused' | { readonly lateMs: number };

const RECONNECT_MS = 5;

type Producer = { next: number; ended: boolean };

export class FakeJournal {
  readonly name: string;
  batches: StoredBatch[] = [];
  head = 0;
  /** Everything below this offset was trimmed. */
  begin = 0;
  readonly producers: Map<string, Producer> = new Map();
  readonly pins: Map<string, number> = new Map();
  readonly #byBegin = new Map<number, StoredBatch>();
  readonly #waiting: (() => void)[] = [];

  constructor(name: string) {
    this.name = name;
  }

  producer(id: string): Producer {
    const known = this.producers.get(id) ?? { next: 0, ended: false };
    this.producers.set(id, known);
    return known;
  }

  store(bytes: Uint8Array, stampNs: number): StoredBatch {
    const stored = { begin: this.head, end: this.head + bytes.length, stampNs, bytes: Buffer.from(bytes) };
    this.batches.push(stored);
    this.#byBegin.set(stored.begin, stored);
    this.head = stored.end;
    for (const call of this.#waiting.splice(0)) call();
    return stored;
  }

  at(begin: number): StoredBatch | undefined {
    return this.#byBegin.get(begin);
  }

  /** Calls when something was stored. */
  whenStored(call: () => void): void {
    this.#waiting.push(call);
  }

  /** The records of a producer, in the order of their indexes; an index that is there twice is an error. */
  chunksOf(producer: string): Chunk[] {
    const chunks: Chunk[] = [];
    for (const { bytes } of this.batches) {
      const batch = decodeBatch(bytes, this.name, crc32c);
      assert(!('fault' in batch), 'a journal holds sound batches');
      if (batch.producer !== producer || batch.kind !== 'chunks') continue;
      assert(batch.firstIndex === chunks.length, 'indexes are dense');
      chunks.push(...(decodeChunks(batch.payload) ?? []));
    }
    return chunks;
  }
}

export class FakeJournals {
  readonly partitions: number;
  readonly clock: Clock;
  readonly #journals = new Map<string, FakeJournal>();
  /** Called at each append, before anything else. */
  onAppend: (journal: string, batch: Batch) => AppendFault | null = () => null;
  /** Called when a batch of chunks, or the end of a producer, was appended. */
  onAppended: (partition: number, batch: Batch) => void = () => {};
  /** Pins that were asked to be released, and were released, in order. */
  readonly released: string[] = [];
  /** No request is answered any more. */
  isSilent = false;
  /** How long an answer is on its way. */
  answerMs = 0;
  /** Pins whose readers took leave, in order. */
  readonly left: string[] = [];

  constructor(partitions: number, clock: Clock) {
    this.partitions = partitions;
    this.clock = clock;
    for (const name of [SUMS_JOURNAL, ...Array.from({ length: partitions }, (_, at) => chunkJournal(at))]) {
      this.#journals.set(name, new FakeJournal(name));
    }
  }

  journal(name: string): FakeJournal {
    const journal = this.#journals.get(name);
    assert(journal !== undefined, `no journal ${name}`);
    return journal;
  }

  get sums(): FakeJournal {
    return this.journal(SUMS_JOURNAL);
  }

  /** Appends sums of a partition's shard. */
  publish(partition: number, sums: readonly Sum[]): void {
    if (sums.length === 0) return;
    const producer = shardProducer(partition);
    const state = this.sums.producer(producer);
    const header = { kind: 'sums', producer, firstIndex: state.next, count: sums.length, epoch: 1 } as const;
    state.next += sums.length;
    this.sums.store(encodeBatch(header, Buffer.concat(sums.map(encodeSum)), SUMS_JOURNAL, crc32c), this.clock.nowNs());
  }

  /** The broker's rule; changes the journal at once. */
  append(journalName: string, bytes: Uint8Array): AppendOutcome {
    const journal = this.journal(journalName);
    const batch = decodeBatch(bytes, journalName, crc32c);
    assert(!('fault' in batch), 'what is sent is sound');
    const producer = journal.producer(batch.producer);
    if (producer.ended) return { outcome: 'ended', n: producer.next };
    const stampNs = this.clock.nowNs();
    if (batch.firstIndex !== producer.next) return { outcome: 'expected', n: producer.next, stampNs };
    producer.next += batch.count;
    producer.ended = batch.kind === 'end';
    const { begin, end } = journal.store(bytes, stampNs);
    this.onAppended(Number(journalName.slice(-3)), batch);
    return { outcome: 'committed', begin, end, stampNs };
  }

  connect(): FakeConnection {
    return new FakeConnection(this);
  }
}

/** One client. After `kill` none of its requests is answered. */
export class FakeConnection implements Journals {
  readonly #journals: FakeJournals;
  #isDead = false;

  constructor(journals: FakeJournals) {
    this.#journals = journals;
  }

  kill(): void {
    this.#isDead = true;
  }

  append(journal: string, bytes: Uint8Array): Promise<AppendOutcome> {
    if (this.#isDead) return never();
    const batch = decodeBatch(bytes, journal, crc32c);
    assert(!('fault' in batch), 'what is sent is sound');
    const fault = this.#journals.onAppend(journal, batch);
    if (fault === null) return this.#answer(this.#journals.append(journal, bytes));
    if (fault === 'refused') return this.#answer({ outcome: 'refused' });
    if (fault === 'unanswered') this.#journals.append(journal, bytes);
    if (typeof fault === 'string') {
      // The sender learns it when the connection is made anew.
      return new Promise((resolve) => {
        this.#journals.clock.after(RECONNECT_MS, () => this.#isDead || resolve({ outcome: 'unknown' }));
      });
    }
    // The transport owns the bytes now: the sender may be dead when they arrive.
    const copy = Buffer.from(bytes);
    return new Promise((resolve) => {
      this.#journals.clock.after(fault.lateMs, () => {
        const answer = this.#journals.append(journal, copy);
        if (!this.#isDead) resolve(answer);
      });
    });
  }

  expected(journal: string, producer: string): Promise<ExpectedOutcome> {
    const state = this.#journals.journal(journal).producers.get(producer);
    if (state?.ended === true) return this.#answer({ outcome: 'ended', n: state.next });
    return this.#answer({ outcome: 'expected', n: state?.next ?? 0, stampNs: this.#journals.clock.nowNs() });
  }

  read(name: string, offset: number): ReadStream {
    const journal = this.#journals.journal(name);
    let at = offset;
    let isClosed = false;
    let wake: (() => void) | null = null;
    const next = async (): ReturnType<ReadStream['next']> => {
      for (;;) {
        await Promise.resolve();
        if (this.#isDead) return never();
        if (isClosed) return null;
        if (at < journal.begin) return { end: 'trimmed', begin: journal.begin };
        const batch = journal.at(at);
        if (batch !== undefined) {
          at = batch.end;
          return batch;
        }
        await new Promise<void>((resolve) => {
          wake = resolve;
          journal.whenStored(resolve);
        });
      }
    };
    const close = (): void => {
      isClosed = true;
      wake?.();
    };
    return { next, close };
  }

  readonly witness = null;

  vouch(): Promise<never> {
    return unused();
  }

  head(journal: string): Promise<number> {
    return this.#answer(this.#journals.journal(journal).head);
  }

  openState(): null {
    return null;
  }

  pin(journal: string, name: string): Promise<PinOutcome> {
    const { head, pins, producers } = this.#journals.journal(journal);
    if (!this.#isDead) pins.set(name, head);
    return this.#answer({
      offset: head,
      nextIndexes: Object.fromEntries(Array.from(producers, ([producer, { next }]) => [producer, next])),
    });
  }

  movePin(
    journal: string,
    name: string,
    offset: number,
    options: { isLeaving?: boolean } = {},
  ): Promise<'moved' | 'missing'> {
    if (!this.#isDead && options.isLeaving === true) this.#journals.left.push(name);
    const { pins } = this.#journals.journal(journal);
    const pin = pins.get(name);
    if (this.#isDead || pin === undefined) return this.#answer('missing');
    pins.set(name, Math.max(pin, offset));
    return this.#answer('moved');
  }

  release(journal: string, name: string): Promise<void> {
    if (!this.#isDead) {
      this.#journals.released.push(name);
      this.#journals.journal(journal).pins.delete(name);
    }
    return this.#answer(undefined);
  }

  retire(journal: string, producer: string): Promise<void> {
    if (!this.#isDead) {
      const state = this.#journals.journal(journal).producer(producer);
      if (!state.ended) Object.assign(state, { next: state.next + 1, ended: true });
    }
    return this.#answer(undefined);
  }

  close(): void {
    this.kill();
  }

  list(): Promise<JournalsInfo> {
    return unused();
  }

  raise(): Promise<never> {
    return unused();
  }

  confirm(): Promise<never> {
    return unused();
  }

  report(): Promise<never> {
    return unused();
  }

  async #answer<T>(answer: T): Promise<T> {
    const { answerMs, clock } = this.#journals;
    if (answerMs === 0) await Promise.resolve();
    else await new Promise<void>((resolve) => clock.after(answerMs, resolve));
    return this.#isDead || this.#journals.isSilent ? never() : answer;
  }
}

function never<T>(): Promise<T> {
  return new Promise(() => {});
}

function unused(): Promise<never> {
  return Promise.reject(new Error('a chunker does not ask this'));
}
