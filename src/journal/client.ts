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
  HoldOutcome,
  Journals,
  JournalsInfo,
  RaiseOptions,
  RaiseOutcome,
  ReadStream,
  ShardEpoch,
} from './journals.ts';
import {
  type BrokerMessage,
  type Call,
  type CallResult,
  type ClientMessage,
  type Credit,
  PROTOCOL_VERSION,
  decodeBrokerMessage,
  encodeHeader,
} from './protocol.ts';
import { ClientStream } from './client-stream.ts';
import { decodeAcks, isResultOf } from './results.ts';

/** How often an idle client says that it is there, and repeats its credits. */
const PING_MS = 200;
/** A broker that says nothing for so long is taken as gone. */
const SILENCE_MS = 2_000;
/** An append or call without an answer for so long is taken as lost. */
const ANSWER_MS = 10_000;

export type JournalClientOptions = {
  readonly dialer: Dialer;
  readonly clock: Clock;
  /** For the broker's log. */
  readonly name: string;
  /** A new identity at each call, never used before by anybody: at most 32 characters. */
  readonly newSession: () => string;
  /** A session ended, for the log. */
  readonly onSessionLost?: (reason: string) => void;
};

type PendingCall = {
  readonly call: Call;
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
  sentNs: number;
};
type PendingAppend = {
  readonly id: number;
  readonly header: Buffer;
  readonly batch: Uint8Array;
  readonly resolve: (outcome: AppendOutcome) => void;
  sentNs: number;
};

export class JournalClient implements Journals {
  readonly #options: JournalClientOptions;
  #session = '';
  #incarnation: string | null = null;
  #link: ClientLink | null = null;
  #isOpen = false;
  #isClosed = false;
  #heardNs = 0;
  #timer: Timer | null = null;
  #lastId = 0;
  readonly #calls = new Map<number, PendingCall>();
  readonly #appends = new Map<number, PendingAppend>();
  /** Appends that wait for the session to open. */
  #unsent: PendingAppend[] = [];
  readonly #streams = new Map<number, ClientStream>();

  constructor(options: JournalClientOptions) {
    this.#options = options;
    this.#dial();
    this.#timer = options.clock.after(PING_MS, () => this.#tick());
  }

  // --- Journals ---

