/**
 * The broker's rules: which append is accepted, and what may be trimmed. `owners.ts` has the rules about who owns a
 * shard. Accepting changes the state in memory and marks it for the next commit. Nothing here answers a client: the
 * broker answers when that commit is durable.
 *
 * Together with the group commit it keeps invariant 1: acknowledged means durable.
 *
 * Rules P-APPEND-1, P-APPEND-3 of docs/protocol.md.
 */

import { assert } from '../../core/assert.ts';
import type { Clock } from '../../core/clock.ts';
import { crc32c } from '../../hash/crc32c.ts';
import { BATCH_BYTES_MAX, type Batch, decodeBatch, encodeBatch, shardProducer } from '../../message/batch.ts';
import { keyOf, offsetKey, offsetOfKey, sealRow } from '../../store/row.ts';
import { type Store, WriteBatch } from '../../store/store.ts';
import { type AppendOutcome, type ShardEpoch, type StoredBatch } from '../journals.ts';
import type { ListAnswer } from '../protocol.ts';
import { Pins } from './pins.ts';
import type { JournalLog, ProducerState } from './journal-log.ts';
import { Lineage } from './lineage.ts';
import { ShardOwners } from './owners.ts';
import { restore, shardPinName } from './restore.ts';
import * as tables from './tables.ts';

/** The most batches removed from one journal in one commit. */
const TRIM_BATCHES_MAX = 512;
/** Bytes of recent batches in memory, over all journals. Each journal may fill its part, or exceed it by one batch. */
export const RECENT_BYTES_MAX: number = 32 * 1024 * 1024;
/** A batch takes at most this part of a journal's room. */
const BATCH_SHARE = 4;

/**
 * The most producers that a journal ever has, and all journals together. Producers that have ended count (P-APPEND-3).
 * Each takes some 220 bytes of memory in each journal, and 100 on disk. The next producer is refused for good; only an
 * empty data folder helps.
 *
 * The answer to a request for a pin names all producers that have not ended. The bound of a journal keeps that answer
 * below `BROKER_HEADER_BYTES_MAX`. The bound of all journals keeps their memory below 230 MB.
 */
export const JOURNAL_PRODUCERS_MAX = 65_536;
export const PRODUCERS_MAX: number = 1024 * 1024;

/** Smaller batches are copied out of the message that brought them. */
const COPY_BYTES_MAX = 4096;

export type BrokerConfig = {
  readonly partitions: number;
  /**
   * Room for all chunk journals together. Each partition has an equal part, so that no partition can starve another.
   */
  readonly retentionBytes: number;
  /** Room for the sums journal. */
  readonly sumsBytes: number;
  /**
   * A pin of a verifier or an auditor that was not repeated for so long is dropped, unless its reader has taken leave.
   */
  readonly pinAbsenceMs: number;
  /** A pin that keeps more than its part of the room is dropped when it has not moved for so long. */
  readonly pinPatienceMs: number;
};

/** What differs between starts of the broker. */
export type BrokerStart = {
  /** Random: names this start of the broker. */
  readonly incarnation: string;
  /** Hash of the machine's boot id. Stamps of another boot are not comparable. */
  readonly bootHash: number;
};

export type Accepted = { readonly journal: JournalLog; readonly begin: number; readonly end: number };
export type AppendDecision = { readonly accepted: Accepted } | AppendOutcome;

/** The largest batch that every journal of a broker with this configuration accepts. */
export function batchBytesMaxOf(config: Pick<BrokerConfig, 'partitions' | 'retentionBytes' | 'sumsBytes'>): number {
  const chunkJournalBytes = Math.floor(config.retentionBytes / config.partitions);
  return Math.min(BATCH_BYTES_MAX, Math.floor(Math.min(chunkJournalBytes, config.sumsBytes) / BATCH_SHARE));
}

export class BrokerState {
  readonly journals: Map<string, JournalLog> = new Map();
  readonly owners: ShardOwners;
  readonly lineage: Lineage;
  readonly pins: Pins;
  readonly config: BrokerConfig;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #bootHash: number;
  readonly #byNumber: JournalLog[] = [];
  /**
   * Batches that are accepted and in no commit yet, and batches of the commit under way. The journals' room bounds
   * both.
   */
  #accepted: { journal: JournalLog; batch: Omit<StoredBatch, 'stampNs'> }[] = [];
  #underWay: { journal: JournalLog; batch: Omit<StoredBatch, 'stampNs'> }[] = [];
  /**
   * Stamps of durable batches of sums, by begin: stamps that the next commit writes, and stamps in the commit under
   * way. Stamps of chunks are not kept, because no reader asks for them later.
   */
  #stamps = new Map<number, number>();
  #stampsUnderWay = new Map<number, number>();
  readonly #dirtyProducers = new Set<ProducerState>();
  readonly #dirtyJournals = new Set<JournalLog>();

