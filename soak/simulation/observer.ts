/**
 * The observer of simulated disks writes what has become durable into the history. It reads the simulated disks, so it
 * misses no trimmed batch, and shows only durable data.
 *
 * Of a chunk journal it shows the batches that the shard's owner has durably folded, as the order of a history
 * requires. The owner is the process that raised the shard's present epoch. Its successor continues from what it
 * commits, because the successor copies after its own raise. What a zombie commits after that raise counts for nothing.
 */

import * as records from '../../src/chunker/rows/records.ts';
import { type ShardRow, isJournalRow, isProducerRow, isShardRow } from '../../src/journal/broker/tables.ts';
import { SUMS_JOURNAL, type ShardEpoch, chunkJournal } from '../../src/journal/journals.ts';
import { shardProducer } from '../../src/message/batch.ts';
import { keyOf, nameKey, offsetOfKey, openRow } from '../../src/store/row.ts';
import { isCheckpointRow } from '../../src/summer/rows.ts';
import { type Checkpoint, readCheckpoint } from '../guarantee/checkpoint.ts';
import type { PinWatch } from './pin-watch.ts';
import type { Counters } from './world/counters.ts';
import type { JudgedState } from './decorations.ts';
import type { Disk, OwnedWrites } from './world/disk.ts';
import type { Cause, HistoryLog } from '../guarantee/history-log.ts';

/** The checkpoint of a shard that has committed nothing. */
const NOTHING: Checkpoint = { offset: 0, nextSum: 0, nextIndexes: {}, openFiles: {}, outbox: [] };

/** What is committed in the journals of a cluster. They are numbered: the sums journal comes after all others. */
export type ClusterJournals = {
  headOf(journal: number): number;
  /** The index that follows the producer's committed records. */
  nextOf(journal: number, producer: string): number;
  /** Whether sums are kept for the producer. */
  hasPin(producer: string): boolean;
};

type Unshown = { readonly batch: UnshownBatch; readonly cause: Cause | undefined };
type UnshownBatch = { readonly begin: number; readonly end: number; readonly stampNs: number; readonly bytes: Buffer };

export class Observer {
  readonly pins: PinWatch;
  readonly #partitions: number;
  readonly #history: HistoryLog;
  readonly #counters: Counters;
  readonly #nowNs: () => number;
  readonly #causeNow: () => Cause | undefined;
  /** Called before a state goes into the history. */
  readonly #onJudged: (state: Omit<JudgedState, 'tookEffect'>) => void;
  /** By partition, durable batches that are not in the history yet, and what made them durable. */
  readonly #unshown: Unshown[][];
  /** By shard, the last epoch whose raise an owner has the answer of, and the owner's store. */
  readonly #raised: { epoch: number; path: string }[];
  /** By shard, every request to raise its epoch. */
  readonly #raisesAsked: { from: number; by: object }[][] = [];
  /** The durable row of each shard at the broker. */
  readonly #shards: ShardRow[] = [];
  /** By journal, its begin. */
  readonly #begins: number[] = [];
  /** By partition, the offset up to which its owner has durably folded it. */
  readonly #foldedThrough: number[] = [];
  /** The most that it ever was: on a cluster an owner may come back with an older copy, and reads the state log. */
  readonly #foldedMost: number[] = [];
  readonly #chunkers = new Set<Disk>();
  #broker: Disk | null = null;
  /** In the place of the broker: what the journals of a cluster have. */
  cluster: ClusterJournals | null = null;

  constructor(options: {
    partitions: number;
    pins: PinWatch;
    history: HistoryLog;
    counters: Counters;
    nowNs: () => number;
    /** What is happening now; undefined when nobody wants to know. */
    causeNow: () => Cause | undefined;
    onJudged: (state: Omit<JudgedState, 'tookEffect'>) => void;
  }) {
    this.#onJudged = options.onJudged;
    this.pins = options.pins;
    this.#partitions = options.partitions;
    this.#history = options.history;
    this.#counters = options.counters;
    this.#nowNs = options.nowNs;
    this.#causeNow = options.causeNow;
    this.#unshown = Array.from({ length: options.partitions }, () => []);
    this.#raised = Array.from({ length: options.partitions }, () => ({ epoch: 0, path: '' }));
  }

  /** The disk whose commits are given to `brokerDurable`. */
  set broker(disk: Disk) {
    this.#broker = disk;
  }

  /** The durable row of a shard at the broker. */
  shard(shard: number): ShardRow {
    return this.#shards[shard] ?? { epoch: 0, confirmed: null };
  }

  /** The end of the durable sums. */
  get sumsHead(): number {
    return this.#head(this.#partitions);
  }

