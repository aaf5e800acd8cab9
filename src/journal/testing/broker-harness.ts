/**
 * A broker on a store in memory whose commits are held back, and on a clock that stands still. It can be killed at any
 * moment; the next broker finds the durable state.
 *
 * At every answer the harness checks invariant 1 independently: an acknowledged or shown record must already be in the
 * store.
 */

import { assert } from '../../core/assert.ts';
import { crc32c } from '../../hash/crc32c.ts';
import { type BatchKind, encodeBatch } from '../../message/batch.ts';
import { encodeChunk, fileIdOf } from '../../message/chunk.ts';
import { encodeSum } from '../../message/sum.ts';
import { nameKey, offsetKey } from '../../store/row.ts';
import { HeldCommits, MemoryStore } from '../../store/testing/memory-store.ts';
import type { Frames } from '../../transport/transport.ts';
import { Broker } from '../broker/broker.ts';
import type { DroppedPin } from '../broker/pins.ts';
import { restore } from '../broker/restore.ts';
import type { BrokerConfig } from '../broker/state.ts';
import { type AppendOutcome, SUMS_JOURNAL, type ShardEpoch, chunkJournal } from '../journals.ts';
import {
  type BrokerMessage,
  type Call,
  type ClientMessage,
  type Envelope,
  PROTOCOL_VERSION,
  decodeBrokerMessage,
  encodeHeader,
} from '../protocol.ts';
import { ManualClock } from '../../core/testing/manual-clock.ts';

export const MIB: number = 1024 * 1024;

export const CONFIG: BrokerConfig = {
  partitions: 2,
  retentionBytes: 2 * MIB,
  sumsBytes: MIB,
  pinAbsenceMs: 60_000,
  pinPatienceMs: 5_000,
};

export type Sent = { readonly session: string; readonly message: BrokerMessage & Envelope; readonly frames: Frames };

export class BrokerHarness {
  readonly clock: ManualClock;
  readonly config: BrokerConfig;
  store: MemoryStore;
  held: HeldCommits = new HeldCommits();
  broker: Broker;
  bootHash = 7;
  /** Pins that any of the brokers has dropped, in order. */
  readonly dropped: DroppedPin[] = [];
  /** Everything that left the present broker, in order. */
  sent: Sent[] = [];
  fatal: unknown = null;
  #incarnation = 0;
  #lastId = 0;
  /** The last commit that was seen in a store. */
  #stored: { store: MemoryStore; commit: number };

  private constructor(config: BrokerConfig, store: MemoryStore, clock: ManualClock) {
    this.config = config;
    this.clock = clock;
    this.store = store;
    this.#stored = { store, commit: 0 };
    this.broker = this.#make();
  }

  static async start(changes: Partial<BrokerConfig> = {}): Promise<BrokerHarness> {
    const harness = new BrokerHarness({ ...CONFIG, ...changes }, new MemoryStore(), new ManualClock());
    await harness.serve();
    return harness;
  }

  /** Lets the first commit through and opens the sessions. Later commits are held back. */
  async serve(sessions: readonly string[] = ['a', 'b']): Promise<void> {
    const started = this.broker.start();
    await started;
    this.held = new HeldCommits();
    this.store.gate = this.held.gate;
    for (const session of sessions) this.send(session, { t: 'open', version: PROTOCOL_VERSION, client: session });
    this.sent = [];
  }

  /** The present durable state, to be started on later. */
  snapshot(): MemoryStore {
    return this.store.copy();
  }

  /** Kills the broker and starts the next one on another store. */
  async restartOn(store: MemoryStore, config: BrokerConfig = this.config): Promise<void> {
    this.store.crash('lost');
    this.store = store;
    this.broker = this.#make(config);
    await this.serve();
  }

  /** Kills the broker and starts the next one on the durable state. */
  async restart(commitUnderWay: 'lost' | 'durable' = 'lost', config: BrokerConfig = this.config): Promise<void> {
    this.store = this.store.crash(commitUnderWay);
    this.broker = this.#make(config);
    await this.serve();
  }

