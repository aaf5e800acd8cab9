/**
 * The journals of the embedded broker, as its clients see them. One session at a time: when the connection breaks, or the
 * broker does not answer in time, the session is dropped and a new one opened under a new identity, calls are made
 * again, streams go on where they were, and appends that had no answer end as `unknown`.
 *
 * It is handed its dialer, clock and source of identities, and owns no socket.
 */

import { assert } from '../core/assert.ts';
import type { Clock, Timer } from '../core/clock.ts';
import { OperatingError } from '../core/errors.ts';
import type { ClientLink, Dialer, Frames } from '../transport/transport.ts';
import type {
  AppendOutcome,
  ExpectedOutcome,
  PinOutcome,
  Journals,
  JournalsInfo,
  RaiseOptions,
  RaiseOutcome,
  ReadStream,
  ShardEpoch,
  VouchOutcome,
} from './journals.ts';
import {
  type BrokerMessage,
  type Call,
  type CallResult,
  type ClientMessage,
  type Credit,
  type Envelope,
  PROTOCOL_VERSION,
  decodeBrokerMessage,
  encodeHeader,
} from './protocol.ts';
import { AppendQueue } from './append-queue.ts';
import { ClientStream } from './client-stream.ts';
import { CallQueue } from './call-queue.ts';
import { LINK_BYTES_MAX, LinkWindow } from './link-window.ts';
import { lossError, possible } from './proofs.ts';
import { decodeAcks } from './results.ts';
import { withoutStamps } from './stamps.ts';
import { type Witness, decodeWitness, encodeWitness, lossDetail } from './witness.ts';

/** How often an idle client says that it is there, and repeats its credits. */
const PING_MS = 200;
/** A broker that says nothing for so long is taken as gone. */
const SILENCE_MS = 2_000;
/** A client whose tick is so many intervals late was stopped, or had no processor. */
const STOPPED_PINGS = 5;
/** An append or call that has arrived at the broker and has no answer for so long is taken as lost. */
const ANSWER_MS = 10_000;
/** How long to wait before a session is opened again that the broker could not open; doubled each time. */
const BUSY_MS = 50;
const BUSY_MS_MAX = 2_000;

export type JournalClientOptions = {
  readonly dialer: Dialer;
  readonly clock: Clock;
  /** For the broker's log. */
  readonly name: string;
  /** Where the broker is, for witnesses. */
  readonly address: string;
  /** The hash of this process's clock domain: stamps of a broker that has another one are unknown here. */
  readonly clockHash: number;
  /** A new identity at each call, never used before by anybody: at most 32 characters. */
  readonly newSession: () => string;
  /** A session ended, for the log. */
  readonly onSessionLost?: (reason: string) => void;
};