  append(journal: string, batch: Uint8Array, owner?: ShardEpoch): Promise<AppendOutcome> {
    return new Promise((resolve) => {
      // Nobody waits for it: who closes has stopped what appends. An answer would make it append again.
      if (this.#isClosed) return;
      const id = this.#newId();
      const header = encodeHeader({ t: 'append', id, journal, ...(owner === undefined ? {} : { owner }) });
      const append = { id, header, batch, resolve, sentNs: this.#options.clock.nowNs() };
      if (this.#isOpen) this.#sendAppend(append);
      else this.#unsent.push(append);
    });
  }

  read(journal: string, offset: number, options: { creditBytes: number; owner?: ShardEpoch }): ReadStream {
    const stream = new ClientStream({
      id: this.#newId(),
      journal,
      offset,
      ...options,
      send: (message) => this.#sendIfOpen(message),
      onClosed: (id) => this.#streams.delete(id),
    });
    this.#streams.set(stream.id, stream);
    stream.open();
    return stream;
  }

  expected(journal: string, producer: string, owner?: ShardEpoch): Promise<ExpectedOutcome> {
    return this.#call({ op: 'expected', journal, producer, ...(owner === undefined ? {} : { owner }) });
  }

  async head(journal: string): Promise<number> {
    return (await this.#call({ op: 'head', journal })).head;
  }

  list(): Promise<JournalsInfo> {
    return this.#call({ op: 'list' });
  }

  raise(shard: number, path: string, options: RaiseOptions): Promise<RaiseOutcome> {
    return this.#call({ op: 'raise', shard, path, ...options });
  }

  async confirm(owner: ShardEpoch, path: string): Promise<'confirmed' | 'fenced'> {
    return (await this.#call({ op: 'confirm', owner, path })).outcome;
  }

  async report(owner: ShardEpoch, offset: number): Promise<'reported' | 'fenced'> {
    return (await this.#call({ op: 'report', owner, offset })).outcome;
  }

  hold(journal: string, name: string): Promise<HoldOutcome> {
    return this.#call({ op: 'hold', journal, name });
  }

  async moveHold(journal: string, name: string, offset: number): Promise<'moved' | 'missing'> {
    return (await this.#call({ op: 'move-hold', journal, name, offset })).outcome;
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
    this.#link?.close();
    this.#link = null;
    for (const stream of this.#streams.values()) stream.close();
    this.#loseAppends();
    const error = new OperatingError('ERR_CLOSED', 'the connection to the broker was closed');
    for (const { reject } of this.#calls.values()) reject(error);
    this.#calls.clear();
  }

  // --- sessions ---

  #dial(): void {
    this.#session = this.#options.newSession();
    this.#incarnation = null;
    this.#isOpen = false;
    this.#heardNs = this.#options.clock.nowNs();
    const session = this.#session;
    this.#link = this.#options.dialer.dial(session, {
      onMessage: (frames) => this.#receive(frames),
      onDown: (reason) => {
        if (session === this.#session) this.#restart(reason);
      },
    });
    this.#send({ t: 'open', version: PROTOCOL_VERSION, client: this.#options.name });
  }

  #restart(reason: string): void {
    if (this.#isClosed) return;
    this.#options.onSessionLost?.(reason);
    this.#link?.close();
    this.#dial();
    this.#loseAppends();
  }

  #loseAppends(): void {
    const lost = [...this.#appends.values()];
    this.#appends.clear();
    // What was never sent stays in line behind nothing: its owner decides anew as well.
    lost.push(...this.#unsent.splice(0));
    for (const { resolve } of lost) resolve({ outcome: 'unknown' });
  }

  #opened(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    for (const [id, pending] of this.#calls) this.#sendCall(id, pending);
    for (const stream of this.#streams.values()) stream.open();
    for (const append of this.#unsent.splice(0)) this.#sendAppend(append);
  }

  #tick(): void {
    this.#timer = this.#options.clock.after(PING_MS, () => this.#tick());
    const now = this.#options.clock.nowNs();
    if (now - this.#heardNs > SILENCE_MS * 1e6) return this.#restart('the broker does not answer');
    const oldest = Math.min(firstSent(this.#appends), firstSent(this.#calls));
    if (this.#isOpen && now - oldest > ANSWER_MS * 1e6) return this.#restart('a request was not answered in time');
    if (!this.#isOpen) return;
    const credits: Credit[] = [];
    for (const stream of this.#streams.values()) credits.push(stream.credit());
    this.#send({ t: 'ping', credits });
  }

  // --- receiving ---

  #receive(frames: Frames): void {
    const message = decodeBrokerMessage(frames[0]);
    if (message === null || message.s !== this.#session) return;
    this.#incarnation ??= message.i;
    if (message.i !== this.#incarnation || message.t === 'reopen') {
      return this.#restart(
        message.t === 'reopen' ? 'the broker does not know the session' : 'the broker was restarted',
      );
    }
    this.#heardNs = this.#options.clock.nowNs();
    this.#handle(message, frames);
  }

  #handle(message: BrokerMessage, frames: Frames): void {
    switch (message.t) {
      case 'opened':
        return this.#opened();
      case 'acks':
        for (const { id, outcome } of decodeAcks(message.acks) ?? this.#garbled()) {
          const append = this.#appends.get(id);
          this.#appends.delete(id);
          append?.resolve(outcome);
        }
        return;
      case 'batches':
        if (this.#streams.get(message.stream)?.deliver(message.batches, frames) === 'broken') {
          this.#restart('the stream is not where it was');
        }
        return;
      case 'end':
        this.#streams.get(message.stream)?.end(message.reason, message.begin, message.detail);
        this.#streams.delete(message.stream);
        return;
      case 'reply': {
        const pending = this.#calls.get(message.id);
        this.#calls.delete(message.id);
        if (pending === undefined) return;
        if (isResultOf(pending.call.op, message.result)) pending.resolve(message.result as never);
        else pending.reject(new OperatingError('ERR_PROTOCOL', `the broker's answer to ${pending.call.op} is none`));
        return;
      }
      case 'refused': {
        const error = new OperatingError('ERR_REFUSED', `the broker refused a request: ${message.reason}`);
        const pending = message.id === null ? undefined : this.#calls.get(message.id);
        if (message.id !== null) this.#calls.delete(message.id);
        pending?.reject(error);
        if (message.id === null && !this.#isOpen) this.#failAll(error);
        return;
      }
      case 'pong':
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

  /** The broker refuses the session itself, by its version for instance: no call will ever succeed. */
  #failAll(error: Error): void {
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const { reject } of calls) reject(error);
  }

  // --- sending ---

  #call<C extends Call>(call: C): Promise<CallResult[C['op']]> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(new OperatingError('ERR_CLOSED', 'the connection to the broker was closed'));
      const id = this.#newId();
      const pending = { call, resolve: resolve as (result: never) => void, reject, sentNs: Number.POSITIVE_INFINITY };
      this.#calls.set(id, pending);
      if (this.#isOpen) this.#sendCall(id, pending);
    });
  }

  #sendCall(id: number, pending: PendingCall): void {
    pending.sentNs = this.#options.clock.nowNs();
    this.#send({ t: 'call', id, call: pending.call });
  }

  #sendAppend(append: PendingAppend): void {
    append.sentNs = this.#options.clock.nowNs();
    this.#appends.set(append.id, append);
    this.#link?.send([append.header, append.batch]);
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

function firstSent(pending: ReadonlyMap<number, { readonly sentNs: number }>): number {
  for (const { sentNs } of pending.values()) return sentNs;
  return Number.POSITIVE_INFINITY;
}