  constructor(store: Store, clock: Clock, config: BrokerConfig, start: BrokerStart) {
    this.#store = store;
    this.#clock = clock;
    this.config = config;
    this.#bootHash = start.bootHash;
    const restored = restore(store, config.partitions);
    const { journals, shards, missingPins, unstamped } = restored;
    this.lineage = new Lineage(restored.lineage, restored.lastCommit, start.incarnation);
    for (const journal of journals) {
      this.journals.set(journal.name, journal);
      this.#byNumber.push(journal);
      this.#dirtyJournals.add(journal);
    }
    this.owners = new ShardOwners(shards);
    this.pins = new Pins({
      journals,
      missing: missingPins,
      config,
      roomOf: (journal) => this.roomOf(journal),
    });
    // These batches become visible now.
    for (const begin of unstamped) this.#stamps.set(begin, clock.nowNs());
  }

  get #sums(): JournalLog {
    const sums = this.#byNumber.at(-1);
    assert(sums !== undefined && sums.kind === 'sums', 'the sums journal comes last');
    return sums;
  }

  get chunkJournalBytes(): number {
    return Math.floor(this.config.retentionBytes / this.config.partitions);
  }

  /** Bytes that the journal has room for. */
  roomOf({ kind }: JournalLog): number {
    return kind === 'sums' ? this.config.sumsBytes : this.chunkJournalBytes;
  }

  /** The largest batch that every journal accepts. */
  get batchBytesMax(): number {
    return batchBytesMaxOf(this.config);
  }

  /** Bytes of batches that are kept in memory. */
  get recentBytes(): number {
    return this.#byNumber.reduce((bytes, journal) => bytes + journal.recentBytes, 0);
  }

  get journalBytes(): number {
    return this.#byNumber.reduce((bytes, journal) => bytes + journal.bytes, 0);
  }

  // --- appending ---

  append(journalName: string, bytes: Uint8Array, owner?: ShardEpoch): AppendDecision {
    if (owner !== undefined && this.owners.isFenced(owner)) return this.owners.fenced(owner);
    const journal = this.journals.get(journalName);
    if (journal === undefined) return { outcome: 'rejected', reason: `there is no journal ${journalName}` };
    if (bytes.length > this.batchBytesMax) {
      return {
        outcome: 'rejected',
        reason: `a batch of ${bytes.length} bytes, the journals take at most ${this.batchBytesMax}`,
      };
    }
    const batch = decodeBatch(bytes, journalName, crc32c);
    if ('fault' in batch) return { outcome: 'corrupt', reason: batch.fault };
    const misplaced = this.#misplaced(journal, batch, owner);
    if (misplaced !== null) return { outcome: 'rejected', reason: misplaced };
    const known = journal.producers.get(batch.producer);
    if (known?.ended === true) return { outcome: 'ended', n: known.next };
    if (known === undefined && !this.hasRoomForProducer(journal)) {
      return { outcome: 'rejected', reason: this.tooManyProducers(journal) };
    }
    const next = known?.next ?? 0;
    if (batch.firstIndex !== next) return { outcome: 'expected', n: next, stampNs: 0 };
    if (batch.kind !== 'end' && journal.bytes + bytes.length > this.roomOf(journal)) return { outcome: 'refused' };
    return { accepted: this.#accept(journal, batch, bytes) };
  }

  #misplaced(journal: JournalLog, batch: Batch, owner?: ShardEpoch): string | null {
    if (journal.kind === 'chunks') {
      if (batch.kind === 'sums') return 'sums do not go into a chunk journal';
      if (batch.producer.startsWith('00')) return 'a chunk producer id must not begin with a zero byte';
      if (batch.epoch !== 0) return 'a chunk batch carries no epoch';
      return null;
    }
    if (batch.kind !== 'sums') return 'only sums go into the sums journal';
    if (owner === undefined) return 'a batch of sums needs its shard and epoch';
    if (batch.producer !== shardProducer(owner.shard)) return 'the producer is not that of the shard';
    return batch.epoch === owner.epoch ? null : 'the batch carries another epoch than the request';
  }

  #accept(journal: JournalLog, batch: Batch, bytes: Uint8Array): Accepted {
    const producer = journal.producer(batch.producer);
    assert(producer.next === batch.firstIndex && !producer.ended, 'indexes have no gap');
    producer.next += batch.count;
    if (batch.kind === 'end') producer.ended = true;
    const begin = journal.tail;
    journal.tail += bytes.length;
    // The transport's buffer of a small message is larger than the message.
    const kept = bytes.length < COPY_BYTES_MAX ? copyOf(bytes) : bytes;
    this.#accepted.push({ journal, batch: { begin, end: journal.tail, bytes: kept } });
    this.#dirtyProducers.add(producer);
    this.#dirtyJournals.add(journal);
    return { journal, begin, end: journal.tail };
  }

  /** Whether the journal may have another producer. */
  hasRoomForProducer({ producers }: JournalLog): boolean {
    return producers.size < Math.min(JOURNAL_PRODUCERS_MAX, Math.floor(PRODUCERS_MAX / this.config.partitions));
  }

  tooManyProducers({ name, producers }: JournalLog): string {
    return `${name} has had ${producers.size} producers and takes no other one: begin with an empty data folder`;
  }

  /**
   * Ends a producer once, at its next index, by a batch that readers see. `false`: the journal does not know the
   * producer, and has no room for another one.
   */
  retire(journal: JournalLog, producer: string): boolean {
    if (!journal.producers.has(producer) && !this.hasRoomForProducer(journal)) return false;
    const state = journal.producer(producer);
    if (state.ended) return true;
    const header = { kind: 'end', producer, firstIndex: state.next, count: 1, epoch: 0 } as const;
    const bytes = encodeBatch(header, new Uint8Array(0), journal.name, crc32c);
    const batch = decodeBatch(bytes, journal.name, crc32c);
    assert(!('fault' in batch), 'the end of a producer is a batch');
    this.#accept(journal, batch, bytes);
    return true;
  }

  // --- pins ---

  shardPin(shard: number): { journal: JournalLog; name: string } {
    const journal = this.#byNumber[shard];
    assert(journal !== undefined && journal.kind === 'chunks', `shard ${shard} has a journal`);
    return { journal, name: shardPinName(shard) };
  }

  /** Whether the next commit would trim anything. */
  canTrim(journal: JournalLog): boolean {
    return this.#trimTarget(journal) > journal.begin;
  }

  /** Whether there is enough to trim to justify a commit. */
  wantsTrim(journal: JournalLog): boolean {
    return this.#trimTarget(journal) - journal.begin > this.roomOf(journal) / 16;
  }

  /** Whether stamps wait for a commit. Without a commit, a crash would lose them. */
  get hasStamps(): boolean {
    return this.#stamps.size > 0;
  }

  // --- reading ---

  /** A durable batch, from memory or the store. */
  batchAt(journal: JournalLog, offset: number): StoredBatch | null {
    const recent = journal.recall(offset);
    if (recent !== undefined) return recent;
    const key = offsetKey(journal.number, offset);
    const bytes = this.#store.get('batches', key);
    if (bytes === undefined) return null;
    const stampNs = journal.kind === 'sums' ? this.#storedStamp(key) : 0;
    return { begin: offset, end: offset + bytes.length, stampNs, bytes };
  }

  #storedStamp(key: Buffer): number {
    const begin = offsetOfKey(key);
    const unwritten = this.#stamps.get(begin) ?? this.#stampsUnderWay.get(begin);
    if (unwritten !== undefined) return unwritten;
    const stamp = this.#store.get('stamps', key);
    return stamp === undefined ? this.#clock.nowNs() : tables.decodeStamp(stamp, this.#bootHash);
  }

  info(): ListAnswer {
    return {
      partitions: this.config.partitions,
      batchBytesMax: this.batchBytesMax,
      journals: this.#byNumber.map(({ name, begin, head }) => ({ name, begin, head })),
      shards: this.owners.shards.map(({ epoch, confirmed }, shard) => {
        const { journal, name } = this.shardPin(shard);
        return { shard, epoch, confirmed, hold: journal.pins.get(name)?.offset ?? 0 };
      }),
    };
  }

  // --- the commit ---

  /** Everything accepted since the last call, as the writes of one transaction. */
  fill(): WriteBatch {
    const batch = new WriteBatch();
    this.#underWay = this.#accepted;
    this.#accepted = [];
    for (const { journal, batch: stored } of this.#underWay) {
      batch.put('batches', offsetKey(journal.number, stored.begin), stored.bytes);
    }
    this.#stampsUnderWay = this.#stamps;
    this.#stamps = new Map();
    for (const [begin, stampNs] of this.#stampsUnderWay) {
      // A batch that was trimmed meanwhile must not leave its stamp behind.
      if (begin < this.#sums.begin) continue;
      batch.put('stamps', offsetKey(this.#sums.number, begin), tables.encodeStamp(stampNs, this.#bootHash));
    }
    for (const journal of this.#byNumber) this.#trim(journal, batch);
    this.#fillRows(batch);
    return batch;
  }

  #fillRows(batch: WriteBatch): void {
    for (const { key, next, ended } of this.#dirtyProducers) batch.put('producers', key, sealRow({ next, ended }));
    // Some row must always have the number of the commit. Most commits write a row of a journal anyway.
    if (this.#dirtyJournals.size === 0) this.#dirtyJournals.add(this.#sums);
    const commit = this.lineage.next();
    for (const { number, begin, tail } of this.#dirtyJournals) {
      batch.put('journals', keyOf(number), sealRow({ begin, head: tail, commit }));
    }
    this.pins.fill(batch);
    this.owners.fill(batch);
    this.#dirtyProducers.clear();
    this.#dirtyJournals.clear();
  }

  /** The writes of the last `fill` are now durable. */
  committed(): void {
    const stampNs = this.#clock.nowNs();
    const bytesMax = RECENT_BYTES_MAX / this.#byNumber.length;
    let totalBytes = this.recentBytes;
    for (const { journal, batch } of this.#underWay) {
      const othersBytes = totalBytes - journal.recentBytes;
      const bounds = { bytesMax, totalBytesMax: RECENT_BYTES_MAX, othersBytes };
      journal.remember({ begin: batch.begin, end: batch.end, stampNs, bytes: batch.bytes }, bounds);
      totalBytes = othersBytes + journal.recentBytes;
      if (journal.kind === 'sums') this.#stamps.set(batch.begin, stampNs);
    }
    this.#underWay = [];
    this.#stampsUnderWay = new Map();
    this.lineage.committed();
  }

  /** Everything below the result may be trimmed. Without a pin on the sums, the newest half of their room is kept. */
  #trimTarget(journal: JournalLog): number {
    const lowest = journal.lowestPin();
    if (lowest !== null) return Math.min(lowest, journal.head);
    return Math.max(journal.begin, journal.head - Math.floor(this.config.sumsBytes / 2));
  }

  #trim(journal: JournalLog, batch: WriteBatch): void {
    const target = this.#trimTarget(journal);
    if (target <= journal.begin) return;
    const from = offsetKey(journal.number, journal.begin);
    const keys = this.#store.keys('batches', {
      from,
      to: offsetKey(journal.number, target),
      limit: TRIM_BATCHES_MAX + 1,
    });
    const beyond = keys[TRIM_BATCHES_MAX];
    for (const key of keys.slice(0, TRIM_BATCHES_MAX)) {
      batch.remove('batches', key);
      if (journal.kind === 'sums') batch.remove('stamps', key);
    }
    journal.begin = beyond === undefined ? this.#boundary(journal, keys, target) : offsetOfKey(beyond);
    this.#dirtyJournals.add(journal);
  }

  /**
   * The batch boundary at which trimming below `target` ends. The offset of a pin is a boundary; other targets need not
   * be.
   */
  #boundary(journal: JournalLog, trimmed: readonly Buffer[], target: number): number {
    const last = trimmed.at(-1);
    if (last === undefined) return target;
    const next = this.#store.keys('batches', {
      from: offsetKey(journal.number, target),
      to: offsetKey(journal.number, journal.head),
      limit: 1,
    })[0];
    return next === undefined ? Math.max(target, journal.head) : offsetOfKey(next);
  }

  /** The first commit of a start: the store's configuration and lineage. */
  fillConfig(batch: WriteBatch): void {
    batch.put('config', tables.CONFIG_KEY, sealRow({ partitions: this.config.partitions }));
    this.lineage.writeStart(batch);
  }
}

function copyOf(bytes: Uint8Array): Uint8Array {
  const copy = Buffer.allocUnsafe(bytes.length);
  copy.set(bytes);
  return copy;
}