  /** Whether no journal of the broker has ever had a record of the producer. */
  isUnknown(producer: string): boolean {
    const broker = this.#broker;
    if (broker === null) return false;
    const partitions = Array.from({ length: this.#partitions }, (_, partition) => partition);
    return partitions.every((partition) => broker.get('producers', nameKey(partition, producer)) === undefined);
  }

  /** How many sums of a shard are durable in the sums journal. */
  sumsPublished(shard: number): number {
    if (this.cluster !== null) return this.cluster.nextOf(this.#partitions, shardProducer(shard));
    const row = this.#broker?.get('producers', nameKey(this.#partitions, shardProducer(shard)));
    return row === undefined ? 0 : openRow(row, isProducerRow, `the producer of shard ${shard}`).next;
  }

  /** Whether the store has finished sums of the shard that are not in the sums journal. */
  isUnpublished(shard: number, disk: Disk): boolean {
    const row = disk.get('checkpoints', keyOf(shard));
    return row !== undefined && openRow(row, isCheckpointRow, `shard ${shard}`).nextSum > this.sumsPublished(shard);
  }

  /** Whether the store's owner has raised the shard's epoch while another store, or none, is confirmed. */
  isClaiming(shard: number, path: string): boolean {
    return this.#speaks(shard, path) && this.shard(shard).confirmed !== path;
  }

  brokerDurable(writes: OwnedWrites): void {
    // Before the begins of journals in the same commit: they depend on which pins there are.
    if (this.#broker !== null) this.pins.brokerDurable(this.#broker, writes);
    for (const { table, key, value } of writes) {
      const number = key.length >= 4 ? key.readUInt32BE(0) : 0;
      if (table === 'batches' && value === null) this.#trimmed(number);
      if (value === null) continue;
      if (table === 'journals') this.#journal(number, openRow(value, isJournalRow, `journal ${number}`).begin);
      else if (table === 'batches') this.batchDurable(number, offsetOfKey(key), value);
      else if (table === 'shards') this.#shards[number] = openRow(value, isShardRow, `shard ${number}`);
    }
  }

  /** The row of a shard in a cluster's etcd. */
  shardDurable(shard: number, row: ShardRow): void {
    this.#shards[shard] = row;
  }

  /** A process asks to replace an epoch of the shard. */
  raises(shard: number, from: number, by: object): void {
    (this.#raisesAsked[shard] ??= []).push({ from, by });
  }

  /** Whether any other process has asked to replace the owner's epoch, or a later one. */
  isRaisedByOthers({ shard, epoch }: ShardEpoch, owner: object): boolean {
    return (this.#raisesAsked[shard] ?? []).some(({ from, by }) => from >= epoch && by !== owner);
  }

  /** A summer has the answer to its raise: from now on its commits are the shard's. */
  raised(shard: number, epoch: number, path: string): void {
    if (epoch > (this.#raised[shard]?.epoch ?? 0)) this.#raised[shard] = { epoch, path };
  }

  /** A summer has the answer to the last step of its claim. Of the shard it has committed only its copy. */
  claimed(process: string, disk: Disk, shard: number): void {
    if (this.#isOwner(shard, disk.path)) this.#checkpoint(process, disk, shard, 'claim');
  }

  summerDurable(path: string, writes: OwnedWrites): void {
    for (const { table, key, value } of writes) {
      if (table !== 'checkpoints' || value === null) continue;
      const shard = key.readUInt32BE(0);
      if (!this.#hasFolded(shard, path)) continue;
      const { offset } = openRow(value, isCheckpointRow, `the checkpoint of shard ${shard}`);
      this.#foldedThrough[shard] = offset;
      this.#foldedMost[shard] = Math.max(offset, this.#foldedMost[shard] ?? 0);
      this.#showThrough(shard, offset);
    }
  }

  /** A chunker's decision to end stands before everything that depends on it. */
  chunkerDurable(disk: Disk, writes: OwnedWrites): void {
    this.#chunkers.add(disk);
    for (const { table, key, value } of writes) {
      if (table !== records.TABLE || value === null || !key.equals(records.keyFor('end'))) continue;
      const { endStep } = openRow(value, records.isEndRow, 'the end');
      const identity = records.readRow(disk, 'identity', records.isIdentityRow);
      if (identity !== null) this.#history.record({ event: 'ending', producer: identity.producer, endStep });
    }
  }

  /** A summer is about to open its store: the shards that the store speaks for are recorded. */
  restart(process: string, disk: Disk, shards: readonly number[]): void {
    for (const shard of shards) {
      if (this.#isOwner(shard, disk.path)) this.#checkpoint(process, disk, shard, 'restart');
    }
  }

  /** Whether the store that speaks for each shard has folded its journal to the head. */
  areFolded(owners: (path: string) => { readonly disk: Disk } | undefined): boolean {
    for (let shard = 0; shard < this.#partitions; shard += 1) {
      const row = owners(this.shard(shard).confirmed ?? '')?.disk.get('checkpoints', keyOf(shard));
      const folded = row === undefined ? 0 : openRow(row, isCheckpointRow, `shard ${shard}`).offset;
      if (folded < this.#head(shard)) return false;
    }
    return true;
  }

  /** Everything has ended: writes the rest of the journals, and the final state of each shard. */
  finish(owners: (path: string) => { readonly name: string; readonly disk: Disk } | undefined): void {
    for (let shard = 0; shard < this.#partitions; shard += 1) {
      const owner = owners(this.shard(shard).confirmed ?? '');
      if (owner !== undefined) this.#checkpoint(owner.name, owner.disk, shard, 'end');
      this.#showThrough(shard, Number.POSITIVE_INFINITY);
      this.#sayHead(chunkJournal(shard), shard);
    }
    this.#sayHead(SUMS_JOURNAL, this.#partitions);
  }

  #sayHead(journal: string, number: number): void {
    this.#history.record({
      event: 'head',
      journal,
      offset: this.#head(number),
      begin: this.#begins[number] ?? 0,
    });
  }

  #speaks(shard: number, path: string): boolean {
    const raised = this.#raised[shard];
    return raised !== undefined && raised.path === path && raised.epoch >= this.shard(shard).epoch;
  }

  /**
   * Whether commits of the store are what the shard has folded. A claim on a cluster copies a log, which may be ahead
   * of the owner's store. If it breaks off, the owner continues from its store.
   */
  #hasFolded(shard: number, path: string): boolean {
    return this.cluster === null ? this.#speaks(shard, path) : this.#isOwner(shard, path);
  }

  #isOwner(shard: number, path: string): boolean {
    return this.#speaks(shard, path) && this.shard(shard).confirmed === path;
  }

  #checkpoint(process: string, disk: Disk, shard: number, moment: 'claim' | 'restart' | 'end'): void {
    const checkpoint = readCheckpoint(disk, shard) ?? NOTHING;
    const published = this.sumsPublished(shard);
    this.#onJudged({ shard, path: disk.path, disk, published, head: this.#head(shard) });
    this.#foldedThrough[shard] = checkpoint.offset;
    this.#showThrough(shard, checkpoint.offset);
    this.#history.record({ event: 'checkpoint', process, shard, moment, ...checkpoint });
  }

  /** The store of a cluster has lost so many batches or entries of a journal, which begins there now. */
  clusterTrimmed(number: number, begin: number, count: number): void {
    if (number > this.#partitions) return this.#counters.count('entry of a state log trimmed', count);
    this.#counters.count(number === this.#partitions ? 'sums batch trimmed' : 'chunk batch trimmed', count);
    this.#journal(number, begin);
  }

  /** Its row is durable: the journal may begin later than before. */
  #journal(number: number, begin: number): void {
    if (begin <= (this.#begins[number] ?? 0)) return;
    this.#begins[number] = begin;
    const isSums = number === this.#partitions;
    const folded = this.cluster === null ? this.#foldedThrough : this.#foldedMost;
    const needed = isSums ? this.#neededSums() : (folded[number] ?? 0);
    const journal = isSums ? SUMS_JOURNAL : chunkJournal(number);
    this.#history.record({ event: 'trimmed', journal, begin, needed });
  }

  /** The offset from which some verifier would read the sums journal after a restart. */
  #neededSums(): number {
    const places = Array.from(this.#chunkers, (disk) => {
      const phase = records.readRow(disk, 'phase', records.isPhaseRow)?.phase;
      const place = records.readRow(disk, 'position', records.isPositionRow);
      const producer = records.readRow(disk, 'identity', records.isIdentityRow)?.producer ?? '';
      const isGone = this.cluster === null ? this.pins.isGone(producer) : !this.cluster.hasPin(producer);
      const isOver = phase === 'finished' || phase === 'told' || isGone;
      return place === null || isOver ? Number.POSITIVE_INFINITY : place.offset;
    });
    return Math.min(this.sumsHead, ...places);
  }

  /** A batch is committed. */
  batchDurable(number: number, begin: number, bytes: Buffer): void {
    const batch = { begin, end: begin + bytes.length, stampNs: this.#nowNs(), bytes };
    if (number === this.#partitions) this.#history.record({ event: 'batch', journal: SUMS_JOURNAL, ...batch });
    else this.#unshown[number]?.push({ batch, cause: this.#causeNow() });
  }

  #showThrough(shard: number, offset: number): void {
    const unshown = this.#unshown[shard] ?? [];
    let shown = 0;
    for (const { batch, cause } of unshown) {
      if (batch.end > offset) break;
      this.#history.record({ event: 'batch', journal: chunkJournal(shard), ...batch }, cause);
      shown += 1;
    }
    unshown.splice(0, shown);
  }

  #trimmed(number: number): void {
    this.#counters.count(number === this.#partitions ? 'sums batch trimmed' : 'chunk batch trimmed');
  }

  #head(number: number): number {
    if (this.cluster !== null) return this.cluster.headOf(number);
    const row = this.#broker?.get('journals', keyOf(number));
    return row === undefined ? 0 : openRow(row, isJournalRow, `journal ${number}`).head;
  }
}
