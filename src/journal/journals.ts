/**
 * The boundary to the journals. Code above this directory does not know which engine is behind it: the embedded engine
 * (ZeroMQ and LMDB) or brokers on other machines.
 *
 * A journal is an append-only log of record batches. Offsets are positions: the end of a batch is above its begin, and
 * the next batch that a reader gets begins where the last one has ended. Offsets count bytes only where an engine says
 * so (`promises.ts`). A reader may begin at any batch boundary.
 */

import type { StateLog } from './state-log.ts';

/** The right of a summer to speak for a shard. Every request about a shard carries it. */
export type ShardEpoch = { readonly shard: number; readonly epoch: number };

/** The shard has an owner with a newer epoch. `epoch`: the shard's present epoch. */
export type Fenced = { readonly outcome: 'fenced'; readonly epoch: number };

/**
 * What became of one append.
 *
 * - `committed`: durable, at these offsets. `stampNs` is the broker's monotonic time after the durable commit. Where
 *   this process cannot compare that clock, it is the time at which the answer was read. It is never 0.
 * - `expected`: nothing was appended, because the batch does not begin at the producer's next index `n`. All records
 *   below `n` are durable.
 * - `refused`: no room now; try again later.
 * - `fenced`: the shard has a newer owner.
 * - `ended`: the producer has ended in this journal, and its end is record `n - 1`. This is also the answer to its
 *   own end when that is sent again.
 * - `corrupt`: the batch did not verify when it arrived. `rejected`: the request can never succeed.
 * - `unknown`: the connection was lost; the batch may or may not have been appended.
 */
export type AppendOutcome =
  | { readonly outcome: 'committed'; readonly begin: number; readonly end: number; readonly stampNs: number }
  | { readonly outcome: 'expected'; readonly n: number; readonly stampNs: number }
  | { readonly outcome: 'refused' }
  | Fenced
  | Ended
  | { readonly outcome: 'corrupt'; readonly reason: string }
  | { readonly outcome: 'rejected'; readonly reason: string }
  | { readonly outcome: 'unknown' };

/** The producer has ended: the journal has `n` records of it, including its end, and accepts no more. */
export type Ended = { readonly outcome: 'ended'; readonly n: number };

/** `n`: the next index of the producer; every record below it is durable. */
export type ExpectedOutcome =
  | { readonly outcome: 'expected'; readonly n: number; readonly stampNs: number }
  | Ended
  | Fenced;

/** One batch as read: the bytes as they were appended, not yet verified. */
export type StoredBatch = {
  readonly begin: number;
  readonly end: number;
  /**
   * When it became durable, or where an engine says so (`promises.ts`) when its reader knew that it had: monotonic
   * nanoseconds of this boot; 0 where that is not known, as of an earlier boot.
   */
  readonly stampNs: number;
  readonly bytes: Uint8Array;
};

/** Why a stream ended. `trimmed`: the offset is below `begin`, the first offset that is kept. */
export type ReadEnd =
  | { readonly end: 'trimmed'; readonly begin: number }
  | { readonly end: 'fenced' }
  | { readonly end: 'rejected'; readonly reason: string };

/** A stream of batches from an offset, in order, without gaps, across reconnects. */
export interface ReadStream {
  /** Waits for the next batch; `null` after `close`. Taking a batch grants credit for more. */
  next(): Promise<StoredBatch | ReadEnd | null>;
  close(): void;
}

export type JournalInfo = {
  readonly name: string;
  /** The first offset that is kept. */
  readonly begin: number;
  /** The end of the last durable batch. */
  readonly head: number;
};

export type ShardInfo = {
  readonly shard: number;
  readonly epoch: number;
  /** The path of the store that speaks for the shard, once confirmed. */
  readonly confirmed: string | null;
  /** The read-through offset that the shard has reported. */
  readonly pin: number;
};

export type JournalsInfo = {
  readonly partitions: number;
  /** The largest batch, header included, that the journals accept. */
  readonly batchBytesMax: number;
  readonly journals: readonly JournalInfo[];
  readonly shards: readonly ShardInfo[];
};

