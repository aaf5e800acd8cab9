/**
 * The journals of the embedded broker, as its clients see them: calls, appends and reads, over one session at a time
 * (`client-session.ts`). In each new session calls are made again, streams go on where they were, and appends without
 * an answer end as `unknown`.
 *
 * It is handed its dialer, clock and source of identities, and owns no socket.
 */

import { OperatingError } from '../core/errors.ts';
import type { Frames } from '../transport/transport.ts';
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
import { AppendQueue } from './append-queue.ts';
import { CallQueue } from './call-queue.ts';
import { ClientSession, type SessionMessage, type SessionOptions } from './client-session.ts';
import { ClientStream } from './client-stream.ts';
import { possible } from './proofs.ts';
import type { Call, CallResult } from './protocol.ts';
import { decodeAcks } from './results.ts';
import { decodeWitness, lossDetail } from './witness.ts';

export class JournalClient implements Journals {
  readonly #address: string;
  readonly #session: ClientSession;
  readonly #appends: AppendQueue;
  /** Callers do not repeat a call that has no answer: they make one call for each thing that they do. */
  readonly #calls: CallQueue;
  readonly #streams = new Map<number, ClientStream>();
  #lastId = 0;

  constructor(options: SessionOptions) {
    this.#address = options.address;
    const session = new ClientSession(options, {
      onOpened: () => this.#opened(),
      onEnded: () => this.#appends.lose(),
      onLoss: (loss) => this.#lost(loss),
      onMessage: (message, frames) => this.#handle(message, frames),
      onPong: () => this.#appends.send(),
      credits: () => Array.from(this.#streams.values(), (stream) => stream.credit()),
      oldest: () => [this.#appends.oldest, this.#calls.oldest],
    });
    this.#session = session;
    this.#appends = new AppendQueue({
      window: session.window,
      send: (frames) => session.sendFrames(frames),
      ping: () => session.ping(),
    });
    this.#calls = new CallQueue({
      send: (message) => session.send(message),
      nextPing: () => session.window.nextPing,
    });
    session.start();
  }

  // --- Journals ---

  append(journal: string, batch: Uint8Array, owner?: ShardEpoch): Promise<AppendOutcome> {
    return new Promise((resolve, reject) => {
      // Nobody waits for an answer: whoever closes the client has stopped its appender. An answer would make it append
      // again.
      if (this.#session.isClosed) return;
      if (this.#session.loss !== null) return reject(this.#session.loss);
      const append = { id: this.#newId(), journal, batch, ...(owner === undefined ? {} : { owner }) };
      this.#appends.push(append, { resolve, reject });
      if (this.#session.isOpen) this.#appends.send();
    });
  }

  read(journal: string, offset: number, options: { creditBytes: number; owner?: ShardEpoch }): ReadStream {
    const stream = new ClientStream({
      id: this.#newId(),
      journal,
      offset,
      ...options,
      linkBytes: () => Math.max(1, Math.floor(this.#session.window.bytes / Math.max(1, this.#streams.size))),
      send: (message) => {
        if (this.#session.isOpen) this.#session.send(message);
      },
      onClosed: (id) => this.#streams.delete(id),
    });
    if (this.#session.loss !== null) stream.fail(this.#session.loss);
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
    return this.#session.witness;
  }

  async vouch(witness: string): Promise<VouchOutcome> {
    const decoded = decodeWitness(witness);
    if (decoded === null) throw new OperatingError('ERR_WITNESS', `not the witness of a broker: ${witness}`);
    const { store, incarnation, commit, address } = decoded;
    const { outcome } = await this.#call({ op: 'vouch', witness: { store, incarnation, commit } });
    if (outcome === 'another' && address !== this.#address) return { outcome: 'elsewhere', address };
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

  /** The broker keeps no state of shards. */
  openState(): null {
    return null;
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
    this.#session.close();
    for (const stream of this.#streams.values()) stream.close();
    this.#appends.lose();
    this.#calls.rejectAll(new OperatingError('ERR_CLOSED', 'the connection to the broker was closed'));
  }

  // --- the session ---

  #opened(): void {
    this.#calls.sendAll();
    for (const stream of this.#streams.values()) stream.open();
    this.#appends.send();
  }

  #lost(loss: Error): void {
    this.#calls.rejectAll(loss);
    this.#appends.fail(loss);
    for (const stream of this.#streams.values()) stream.fail(loss);
  }

  #handle(message: SessionMessage, frames: Frames): void {
    switch (message.t) {
      case 'acks':
        for (const { id, outcome } of decodeAcks(message.acks) ?? this.#garbled()) this.#appends.settle(id, outcome);
        return;
      case 'batches':
        if (this.#streams.get(message.stream)?.deliver(message.batches, frames) === 'broken') {
          this.#session.restart('the stream is not where it was');
        }
        return;
      case 'part':
        if (this.#streams.get(message.stream)?.deliverPart(message.batch, message.at, frames[1]) === 'broken') {
          this.#session.restart('the stream is not where it was');
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
        else if (!this.#session.isOpen) this.#failAll(error, message.reason);
        return;
      }
      default:
    }
  }

  /** An answer that is impossible: nothing of this session is believed any more. */
  #garbled(): [] {
    this.#session.restart('the broker sent a malformed answer');
    return [];
  }

  /** The broker refuses the session itself, for instance because of its version: no request will ever succeed. */
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
      if (this.#session.isClosed)
        return reject(new OperatingError('ERR_CLOSED', 'the connection to the broker was closed'));
      if (this.#session.loss !== null) return reject(this.#session.loss);
      const id = this.#newId();
      this.#calls.push(id, call, { resolve, reject });
      if (this.#session.isOpen) this.#calls.send(id);
    });
  }

  #newId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }
}
