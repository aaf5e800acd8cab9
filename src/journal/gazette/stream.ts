/**
 * Reads a journal from the boundary of a batch, in order, across brokers that come and go.
 *
 * A batch is handed on only when it is committed. A broker that was cut off from its peers serves bytes that may
 * never become part of the journal, so that an offset below the journal's end proves nothing. What proves it is a
 * barrier that ends at or above the batch and was acknowledged by the very process that served the bytes: every
 * process that acknowledges a barrier has everything below as it was committed. What another process served is read
 * again. So is what is held when its read breaks off: the process may have died, and another one may have its id.
 *
 * A hole is passed over once it is proven to have nothing that was acknowledged, and a trimmed journal ends its reader
 * (`holes.ts`). The batch behind a hole has the hole before it: its begin is still the end of the batch before.
 *
 * The price is one barrier for all that arrived during the one before. The owner of a shard is looked up beside it.
 */

import { type Clock, delay } from '../../core/clock.ts';
import { ViolationError } from '../../core/errors.ts';
import type { ReadEnd, ReadStream, ShardEpoch, StoredBatch } from '../journals.ts';
import { lossBeyond } from '../proofs.ts';
import { BatchCutter } from './batch-cutter.ts';
import type { Barrier, Brokers } from './brokers.ts';
import { BATCHES, type Frames } from './frames.ts';
import { Held } from './held.ts';
import { Holes } from './holes.ts';
import type { Registry } from './registry.ts';
import { Pace } from './pace.ts';
import { READ_MS, type ReadCall, type RpcCalls } from './rpc.ts';
import {
  isDeadline,
  isRefusal,
  meaningOfError,
  meaningOfStatus,
  missingJournal,
  rejectedError,
  statusName,
  wordsOf,
} from './status.ts';
import type { Wait } from './wait.ts';
import { type ReadResponse, numberOf, processName } from './wire.ts';

/** Between two tries. */
const RETRY_MS = 50;
/** How long a broker may bring nothing of what is committed until the next broker is asked. */
const DUE_MS = 5_000;
/**
 * So many reads in a row may bring nothing of what is committed: 4 minutes. After the loss of a primary, bytes may be
 * on one replica alone. It persists them within 3 minutes, and others look at the fragment store each 10 s.
 */
const EMPTY_READS_MAX = 48;
/** A read that waits longer than its deadline and this has ended while this process was stopped. */
const LATE_MS = 2_000;
export type StreamOptions = {
  readonly rpc: RpcCalls;
  readonly clock: Clock;
  readonly brokers: Brokers;
  readonly registry: Registry;
  readonly journal: string;
  readonly offset: number;
  readonly creditBytes: number;
  readonly owner?: ShardEpoch;
  /** What the journal consists of; absent: batches. */
  readonly frames?: Frames;
  /** Nobody needs what is beyond: a hole that reaches up to here closes the stream. */
  readonly needed?: number;
  readonly onClosed: (stream: GazetteStream) => void;
};

type Next = StoredBatch | ReadEnd | null;

