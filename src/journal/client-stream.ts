/**
 * The client's end of a stream. It keeps its place, so that any session can open it again from there, and grants credit
 * by absolute offsets as batches are taken. It puts batches together that come in parts.
 */

import { BATCH_BYTES_MAX } from '../message/batch.ts';

import type { ReadEnd, ReadStream, ShardEpoch, StoredBatch } from './journals.ts';
import { lossBeyond, lossByEpoch } from './proofs.ts';
import type { BrokerMessage, ClientMessage, Credit } from './protocol.ts';

/** Batches taken before credit is sent, when they are too small to reach half of the credit. */
const TAKEN_BATCHES_MAX = 8;

export type ClientStreamOptions = {
  readonly id: number;
  readonly journal: string;
  readonly offset: number;
  readonly creditBytes: number;
  /** Bytes that the link allows this stream to have on their way. */
  readonly linkBytes: () => number;
  readonly owner?: ShardEpoch;
  readonly send: (message: ClientMessage) => void;
  readonly onClosed: (id: number) => void;
};

export class ClientStream implements ReadStream {
  readonly id: number;
  readonly #options: ClientStreamOptions;
  /** Received up to here, taken up to there, and credit granted on that basis. */
  #received: number;
  #taken: number;
  #granted: number;
  #takenSinceCredit = 0;
  readonly #ready: StoredBatch[] = [];
  /** The batch after the received ones, and how much of it has arrived. */
  #partial: { readonly bytes: Buffer; length: number } | null = null;
  #end: ReadEnd | null = null;
  #failure: Error | null = null;
  #isClosed = false;
  #waiting: { resolve: (batch: StoredBatch | ReadEnd | null) => void; reject: (error: Error) => void } | null = null;

  constructor(options: ClientStreamOptions) {
    this.id = options.id;
    this.#options = options;
    this.#received = options.offset;
    this.#taken = options.offset;
    this.#granted = options.offset;
  }

  /**
   * Opens or reopens the stream at the broker. Batches that a lost session had delivered are kept; only what follows is
   * asked for.
   */
  open(): void {
    if (this.#isClosed || this.#end !== null || this.#failure !== null) return;
    const { journal, owner } = this.#options;
    this.#partial = null;
    this.#granted = this.#taken;
    const { through } = this.credit();
    this.#options.send({
      t: 'read',
      stream: this.id,
      journal,
      offset: this.#received,
      through,
      ...(owner === undefined ? {} : { owner }),
    });
  }

  credit(): Credit {
    const taken = this.#used;
    return { stream: this.id, taken, through: taken + this.creditBytes };
  }

  /** Bytes that may be on their way. */
  get creditBytes(): number {
    return Math.min(this.#options.creditBytes, this.#options.linkBytes());
  }

  /** The offset up to which nothing waits here. Parts of a batch make room for the parts that follow. */
  get #used(): number {
    return this.#taken === this.#received ? this.#received + (this.#partial?.length ?? 0) : this.#taken;
  }

  next(): Promise<StoredBatch | ReadEnd | null> {
    const batch = this.#ready.shift();
    if (batch !== undefined) {
      this.#take(batch);
      return Promise.resolve(batch);
    }
    if (this.#isClosed) return Promise.resolve(null);
    if (this.#failure !== null) return Promise.reject(this.#failure);
    if (this.#end !== null) return Promise.resolve(this.#end);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#ready.length = 0;
    this.#options.send({ t: 'cancel', stream: this.id });
    this.#options.onClosed(this.id);
    this.#wake(null);
  }

  /** `broken`: the message does not continue the received batches. */
  deliver(spans: readonly (readonly [number, number, number])[], frames: readonly Uint8Array[]): 'kept' | 'broken' {
    if (this.#isClosed) return 'kept';
    if (frames.length !== spans.length + 1 || this.#partial !== null) return 'broken';
    for (const [index, [begin, end, stampNs]] of spans.entries()) {
      const bytes = frames[index + 1];
      if (begin !== this.#received || bytes === undefined || end - begin !== bytes.length) return 'broken';
      this.#keep({ begin, end, stampNs, bytes });
    }
    return 'kept';
  }

  /** A part of one batch has arrived. It is kept until the batch is whole. */
  deliverPart(
    [begin, end, stampNs]: readonly [number, number, number],
    at: number,
    bytes: Uint8Array | undefined,
  ): 'kept' | 'broken' {
    if (this.#isClosed) return 'kept';
    const size = end - begin;
    if (begin !== this.#received || bytes === undefined || size <= 0 || size > BATCH_BYTES_MAX) return 'broken';
    const partial = this.#partial ?? { bytes: Buffer.allocUnsafe(size), length: 0 };
    if (at !== partial.length || size !== partial.bytes.length || at + bytes.length > size) return 'broken';
    partial.bytes.set(bytes, at);
    partial.length += bytes.length;
    this.#partial = partial.length < size ? partial : null;
    if (this.#partial === null) this.#keep({ begin, end, stampNs, bytes: partial.bytes });
    else this.#grant();
    return 'kept';
  }

  #keep(batch: StoredBatch): void {
    this.#received = batch.end;
    if (this.#waiting === null) this.#ready.push(batch);
    else {
      this.#take(batch);
      this.#wake(batch);
    }
  }

  end({ reason, begin, detail, epoch = 0 }: Extract<BrokerMessage, { t: 'end' }>): void {
    const { journal, owner } = this.#options;
    // A reader has its place from batches that it was shown, or from an answer, and both were durable.
    if (reason === 'missing') return this.fail(lossBeyond(journal, this.#received, detail));
    const loss = reason === 'fenced' && owner !== undefined ? lossByEpoch(owner, epoch) : null;
    if (loss !== null) return this.fail(loss);
    if (reason === 'trimmed') this.#end = { end: 'trimmed', begin };
    else this.#end = reason === 'fenced' ? { end: 'fenced' } : { end: 'rejected', reason: detail };
    if (this.#waiting !== null) this.#wake(this.#end);
  }

  /** A reader that waits for a batch, or that asks later for a batch that has not arrived, gets the error. */
  fail(error: Error): void {
    if (this.#isClosed || this.#failure !== null) return;
    this.#failure = error;
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.reject(error);
  }

  #take(batch: StoredBatch): void {
    this.#taken = batch.end;
    this.#takenSinceCredit += 1;
    this.#grant();
  }

  #grant(): void {
    const isHalf = this.#used - this.#granted >= this.creditBytes / 2;
    if (!isHalf && this.#takenSinceCredit < TAKEN_BATCHES_MAX) return;
    this.#granted = this.#used;
    this.#takenSinceCredit = 0;
    this.#options.send({ t: 'credit', credits: [this.credit()] });
  }

  #wake(batch: StoredBatch | ReadEnd | null): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.resolve(batch);
  }
}