export class JournalClient implements Journals {
  readonly #options: JournalClientOptions;
  #session = '';
  #incarnation: string | null = null;
  /** How far the broker has said that it is durable, in all sessions. */
  #told: { -readonly [key in keyof Witness]: Witness[key] } | null = null;
  /** The broker has lost what it had acknowledged: it is asked nothing any more. */
  #loss: Error | null = null;
  #link: ClientLink | null = null;
  #isOpen = false;
  /** Whether the broker's stamps are of this process's clock. */
  #isStamped = false;
  #isClosed = false;
  #heardNs = 0;
  #tickedNs = 0;
  #timer: Timer | null = null;
  /** Opens the next session, while there is none. */
  #retry: Timer | null = null;
  #busyMs = BUSY_MS;
  readonly #window = new LinkWindow();
  readonly #appends = new AppendQueue({
    window: this.#window,
    send: (frames) => this.#link?.send(frames),
    ping: () => this.#ping(),
  });
  #lastId = 0;
  /** Callers repeat nothing that has no answer: one call for each thing that they do. */
  readonly #calls = new CallQueue({
    send: (message) => this.#send(message),
    nextPing: () => this.#window.nextPing,
  });
  readonly #streams = new Map<number, ClientStream>();

  constructor(options: JournalClientOptions) {
    this.#options = options;
    this.#dial();
    this.#timer = options.clock.after(PING_MS, () => this.#tick());
  }

  // --- Journals ---

  append(journal: string, batch: Uint8Array, owner?: ShardEpoch): Promise<AppendOutcome> {
    return new Promise((resolve, reject) => {
      // Nobody waits for it: who closes has stopped what appends. An answer would make it append again.
      if (this.#isClosed) return;
      if (this.#loss !== null) return reject(this.#loss);
      const append = { id: this.#newId(), journal, batch, ...(owner === undefined ? {} : { owner }) };
      this.#appends.push(append, { resolve, reject });
      if (this.#isOpen) this.#appends.send();
    });
  }

  read(journal: string, offset: number, options: { creditBytes: number; owner?: ShardEpoch }): ReadStream {
    const stream = new ClientStream({
      id: this.#newId(),
      journal,
      offset,
      ...options,
      linkBytes: () => Math.max(1, Math.floor(this.#window.bytes / Math.max(1, this.#streams.size))),
      send: (message) => this.#sendIfOpen(message),
      onClosed: (id) => this.#streams.delete(id),
    });
    if (this.#loss !== null) stream.fail(this.#loss);
    else this.#streams.set(stream.id, stream);
    stream.open();
    return stream;
  }

  expected(journal: string, producer: string, owner?: ShardEpoch): Promise<ExpectedOutcome> {
    return this.#call({ op: 'expected', journal, producer, ...(owner === undefined ? {} : { owner }) });
  }

  async head(journal: string): Promise<number> {
    return (await this.#call({ op: 'head', journal })).head;
  }

  async list(): Promise<JournalsInfo> {
    const { shards, ...rest } = await this.#call({ op: 'list' });
    return { ...rest, shards: shards.map(({ hold: pin, ...shard }) => ({ ...shard, pin })) };
  }

  get witness(): string | null {
    return this.#told === null ? null : encodeWitness(this.#told, this.#options.address);
  }

  async vouch(witness: string): Promise<VouchOutcome> {
    const decoded = decodeWitness(witness);
    if (decoded === null) throw new OperatingError('ERR_WITNESS', `this is no witness of a broker: ${witness}`);
    const { store, incarnation, commit, address } = decoded;
    const { outcome } = await this.#call({ op: 'vouch', witness: { store, incarnation, commit } });
    if (outcome === 'another' && address !== this.#options.address) return { outcome: 'elsewhere', address };
    if (outcome === 'held' || outcome === 'unknown') return { outcome: 'held' };
    return { outcome: 'lost', detail: lossDetail(outcome, decoded) };
  }

  raise(shard: number, path: string, options: RaiseOptions): Promise<RaiseOutcome> {
    return this.#call({ op: 'raise', shard, path, ...options });
  }

  async confirm(owner: ShardEpoch, path: string): Promise<'confirmed' | 'fenced'> {
    return (await this.#call({ op: 'confirm', owner, path })).outcome;
  }

  async report(owner: ShardEpoch, offset: number): Promise<'reported' | 'fenced'> {
    return possible((await this.#call({ op: 'report', owner, offset })).outcome);
  }

  pin(journal: string, name: string): Promise<PinOutcome> {
    return this.#call({ op: 'hold', journal, name });
  }

  async movePin(
    journal: string,
    name: string,
    offset: number,
    options: { isLeaving?: boolean } = {},
  ): Promise<'moved' | 'missing'> {
    const leaving = options.isLeaving === true ? { isLeaving: true } : {};
    return possible((await this.#call({ op: 'move-hold', journal, name, offset, ...leaving })).outcome);
  }

  async release(journal: string, name: string): Promise<void> {
    await this.#call({ op: 'release', journal, name });
  }

  async retire(journal: string, producer: string): Promise<void> {
    await this.#call({ op: 'retire', journal, producer });
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.clear();
    this.#retry?.clear();
    this.#link?.close();
    this.#link = null;
    for (const stream of this.#streams.values()) stream.close();
    this.#appends.lose();
    this.#calls.rejectAll(new OperatingError('ERR_CLOSED', 'the connection to the broker was closed'));
  }

  // --- sessions ---

  #dial(): void {
    this.#session = this.#options.newSession();
    this.#incarnation = null;
    this.#isOpen = false;
    this.#heardNs = this.#options.clock.nowNs();
    this.#window.begin();
    const session = this.#session;
    this.#link = this.#options.dialer.dial(session, {
      onMessage: (frames) => this.#receive(frames),
      onDown: (reason) => {
        if (session === this.#session) this.#restart(reason);
      },
    });
    const witness = this.#told === null ? {} : { witness: this.#told };
    this.#send({ t: 'open', version: PROTOCOL_VERSION, client: this.#options.name, ...witness });
  }

  #restart(reason: string): void {
    if (this.#isClosed || this.#loss !== null) return;
    this.#options.onSessionLost?.(reason);
    this.#link?.close();
    this.#dial();
    this.#appends.lose();
  }

  /** The broker cannot open this session now: the next one is opened a moment later. What waits goes on waiting. */
  #restartLater(reason: string): void {
    this.#options.onSessionLost?.(reason);
    this.#link?.close();
    this.#link = null;
    this.#session = '';
    this.#retry = this.#options.clock.after(this.#busyMs, () => this.#dial());
    this.#busyMs = Math.min(BUSY_MS_MAX, this.#busyMs * 2);
  }

  /** Nothing that it says later can be relied on, nor anything that it said before: whoever asks or waits is told. */
  #lose(loss: Error): void {
    this.#loss = loss;
    this.#isOpen = false;
    this.#timer?.clear();
    this.#link?.close();
    this.#link = null;
    this.#calls.rejectAll(loss);
    this.#appends.fail(loss);
    for (const stream of this.#streams.values()) stream.fail(loss);
  }

  #opened(store: string, incarnation: string, commit: number): void {
    if (this.#isOpen) return;
    this.#told = { store, incarnation, commit };
    this.#isOpen = true;
    this.#busyMs = BUSY_MS;
    // The broker learns the size of parts before it sends any.
    if (this.#window.bytes < LINK_BYTES_MAX) this.#ping();
    this.#calls.sendAll();
    for (const stream of this.#streams.values()) stream.open();
    this.#appends.send();
  }

  #tick(): void {
    this.#timer = this.#options.clock.after(PING_MS, () => this.#tick());
    const now = this.#options.clock.nowNs();
    const tickedNs = this.#tickedNs;
    this.#tickedNs = now;
    if (this.#link === null) return;
    if (now - this.#heardNs > SILENCE_MS * 1e6) {
      // A client that was stopped itself has heard nobody, and knows nothing of the link.
      if (this.#isOpen && now - tickedNs <= PING_MS * STOPPED_PINGS * 1e6) this.#window.lost(this.#creditBytes());
      return this.#restart('the broker does not answer');
    }
    if (!this.#isOpen) return;
    const oldest = Math.min(this.#appends.oldest?.arrivedNs ?? now, this.#calls.oldest?.arrivedNs ?? now);
    if (now - oldest > ANSWER_MS * 1e6) return this.#restart('a request was not answered in time');
    this.#ping();
  }

  #ping(): void {
    const credits: Credit[] = [];
    for (const stream of this.#streams.values()) credits.push(stream.credit());
    const n = this.#window.ping(this.#options.clock.nowNs());
    this.#send({ t: 'ping', n, partBytes: this.#window.partBytes, credits });
  }

  #pong(n: number): void {
    const now = this.#options.clock.nowNs();
    this.#window.pong(n, now);
    // Those behind the oldest one follow, when it is answered.
    for (const oldest of [this.#appends.oldest, this.#calls.oldest]) {
      if (oldest !== undefined && oldest.pingAfter <= n) oldest.arrivedNs = Math.min(oldest.arrivedNs, now);
    }
    if (this.#isOpen) this.#appends.send();
  }

  /** What may be on its way to this client. */
  #creditBytes(): number {
    let bytes = 0;
    for (const { creditBytes } of this.#streams.values()) bytes += creditBytes;
    return bytes;
  }

  // --- receiving ---

  #receive(frames: Frames): void {
    const message = decodeBrokerMessage(frames[0]);
    if (message === null || message.s !== this.#session || this.#loss !== null) return;
    this.#incarnation ??= message.i;
    if (message.i !== this.#incarnation || message.t === 'reopen') {
      return this.#restart(
        message.t === 'reopen' ? 'the broker does not know the session' : 'the broker was restarted',
      );
    }
    this.#heardNs = this.#options.clock.nowNs();
    for (const { length } of frames) this.#window.received(length);
    if (this.#told !== null && this.#isOpen) this.#told.commit = message.c;
    this.#handle(this.#isStamped ? message : withoutStamps(message), frames);
  }

  #handle(message: BrokerMessage & Envelope, frames: Frames): void {
    switch (message.t) {
      case 'opened':
        this.#isStamped = message.clock === this.#options.clockHash;
        return this.#opened(message.store, message.i, message.c);
      case 'lost':
        assert(this.#told !== null, 'a broker that was told nothing contradicts nothing');
        return this.#lose(lossError(lossDetail(message.vouching, this.#told)));
      case 'acks':
        for (const { id, outcome } of decodeAcks(message.acks) ?? this.#garbled()) this.#appends.settle(id, outcome);
        return;
      case 'batches':
        if (this.#streams.get(message.stream)?.deliver(message.batches, frames) === 'broken') {
          this.#restart('the stream is not where it was');
        }
        return;
      case 'part':
        if (this.#streams.get(message.stream)?.deliverPart(message.batch, message.at, frames[1]) === 'broken') {
          this.#restart('the stream is not where it was');
        }
        return;
      case 'end':
        this.#streams.get(message.stream)?.end(message);
        this.#streams.delete(message.stream);
        return;
      case 'reply':
        return this.#calls.settle(message.id, message.result);
      case 'refused': {
        const error = new OperatingError('ERR_REFUSED', `the broker refused a request: ${message.reason}`);
        if (message.id !== null) this.#calls.reject(message.id, error);
        else if (!this.#isOpen) this.#failAll(error, message.reason);
        return;
      }
      case 'busy':
        if (!this.#isOpen) this.#restartLater(message.reason);
        return;
      case 'pong':
        return this.#pong(message.n);
      case 'reopen':
        return;
      default:
    }
  }

  /** An answer that cannot be one: nothing of this session is believed any more. */
  #garbled(): [] {
    this.#restart('the broker answered with what is no answer');
    return [];
  }

  /** The broker refuses the session itself, by its version for instance: nothing that is asked will ever succeed. */
  #failAll(error: Error, reason: string): void {
    this.#calls.rejectAll(error);
    this.#appends.reject(reason);
    for (const [id, stream] of this.#streams) {
      this.#streams.delete(id);
      stream.end({ t: 'end', stream: id, reason: 'rejected', begin: 0, detail: reason });
    }
  }

  // --- sending ---

  #call<C extends Call>(call: C): Promise<CallResult[C['op']]> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(new OperatingError('ERR_CLOSED', 'the connection to the broker was closed'));
      if (this.#loss !== null) return reject(this.#loss);
      const id = this.#newId();
      this.#calls.push(id, call, { resolve, reject });
      if (this.#isOpen) this.#calls.send(id);
    });
  }

  #sendIfOpen(message: ClientMessage): void {
    if (this.#isOpen) this.#send(message);
  }

  #send(message: ClientMessage): void {
    assert(this.#link !== null || this.#isClosed, 'an open client has a link');
    this.#link?.send([encodeHeader(message)]);
  }

  #newId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }
}
