/**
 * Appends the records of one producer to one journal, in order and exactly once, over any `Journals`: go-back-n,
 * addressed by record index. An acknowledged record is durable. Other records are kept, and sent again after a lost
 * connection.
 *
 * Bounds: at most `windowBatches` batches under way. `hasRoom` tells its owner when to stop.
 */

import { assert, unreachable } from '../core/assert.ts';
import type { Clock } from '../core/clock.ts';
import { OperatingError, ViolationError } from '../core/errors.ts';
import { crc32c } from '../hash/crc32c.ts';
import { dropLeadingRecords } from '../message/recut.ts';
import type { AppendOutcome, Journals, ShardEpoch } from './journals.ts';

/** How long to wait after the journal refused for lack of room. */
const REFUSED_RETRY_MS = 10;

export type AppenderEvents = {
  /** All records below `through` are durable, since `stampNs` at the latest (the broker's monotonic clock). */
  onAcknowledged(through: number, stampNs: number): void;
  /** The time from a batch's first send until any answer says that it is durable: called once for each batch. */
  onLatency?(latencyNs: number): void;
  onFenced(): void;
  /** The producer has ended in this journal, which has `n` records of it. */
  onEnded(n: number): void;
  onError(error: unknown): void;
};

export type AppenderOptions = {
  readonly journals: Journals;
  readonly clock: Clock;
  readonly journal: string;
  readonly producer: string;
  readonly owner?: ShardEpoch;
  /** All records below this index are known to be durable. */
  readonly acknowledged: number;
  readonly windowBatches: number;
  readonly events: AppenderEvents;
};

/** A sealed batch. `isEnd`: it ends the producer, so a journal that has it answers `ended` and never `expected`. */
export type AppendedBatch = {
  readonly first: number;
  readonly count: number;
  readonly bytes: Uint8Array;
  readonly isEnd?: boolean;
};
/** `sends`: how often the batch was sent. */
type Entry = AppendedBatch & { sentNs: number; sends: number };

export class Appender {
  readonly #options: AppenderOptions;
  readonly #queue: Entry[] = [];
  /** How many entries, from the front of the queue, are under way in this attempt. */
  #sent = 0;
  /** Counts the times it went back. An answer to an older attempt never makes it go back again. */
  #attempt = 0;
  #acknowledged: number;
  /** From this index on, no other process ever sent records. */
  #aloneFrom = Number.POSITIVE_INFINITY;
  /** The end of the last batch that was ever sent. */
  #sentThrough = 0;
  #isWaiting = false;
  /** The journal had no room: one batch asks for room, and the rest of the window follows when there is some. */
  #isProbing = false;
  #isOver = false;

  constructor(options: AppenderOptions) {
    this.#options = options;
    this.#acknowledged = options.acknowledged;
  }

  /**
   * All records below are durable. May be above the records that were handed over here, when bytes of a dead
   * incarnation arrived late.
   */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  get hasRoom(): boolean {
    return this.#queue.length < this.#options.windowBatches;
  }

  /** Batches that were sent and are not known to be durable. */
  get underWay(): number {
    return this.#queue.filter(({ sends }) => sends > 0).length;
  }

  /**
   * Hands over a sealed batch of the records that follow those handed over before. The batch must never be changed
   * afterwards. Records that are already durable are dropped.
   */
  push(batch: AppendedBatch): void {
    const last = this.#queue.at(-1);
    assert(last === undefined || last.first + last.count === batch.first, 'batches follow each other');
    this.#queue.push({ ...batch, sentNs: 0, sends: 0 });
    this.#dropAcknowledged();
    this.#pump();
  }

  /** No other process, dead or alive, ever sent records of the producer from `index` on. */
  sendsAloneFrom(index: number): void {
    this.#aloneFrom = index;
  }

  /**
   * Whether a journal that expects record `n` next can have got all records below `n` from this producer. Where this
   * process sends alone, the journal can only have whole batches that it sent. Other records come from another writer.
   */
  isOwn(n: number): boolean {
    if (n <= this.#acknowledged || n <= this.#aloneFrom) return true;
    return (
      n <= this.#sentThrough && this.#queue.some((entry) => entry.isEnd !== true && entry.first + entry.count === n)
    );
  }

  /** From now on nothing is sent. */
  stop(): void {
    this.#isOver = true;
  }

  #pump(): void {
    const window = this.#isProbing ? 1 : this.#options.windowBatches;
    while (!this.#isOver && !this.#isWaiting && this.#sent < Math.min(this.#queue.length, window)) {
      const entry = this.#queue[this.#sent];
      assert(entry !== undefined, 'the queue has what is to be sent');
      this.#sent += 1;
      this.#send(entry, this.#attempt);
    }
  }