export class GazetteStream implements ReadStream {
  readonly #options: StreamOptions;
  readonly #closed = new AbortController();
  readonly #frames: Frames;
  #cutter: BatchCutter;
  #call: ReadCall | null = null;
  /** The process that serves the present call. */
  #server = '';
  #isPaused = false;
  readonly #held: Held;
  readonly #ready: StoredBatch[] = [];
  #waitingBytes = 0;
  #isCovering = false;
  /** The end of the stream, behind what is ready. */
  #end: ReadEnd | null = null;
  #failure: Error | null = null;
  #waiting: { resolve: (next: Next) => void; reject: (error: Error) => void } | null = null;
  /** Reads in a row that got nothing of what the journal was known to have. */
  #emptyReads = 0;
  /** How many places after the present broker the one is that is asked: one more after each. */
  #beyond = 0;
  /** The last barrier has proven that there is something to read. */
  #isDue = false;
  /** When the present call began, and whether it has never been paused. */
  #began = { atNs: 0, isOpen: false, limitMs: READ_MS };
  /** Counts what opens the call anew: only the last one does. */
  #openings = 0;
  /** The end of the hole that has closed the stream, behind all that was needed; -1: none has. */
  closedAt = -1;
  /** It has ended because no batch begins where it reads. */
  isForeign = false;
  readonly #wait: Wait;
  readonly #holes: Holes;
  readonly #pace: Pace;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#frames = options.frames ?? BATCHES;
    this.#cutter = new BatchCutter(options.offset, this.#frames.magic);
    this.#wait = options.brokers.waitFor(`a read of ${options.journal}`);
    this.#held = new Held((bytes) => this.#frames.faultOf(bytes, options.journal));
    this.#holes = new Holes(options);
    this.#pace = new Pace(options.clock);
    void this.#run(this.#look().then(() => this.#open()));
  }

  next(): Promise<Next> {
    const batch = this.#ready.shift();
    if (batch !== undefined) {
      this.#waitingBytes -= batch.bytes.length;
      this.#flow();
      return Promise.resolve(batch);
    }
    if (this.#closed.signal.aborted) return Promise.resolve(null);
    if (this.#failure !== null) return Promise.reject(this.#failure);
    if (this.#end !== null) return Promise.resolve(this.#end);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  close(): void {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort();
    this.#stopReading();
    this.#ready.length = 0;
    this.#waiting?.resolve(null);
    this.#waiting = null;
    this.#options.onClosed(this);
  }

  get #isOver(): boolean {
    return this.#closed.signal.aborted || this.#end !== null || this.#failure !== null;
  }

  /** Whoever waits gets what there is. */
  #wake(): void {
    const waiting = this.#waiting;
    if (waiting === null || (this.#ready.length === 0 && !this.#isOver)) return;
    this.#waiting = null;
    this.next().then(waiting.resolve, waiting.reject);
  }

  #finish(end: ReadEnd): void {
    if (this.#isOver) return;
    this.#end = end;
    this.#stopReading();
    this.#wake();
  }

  async #run(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (this.#isOver) return;
      this.#failure = error instanceof Error ? error : new Error(String(error));
      this.#stopReading();
      this.#wake();
    }
  }

  #stopReading(): void {
    this.#call?.cancel();
    this.#call = null;
    this.#held.drop();
  }

  // --- the call ---

  /** Before it reads, and whenever nothing came for a whole call: whether there should be something. */
  async #look(): Promise<void> {
    const { brokers, journal, needed } = this.#options;
    const { isFenced, barrier } = await this.#ask();
    if (this.#isOver) return;
    if (isFenced) return this.#finish({ end: 'fenced' });
    const offset = this.#cutter.boundary;
    if (barrier.end < offset) throw lossBeyond(brokers.nameOf(journal), offset, `ends at ${barrier.end}`);
    this.#isDue = barrier.end > offset;
    if (!this.#isDue) this.#emptyReads = 0;
    if (this.#emptyReads === 0) return;
    const missing = await this.#holes.look(offset, barrier, this.#emptyReads >= EMPTY_READS_MAX);
    if (this.#isOver || missing === null) return;
    const { why, end } = missing;
    if (why === 'trimmed') return this.#finish({ end: why, begin: end });
    this.#holes.pass(offset, end);
    this.#cutter = new BatchCutter(end, this.#frames.magic);
    this.#emptyReads = 0;
    this.#isDue = barrier.end > end;
    if (needed === undefined || end < needed) return;
    this.closedAt = end;
    this.close();
  }

  /** A barrier, and whether the shard has a newer owner, both asked from now on. */
  async #ask(): Promise<{ readonly isFenced: boolean; readonly barrier: Barrier }> {
    const { brokers, registry, journal, owner } = this.#options;
    const [barrier, fenced] = await Promise.all([
      brokers.barrier(journal),
      owner === undefined ? null : registry.fencing(owner),
    ]);
    return { isFenced: fenced !== null, barrier };
  }

  /** From the boundary of the batch that follows what is held. */
  #open(): void {
    if (this.#isOver) return;
    this.#call?.cancel();
    const { rpc, brokers, journal, clock } = this.#options;
    const offset = this.#cutter.boundary;
    this.#cutter = new BatchCutter(offset, this.#frames.magic);
    this.#server = '';
    this.#isPaused = false;
    const limitMs = this.#isDue ? DUE_MS : READ_MS;
    this.#began = { atNs: clock.nowNs(), isOpen: true, limitMs };
    const call = rpc.read(
      { journal: brokers.nameOf(journal), offset: String(offset), block: true },
      {
        onMessage: (message) => {
          if (this.#call === call) void this.#run(this.#take(message));
        },
        onEnd: (error) => {
          if (this.#call === call) void this.#run(this.#ended(error));
        },
      },
      { beyond: this.#beyond, limitMs },
    );
    this.#call = call;
    this.#flow();
  }

  async #ended(error: Error | null): Promise<void> {
    const { clock, journal } = this.#options;
    const isRejected = error !== null && meaningOfError(error) === 'rejected';
    if (isRejected || this.#wait.refused(isRefusal(error))) {
      throw rejectedError(`a read of ${journal}`, wordsOf(error));
    }
    // The process may have died or die unseen, and a broker whose operator has named it comes back under the same id,
    // without the bytes that no other replica had.
    this.#drop();
    if (!isDeadline(error)) {
      // The present broker is left by all that ask it, once it is away.
      if (this.#beyond > 0) this.#beyond += 1;
      this.#wait.failed(error === null ? 'the read ended' : wordsOf(error));
      return await this.#reopen();
    }
    // Nobody was asked while the call was paused, or this process was stopped, or a broker was away.
    const waitedMs = (clock.nowNs() - this.#began.atNs) / 1e6;
    if (this.#isDue) this.#beyond += 1;
    if (this.#isDue && this.#began.isOpen && waitedMs < this.#began.limitMs + LATE_MS) this.#emptyReads += 1;
    this.#wait.over();
    await this.#reopen({ isAtOnce: true });
  }

  /** The call is opened anew, unless that is asked for again meanwhile. */
  async #reopen({ isAtOnce = false } = {}): Promise<void> {
    this.#call?.cancel();
    this.#call = null;
    this.#openings += 1;
    const opening = this.#openings;
    if (!isAtOnce) await delay(this.#options.clock, RETRY_MS, this.#closed.signal);
    if (this.#isOver || opening !== this.#openings) return;
    if (this.#held.count === 0) await this.#look();
    if (opening === this.#openings) this.#open();
  }

  async #take(message: ReadResponse): Promise<void> {
    if (message.header !== null) this.#server = processName(message.header.process_id);
    const meaning = meaningOfStatus(message.status);
    const { brokers, journal } = this.#options;
    if (meaning === 'missing') throw missingJournal(brokers.nameOf(journal));
    if (meaning === 'rejected') {
      return this.#finish({ end: 'rejected', reason: `the cluster answers ${statusName(message.status)}` });
    }
    // The call ends behind any other status, and is opened again.
    if (meaning !== 'done') return this.#wait.failed(statusName(message.status));
    const offset = numberOf(message.offset);
    if (offset !== this.#cutter.through) return await this.#jumped();
    this.#wait.over();
    if (message.content.length === 0) return;
    const cut = this.#cutter.push(message.content);
    if ('fault' in cut) {
      // What is held is handed on first: until then the same is read again.
      if (this.#held.count > 0) return await this.#reopen();
      this.isForeign = true;
      return this.#finish({ end: 'rejected', reason: `${brokers.nameOf(journal)}: ${cut.fault}` });
    }
    if (cut.length > 0) {
      this.#emptyReads = 0;
      this.#isDue = false;
    }
    for (const batch of cut) {
      this.#held.push(batch, this.#server);
      this.#waitingBytes += batch.bytes.length;
    }
    this.#flow();
    if (this.#isEnough) this.#pace.hurry();
    await this.#cover();
  }

  /** The broker has skipped something: what the journal no longer keeps, a hole, or what others know of. */
  async #jumped(): Promise<void> {
    if (this.#held.count > 0) return await this.#reopen();
    this.#call?.cancel();
    this.#call = null;
    this.#beyond += 1;
    this.#emptyReads += 1;
    await delay(this.#options.clock, DUE_MS, this.#closed.signal);
    await this.#reopen({ isAtOnce: true });
  }

  /** Lets the call go on while there is room for what it brings. */
  #flow(): void {
    const isFull = this.#waitingBytes >= this.#options.creditBytes;
    if (isFull === this.#isPaused) return;
    this.#isPaused = isFull;
    if (isFull) this.#began = { ...this.#began, isOpen: false };
    if (isFull) this.#call?.pause();
    else this.#call?.resume();
  }

  // --- what is committed ---

  /** Whether a barrier waits for no more: the stream would be paused soon. */
  get #isEnough(): boolean {
    return this.#waitingBytes * 2 >= this.#options.creditBytes;
  }

  async #cover(): Promise<void> {
    if (this.#isCovering) return;
    this.#isCovering = true;
    try {
      while (this.#held.count > 0 && !this.#isOver) {
        if (!this.#isEnough) await this.#pace.due(this.#closed.signal);
        const count = this.#held.count;
        if (count === 0 || this.#isOver) continue;
        const { isFenced, barrier } = await this.#pace.call(this.#held.bytes, () => this.#ask());
        if (this.#isOver) return;
        if (isFenced) return this.#finish({ end: 'fenced' });
        if (this.#release(count, barrier)) continue;
        this.#wait.failed('no barrier covers what was read');
        await delay(this.#options.clock, RETRY_MS, this.#closed.signal);
      }
    } finally {
      this.#isCovering = false;
    }
  }

  /** Hands on what the barrier covers of the first `count` that are held. False: none of it. */
  #release(count: number, barrier: Barrier): boolean {
    const { brokers, journal, clock } = this.#options;
    const { batches, isStale, fault } = this.#held.cover(count, barrier);
    const nowNs = clock.nowNs();
    for (const { begin, end, bytes } of batches) {
      this.#ready.push({ begin: this.#holes.beginOf(begin), end, stampNs: nowNs, bytes });
    }
    if (fault !== null) {
      throw new ViolationError('corrupt', fault.words, { journal: brokers.nameOf(journal), offset: fault.begin });
    }
    if (isStale && this.#drop()) void this.#run(this.#reopen());
    this.#wake();
    return batches.length > 0;
  }

  /** Takes back what is held, to read it again. False: nothing is. */
  #drop(): boolean {
    const dropped = this.#held.drop();
    if (dropped === null) return false;
    this.#waitingBytes -= dropped.bytes;
    this.#cutter = new BatchCutter(dropped.begin, this.#frames.magic);
    return true;
  }
}
