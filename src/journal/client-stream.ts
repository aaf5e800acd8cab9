/**
 * The client's end of a stream: keeps its own place, so that it can be opened again from there in any session, and grants
 * credit by absolute offsets as batches are taken.
 */

import type { ReadEnd, ReadStream, ShardEpoch, StoredBatch } from './journals.ts';
import type { ClientMessage, Credit } from './protocol.ts';

/** Batches taken before credit is sent, when they are too small for the half of the credit to be reached. */
const TAKEN_BATCHES_MAX = 8;

export type ClientStreamOptions = {
  readonly id: number;
  readonly journal: string;
  readonly offset: number;
  readonly creditBytes: number;
  readonly owner?: ShardEpoch;
  readonly send: (message: ClientMessage) => void;
  readonly onClosed: (id: number) => void;
};

export class ClientStream implements ReadStream {
  readonly id: number;
  readonly #options: ClientStreamOptions;
  /** Received up to here, taken up to there, granted on the basis of that. */
  #received: number;
  #taken: number;
  #granted: number;
  #takenSinceCredit = 0;
  readonly #ready: StoredBatch[] = [];
  #end: ReadEnd | null = null;
  #isClosed = false;
  #waiting: ((batch: StoredBatch | ReadEnd | null) => void) | null = null;

  constructor(options: ClientStreamOptions) {
    this.id = options.id;
    this.#options = options;
    this.#received = options.offset;
    this.#taken = options.offset;
    this.#granted = options.offset;
  }

  /** Opens or reopens it at the broker. What a lost session had delivered is kept; only what follows is asked for. */
  open(): void {
    if (this.#isClosed || this.#end !== null) return;
    const { journal, owner, creditBytes } = this.#options;
    this.#granted = this.#taken;
    const through = this.#taken + creditBytes;
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
    return { stream: this.id, taken: this.#taken, through: this.#taken + this.#options.creditBytes };
  }

  next(): Promise<StoredBatch | ReadEnd | null> {
    const batch = this.#ready.shift();
    if (batch !== undefined) {
      this.#take(batch);
      return Promise.resolve(batch);
    }
    if (this.#isClosed) return Promise.resolve(null);
    if (this.#end !== null) return Promise.resolve(this.#end);
    return new Promise((resolve) => {
      this.#waiting = resolve;
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

  /** `broken`: what arrived does not continue what was received. */
  deliver(spans: readonly (readonly [number, number, number])[], frames: readonly Uint8Array[]): 'kept' | 'broken' {
    if (this.#isClosed) return 'kept';
    if (frames.length !== spans.length + 1) return 'broken';
    for (const [index, [begin, end, stampNs]] of spans.entries()) {
      const bytes = frames[index + 1];
      if (begin !== this.#received || bytes === undefined || end - begin !== bytes.length) return 'broken';
      this.#received = end;
      const batch = { begin, end, stampNs, bytes };
      if (this.#waiting === null) this.#ready.push(batch);
      else {
        this.#take(batch);
        this.#wake(batch);
      }
    }
    return 'kept';
  }

  end(reason: 'trimmed' | 'fenced' | 'rejected', begin: number, detail: string): void {
    if (reason === 'trimmed') this.#end = { end: 'trimmed', begin };
    else this.#end = reason === 'fenced' ? { end: 'fenced' } : { end: 'rejected', reason: detail };
    if (this.#waiting !== null) this.#wake(this.#end);
  }

  #take(batch: StoredBatch): void {
    this.#taken = batch.end;
    this.#takenSinceCredit += 1;
    const isHalf = this.#taken - this.#granted >= this.#options.creditBytes / 2;
    if (!isHalf && this.#takenSinceCredit < TAKEN_BATCHES_MAX) return;
    this.#granted = this.#taken;
    this.#takenSinceCredit = 0;
    this.#options.send({ t: 'credit', credits: [this.credit()] });
  }

  #wake(batch: StoredBatch | ReadEnd | null): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.(batch);
  }
}