  #make(config: BrokerConfig = this.config): Broker {
    this.#incarnation += 1;
    const incarnation = `broker-${this.#incarnation}`;
    this.sent = [];
    return new Broker({
      store: this.store,
      clock: this.clock,
      config,
      incarnation,
      bootHash: this.bootHash,
      send: (session, frames) => {
        // A killed broker says nothing.
        if (incarnation === `broker-${this.#incarnation}`) this.#left(session, frames);
      },
      onPinDropped: (dropped) => {
        if (incarnation === `broker-${this.#incarnation}`) this.dropped.push(dropped);
      },
      onFatal: (error) => {
        this.fatal = error;
      },
    });
  }

  #left(session: string, frames: Frames): void {
    const message = decodeBrokerMessage(frames[0]);
    assert(message !== null, 'the broker sends messages of the protocol');
    assert(this.#isStored(message.c), `commit ${message.c} was told and is not durable`);
    if (message.t === 'acks') for (const { outcome } of message.acks) this.#checkDurable(outcome);
    this.sent.push({ session, message, frames });
  }

  #checkDurable(outcome: AppendOutcome): void {
    if (outcome.outcome !== 'committed') return;
    const found = this.journalNumbers().some((number) => {
      const bytes = this.store.get('batches', offsetKey(number, outcome.begin));
      return bytes?.length === outcome.end - outcome.begin;
    });
    assert(found, `acknowledged at ${outcome.begin} but not in the store`);
  }

  /** Whether a commit is in the store. What is there stays there, so the store is read only for a later commit. */
  #isStored(commit: number): boolean {
    if (this.#stored.store !== this.store) this.#stored = { store: this.store, commit: 0 };
    if (commit > this.#stored.commit) this.#stored.commit = restore(this.store, this.config.partitions).lastCommit;
    return commit <= this.#stored.commit;
  }

  journalNumbers(): number[] {
    return Array.from({ length: this.config.partitions + 1 }, (_, number) => number);
  }

  /** The durable row of a producer. */
  storedProducer(journal: number, producer: string): Buffer | undefined {
    return this.store.get('producers', nameKey(journal, producer));
  }

  send(session: string, message: ClientMessage, ...frames: Uint8Array[]): void {
    this.broker.receive(session, [encodeHeader(message), ...frames]);
  }

  /** Sends a call and returns its id, by which the answer is found. */
  call(call: Call, session = 'a'): number {
    this.#lastId += 1;
    this.send(session, { t: 'call', id: this.#lastId, call });
    return this.#lastId;
  }

  append(journal: string, batch: Uint8Array, options: { owner?: ShardEpoch; session?: string } = {}): number {
    const { owner, session = 'a' } = options;
    this.#lastId += 1;
    this.send(session, { t: 'append', id: this.#lastId, journal, ...(owner === undefined ? {} : { owner }) }, batch);
    return this.#lastId;
  }

  read(
    journal: string,
    offset: number,
    options: { owner?: ShardEpoch; through?: number; session?: string } = {},
  ): number {
    const { owner, through = Number.MAX_SAFE_INTEGER, session = 'a' } = options;
    this.#lastId += 1;
    const stream = this.#lastId;
    this.send(session, { t: 'read', stream, journal, offset, through, ...(owner === undefined ? {} : { owner }) });
    return stream;
  }

  /** Lets the held commit become durable. */
  async commit(): Promise<void> {
    await this.clock.settle();
    this.held.releaseOne();
    await this.clock.settle();
  }

  /** Lets commits through until no commit is under way. */
  async commitAll(): Promise<void> {
    await this.clock.settle();
    while (this.held.waiting.length > 0) await this.commit();
  }

  /** The answer to an append, if there is one. */
  outcome(id: number): AppendOutcome | undefined {
    for (const { message } of this.sent) {
      if (message.t !== 'acks') continue;
      const ack = message.acks.find((each) => each.id === id);
      if (ack !== undefined) return ack.outcome;
    }
    return undefined;
  }

  /** The answer to a call: its result, or the reason of its refusal. */
  answer(id: number): unknown {
    for (const { message } of this.sent) {
      if (message.t === 'reply' && message.id === id) return message.result;
      if (message.t === 'refused' && message.id === id) return { refused: message.reason };
    }
    return undefined;
  }

  async ask(call: Call): Promise<unknown> {
    const id = this.call(call);
    await this.commitAll();
    return this.answer(id);
  }

  async appended(journal: string, batch: Uint8Array, owner?: ShardEpoch): Promise<AppendOutcome | undefined> {
    const id = this.append(journal, batch, owner === undefined ? {} : { owner });
    await this.commitAll();
    return this.outcome(id);
  }

  /** The batches that a stream has delivered. */
  delivered(stream: number): { begin: number; end: number; stampNs: number; bytes: Uint8Array }[] {
    return this.sent.flatMap(({ message, frames }) =>
      message.t === 'batches' && message.stream === stream
        ? message.batches.map(([begin, end, stampNs], at) => ({
            begin,
            end,
            stampNs,
            bytes: frames[at + 1] ?? new Uint8Array(0),
          }))
        : [],
    );
  }

  ended(stream: number): Extract<BrokerMessage, { t: 'end' }> | undefined {
    for (const { message } of this.sent) if (message.t === 'end' && message.stream === stream) return message;
    return undefined;
  }
}

export const PRODUCER = 'aa00000000000001';
export const OTHER_PRODUCER = 'bb00000000000002';

/** A batch of chunks with one byte of data each, or as many as `dataBytes` says. */
export function chunks(
  first: number,
  count: number,
  options: {
    producer?: string;
    journal?: string;
    dataBytes?: number;
    fill?: number;
    kind?: BatchKind;
    epoch?: number;
  } = {},
): Buffer {
  const {
    producer = PRODUCER,
    journal = chunkJournal(0),
    dataBytes = 1,
    fill = 1,
    kind = 'chunks',
    epoch = 0,
  } = options;
  const records = Array.from({ length: count }, (_, at) =>
    encodeChunk({ fileId: fileIdOf(producer, first + at), sequence: 1, data: Buffer.alloc(dataBytes, fill) }),
  );
  return encodeBatch({ kind, producer, firstIndex: first, count, epoch }, Buffer.concat(records), journal, crc32c);
}

export function endOf(index: number, options: { producer?: string; journal?: string } = {}): Buffer {
  const { producer = PRODUCER, journal = chunkJournal(0) } = options;
  const header = { kind: 'end', producer, firstIndex: index, count: 1, epoch: 0 } as const;
  return encodeBatch(header, new Uint8Array(0), journal, crc32c);
}

/** A batch of sums of a shard. */
export function sums(first: number, count: number, { shard, epoch }: ShardEpoch): Buffer {
  const records = Array.from({ length: count }, (_, at) =>
    encodeSum({ fileId: fileIdOf(PRODUCER, first + at), lastSequence: 2, bytes: 1, digest: '00'.repeat(32) }),
  );
  const producer = shard.toString(16).padStart(16, '0');
  const header = { kind: 'sums', producer, firstIndex: first, count, epoch } as const;
  return encodeBatch(header, Buffer.concat(records), SUMS_JOURNAL, crc32c);
}