  #send(entry: Entry, attempt: number): void {
    const { journals, clock, journal, owner, events } = this.#options;
    if (entry.sends === 0) entry.sentNs = clock.nowNs();
    entry.sends += 1;
    this.#sentThrough = Math.max(this.#sentThrough, entry.first + entry.count);
    journals
      .append(journal, entry.bytes, owner)
      .then((outcome) => this.#settle(entry, attempt, outcome))
      .catch((error: unknown) => {
        this.#isOver = true;
        events.onError(error);
      });
  }

  #settle(entry: Entry, attempt: number, answer: AppendOutcome): void {
    if (this.#isOver) return;
    const { events, journal } = this.#options;
    switch (answer.outcome) {
      case 'committed':
        return this.#acknowledge(entry.first + entry.count, answer.stampNs);
      case 'expected':
        if (answer.n < this.#acknowledged) {
          const detail =
            `records below ${this.#acknowledged} were acknowledged, ` +
            `but the journal has only records below ${answer.n}`;
          throw new ViolationError('acknowledged-loss', detail, { journal, index: answer.n });
        }
        if (!this.#isOwnBefore(entry, answer.n)) throw foreignRecords(journal, this.#options.producer, answer.n);
        this.#acknowledge(answer.n, answer.stampNs);
        return this.#goBack(attempt);
      case 'unknown':
        return this.#goBack(attempt);
      case 'refused':
        return this.#goBackLater(attempt);
      case 'fenced':
        this.#isOver = true;
        return events.onFenced();
      case 'ended':
        this.#isOver = true;
        return events.onEnded(answer.n);
      case 'corrupt':
        throw new ViolationError('corrupt', `a batch arrived damaged at the journal: ${answer.reason}`, {
          journal,
          index: entry.first,
        });
      case 'rejected':
        throw new OperatingError('ERR_APPEND_REJECTED', `the journal ${journal} rejects a batch: ${answer.reason}`);
      default:
        return unreachable(answer);
    }
  }

  /**
   * A batch that was sent once is answered before anything that was sent after it. So the journal has none of its
   * records, and none behind them.
   */
  #isOwnBefore({ first, sends }: Entry, n: number): boolean {
    return sends === 1 ? n <= Math.max(first, this.#aloneFrom) : this.isOwn(n);
  }

  #acknowledge(through: number, stampNs: number): void {
    if (through <= this.#acknowledged) return;
    this.#acknowledged = through;
    this.#isProbing = false;
    this.#dropAcknowledged();
    this.#options.events.onAcknowledged(through, stampNs);
    this.#pump();
  }

  #dropAcknowledged(): void {
    const { clock, events } = this.#options;
    for (let entry = this.#queue[0]; entry !== undefined; entry = this.#queue[0]) {
      if (entry.first >= this.#acknowledged) return;
      if (entry.first + entry.count <= this.#acknowledged) {
        this.#queue.shift();
        if (this.#sent > 0) this.#sent -= 1;
        if (entry.sends > 0) events.onLatency?.(clock.nowNs() - entry.sentNs);
        continue;
      }
      const dropped = this.#acknowledged - entry.first;
      const bytes = dropLeadingRecords(entry.bytes, dropped, this.#options.journal, crc32c);
      const { sentNs, sends } = entry;
      this.#queue[0] = { first: this.#acknowledged, count: entry.count - dropped, bytes, sentNs, sends };
      return;
    }
  }

  /** Sends everything again that is not acknowledged: once, however many answers of one attempt ask for it. */
  #goBack(attempt: number): void {
    if (attempt !== this.#attempt) return;
    this.#attempt += 1;
    this.#sent = 0;
    this.#pump();
  }

  #goBackLater(attempt: number): void {
    if (attempt !== this.#attempt) return;
    this.#attempt += 1;
    this.#sent = 0;
    this.#isWaiting = true;
    this.#isProbing = true;
    this.#options.clock.after(REFUSED_RETRY_MS, () => {
      this.#isWaiting = false;
      this.#pump();
    });
  }
}

/** A journal has records below `n` under a producer's id that the producer did not send. */
export function foreignRecords(journal: string, producer: string, n: number): ViolationError {
  const detail = `the journal has ${n} records of producer ${producer}, and not all of them were sent by it`;
  return new ViolationError('phantom', detail, { journal, index: n - 1 });
}
