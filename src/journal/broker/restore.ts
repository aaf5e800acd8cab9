/**
 * What a broker finds in its store when it starts. This module only reads; changes are written with the first commit.
 *
 * Rule P-LOSS-2 of docs/protocol.md.
 */

import { assert } from '../../core/assert.ts';
import { UsageError } from '../../core/errors.ts';
import { keyOf, nameOfKey, numberRange, offsetKey, offsetOfKey, openRow } from '../../store/row.ts';
import type { StoreReader } from '../../store/store.ts';
import { PARTITIONS_MAX, SUMS_JOURNAL, chunkJournal } from '../journals.ts';
import { JournalLog } from './journal-log.ts';
import * as tables from './tables.ts';

export type ShardState = { epoch: number; confirmed: string | null };

export type Restored = {
  /** Indexed by number; the sums journal comes last. */
  readonly journals: readonly JournalLog[];
  readonly shards: readonly ShardState[];
  /** Pins of shards that are not in the store yet. */
  readonly missingPins: readonly { readonly journal: JournalLog; readonly name: string }[];
  /** Begins of the sums batches of the last commit before a crash, which became durable without a stamp. */
  readonly unstamped: readonly number[];
  /** `null`: the store is new. */
  readonly lineage: tables.LineageRow | null;
  /** The number of the last commit in the store; 0: there is none. */
  readonly lastCommit: number;
};

/**
 * The state in the store, or the state of a new store. Throws a UsageError when the store has another number of
 * partitions, and ERR_STORE_DAMAGED.
 */
export function restore(store: StoreReader, partitions: number): Restored {
  checkPartitions(store, partitions);
  const chunks = Array.from({ length: partitions }, (_, shard) =>
    loadJournal(store, { number: shard, name: chunkJournal(shard), kind: 'chunks' }),
  );
  const sums = loadJournal(store, { number: partitions, name: SUMS_JOURNAL, kind: 'sums' });
  const missingPins = chunks.flatMap((journal, shard) => {
    const name = shardPinName(shard);
    if (journal.pins.has(name)) return [];
    assert(journal.begin === 0, 'a chunk journal keeps the pin of its shard');
    journal.pins.set(name, { offset: 0, absentMs: 0, writtenAbsentMs: 0, unmovedMs: 0, isAway: false });
    return [{ journal, name }];
  });
  return {
    journals: [...chunks, sums],
    shards: chunks.map((_, shard) => loadShard(store, shard)),
    missingPins,
    unstamped: unstampedOf(store, sums),
    ...restoreLineage(store, [...chunks, sums]),
  };
}

/** More commits than a broker makes in a thousand years. A double has room for 8,192 times as many. */
const UNNUMBERED_COMMITS = 2 ** 40;

/** The state of a journal without a row. */
const NOTHING = { begin: 0, head: 0 };

function restoreLineage(store: StoreReader, journals: readonly JournalLog[]): Pick<Restored, 'lineage' | 'lastCommit'> {
  const row = store.get('config', tables.LINEAGE_KEY);
  const lineage = row === undefined ? null : openRow(row, tables.isLineageRow, 'the lineage');
  const commits = journals.map(({ number, name }) => journalRow(store, number, name).commit);
  const lastCommit = commits.reduce<number>((last, commit = 0) => Math.max(last, commit), 0);
  // A build without commit numbers has written rows since.
  if (lineage !== null && commits.includes(undefined))
    return { lineage, lastCommit: afterUnnumbered(lineage, lastCommit) };
  return { lineage, lastCommit };
}

/**
 * Where numbers go on when an older build has served the store meanwhile: it overwrote the number of the last commit.
 * No start gives so many numbers as lie between, so nothing that a client was told before counts as lost.
 */
function afterUnnumbered({ starts }: tables.LineageRow, lastCommit: number): number {
  return Math.max(lastCommit, starts.at(-1)?.firstCommit ?? 0) + UNNUMBERED_COMMITS;
}

function journalRow(store: StoreReader, number: number, name: string): tables.JournalRow {
  const row = store.get('journals', keyOf(number));
  return row === undefined ? NOTHING : openRow(row, tables.isJournalRow, `journal ${name}`);
}

export function shardPinName(shard: number): string {
  return `shard-${shard}`;
}

function checkPartitions(store: StoreReader, partitions: number): void {
  if (partitions < 1 || partitions > PARTITIONS_MAX)
    throw new UsageError(`partitions must be from 1 to ${PARTITIONS_MAX}`);
  const stored = store.get('config', tables.CONFIG_KEY);
  if (stored === undefined) return;
  const row = openRow(stored, tables.isConfigRow, 'the configuration');
  if (row.partitions === partitions) return;
  throw new UsageError(
    `the data folder has ${row.partitions} partitions, not ${partitions}: their number cannot change`,
  );
}

function loadShard(store: StoreReader, shard: number): ShardState {
  const row = store.get('shards', keyOf(shard));
  if (row === undefined) return { epoch: 0, confirmed: null };
  return { ...openRow(row, tables.isShardRow, `shard ${shard}`) };
}

function loadJournal(
  store: StoreReader,
  fields: { readonly number: number; readonly name: string; readonly kind: 'chunks' | 'sums' },
): JournalLog {
  const { number, name } = fields;
  const { begin, head } = journalRow(store, number, name);
  const journal = new JournalLog({ ...fields, begin, head });
  for (const { key, value } of store.range('producers', numberRange(number))) {
    const producer = openRow(value, tables.isProducerRow, `a producer of ${name}`);
    journal.producers.set(nameOfKey(key), { key, ...producer });
  }
  for (const { key, value } of store.range('holds', numberRange(number))) {
    const { offset, absentMs = 0, isAway = false } = openRow(value, tables.isPinRow, `a pin of ${name}`);
    journal.pins.set(nameOfKey(key), { offset, absentMs, writtenAbsentMs: absentMs, unmovedMs: 0, isAway });
  }
  return journal;
}

function unstampedOf(store: StoreReader, sums: JournalLog): number[] {
  const from = offsetKey(sums.number, sums.begin);
  const begins: number[] = [];
  for (let to = offsetKey(sums.number, sums.head); ; ) {
    const key = store.keys('batches', { from, to, limit: 1, reverse: true })[0];
    if (key === undefined || store.get('stamps', key) !== undefined) return begins;
    begins.push(offsetOfKey(key));
    to = key;
  }
}

/**
 * Whether the pin is the one by which a shard keeps its chunk journal. Only reports move that pin, and nothing drops
 * it.
 */
export function isShardPin({ kind, number }: JournalLog, name: string): boolean {
  return kind === 'chunks' && name === shardPinName(number);
}