export type RaiseOptions = {
  /** Whether to raise the epoch although another store is confirmed. */
  readonly takeOver: boolean;
  /** Only this epoch is replaced: a late copy of the request finds a higher epoch, and does nothing. */
  readonly from: number;
};

/**
 * What became of a raise.
 *
 * - `raised`: durable; the epoch is the caller's.
 * - `replaced`: another store is confirmed, and `takeOver` was false.
 * - `moved`: the shard durably has another epoch, `epoch`, than the one that was to be replaced. Nothing was raised.
 */
export type RaiseOutcome =
  | { readonly outcome: 'raised'; readonly epoch: number; readonly confirmed: string | null }
  | { readonly outcome: 'replaced'; readonly confirmed: string }
  | { readonly outcome: 'moved'; readonly epoch: number };

export type PinOutcome = {
  /** The offset of the pin: the head when the pin was made. */
  readonly offset: number;
  /** The next index of each producer at that offset. */
  readonly nextIndexes: Readonly<Record<string, number>>;
};

/**
 * `isLeaving`: the reader goes away and will come back. Its absence alone then does not drop its pin. Keeping more than
 * its part of the journal's room still does.
 */
export type LeaveOptions = { readonly isLeaving?: boolean };

/** Whether the journals have what they once had said. `elsewhere`: they are other journals, at another address. */
export type VouchOutcome =
  | { readonly outcome: 'held' }
  | { readonly outcome: 'lost'; readonly detail: string }
  | { readonly outcome: 'elsewhere'; readonly address: string };

/**
 * Any call rejects, and any stream ends, with a ViolationError `acknowledged-loss` when an answer proves that the
 * journals have lost what they had said was durable.
 */
export interface Journals {
  /** Appends in the order of the calls. Each call has at most one outcome; resending is the caller's task. */
  append(journal: string, batch: Uint8Array, owner?: ShardEpoch): Promise<AppendOutcome>;
  expected(journal: string, producer: string, owner?: ShardEpoch): Promise<ExpectedOutcome>;
  /** `credit`: bytes that may be under way or waiting to be taken. */
  read(journal: string, offset: number, options: { creditBytes: number; owner?: ShardEpoch }): ReadStream;
  /** The end of the last durable batch. */
  head(journal: string): Promise<number>;
  list(): Promise<JournalsInfo>;
  /**
   * Proves to a later process how far the journals were durable when the witness was taken; `null`: they have said
   * nothing yet.
   */
  readonly witness: string | null;
  /**
   * Whether the journals still have everything that they had said when the witness was taken, by this or another
   * process.
   */
  vouch(witness: string): Promise<VouchOutcome>;

  /** Raises a shard's epoch, durably; `path` is the caller's own store. */
  raise(shard: number, path: string, options: RaiseOptions): Promise<RaiseOutcome>;
  /** From now on the store at `path` speaks for the shard. */
  confirm(owner: ShardEpoch, path: string): Promise<'confirmed' | 'fenced'>;
  /** Everything of the shard's journal below `offset` is durably folded. */
  report(owner: ShardEpoch, offset: number): Promise<'reported' | 'fenced'>;

  /**
   * The log in which the journals keep the state of a shard; `null`: they keep none, and only the store of the shard's
   * owner has it.
   */
  openState(owner: ShardEpoch): StateLog | null;

  /** Makes a verifier's or auditor's pin at the head, or makes it anew there. */
  pin(journal: string, name: string): Promise<PinOutcome>;
  /** Moves a pin forward, and says that its reader is there. Never creates a pin. */
  movePin(journal: string, name: string, offset: number, options?: LeaveOptions): Promise<'moved' | 'missing'>;
  release(journal: string, name: string): Promise<void>;
  /** Ends a producer in a journal. */
  retire(journal: string, producer: string): Promise<void>;

  close(): void;
}

export const SUMS_JOURNAL = 'sums';

/** Name of a partition's chunk journal. */
export function chunkJournal(partition: number): string {
  return `chunks/part-${String(partition).padStart(3, '0')}`;
}

/** Name of the journal in which a shard's state is kept, where an engine keeps it. */
export function stateJournal(shard: number): string {
  return `states/shard-${String(shard).padStart(3, '0')}`;
}

/** Bounds the number of partitions. */
export const PARTITIONS_MAX = 256;
