/**
 * The summer's tables. All rows of a shard begin with its number, so that a takeover copies them as ranges.
 *
 * | table         | key                              | value                                                     |
 * | ------------- | -------------------------------- | --------------------------------------------------------- |
 * | `claims`      | shard u32                        | row: the epoch that was raised last, and a witness of it  |
 * | `claims`      | shard u32, `place`               | row: the entry of the state log that the rows end with    |
 * | `checkpoints` | shard u32                        | row: read-through offset, index of the next sum, witness  |
 * | `producers`   | shard u32, producer              | row: next index of the producer                           |
 * | `states`      | shard u32, page u32              | a slab page of hash states (`hash/pool.ts`), then CRC-32C |
 * | `outbox`      | shard u32, index of first sum u64 | CRC-32C, then sums (`message/sum.ts`)                    |
 *
 * The pages of a shard are dense, from 0. A witness (`journal/witness.ts`) proves to a later process how far the
 * journals were durable when the row was written. Only where journals keep the state of shards
 * (`journal/state-log.ts`), a shard has a place.
 */

import { asRecord, isCount } from '../core/assert.ts';
import type { StatePlace } from '../journal/state-log.ts';
import { isWitness } from '../journal/witness.ts';
import { keyOf, nameKey, numberRange, openRow, sealRow } from '../store/row.ts';
import { type StoreReader, type Write, WriteBatch } from '../store/store.ts';

export const SUMMER_TABLES = ['claims', 'checkpoints', 'producers', 'states', 'outbox'] as const;

export type CheckpointRow = {
  /** Everything of the chunk journal below this offset is folded. */
  readonly offset: number;
  /** Index of the next sum: the number of files that this shard has completed so far. */
  readonly nextSum: number;
  /** Absent in rows from before there were witnesses. */
  readonly witness?: string;
};

export type ClaimRow = { readonly epoch: number; readonly witness: string };

/** Ends the key of the row that names the last entry of the state log which the shard's rows include. */
const PLACE = 'place';
export const PLACE_KEY_TAIL: Buffer = Buffer.from(PLACE);

export type ProducerRow = { readonly next: number };

export function isCheckpointRow(value: unknown): value is CheckpointRow {
  const row = asRecord(value);
  if (row?.['witness'] !== undefined && !isWitness(row['witness'])) return false;
  return isCount(row?.['offset']) && isCount(row['nextSum']);
}

export function isClaimRow(value: unknown): value is ClaimRow {
  const row = asRecord(value);
  return isCount(row?.['epoch']) && isWitness(row['witness']);
}

export function isProducerRow(value: unknown): value is ProducerRow {
  return isCount(asRecord(value)?.['next']);
}

function isPlaceRow(value: unknown): value is StatePlace {
  const row = asRecord(value);
  return isCount(row?.['begin']) && isCount(row['end']) && isCount(row['sequence']) && isCount(row['checksum']);
}

/** The last entry of the state log that the shard's rows include; `null`: they are no copy of a log. */
export function localPlace(shard: number, store: StoreReader): StatePlace | null {
  const row = store.get('claims', nameKey(shard, PLACE));
  return row === undefined ? null : openRow(row, isPlaceRow, `the place of shard ${shard} in its state log`);
}

export function placeOf(shard: number, { begin, end, sequence, checksum }: StatePlace): Write {
  return { table: 'claims', key: nameKey(shard, PLACE), value: sealRow({ begin, end, sequence, checksum }) };
}

/**
 * What the store proves about the journals of a shard. Of two witnesses the newer one proves more, but neither says
 * which is newer.
 */
export function witnessesOf(shard: number, store: StoreReader): string[] {
  const checkpoint = store.get('checkpoints', keyOf(shard));
  const claim = store.get('claims', keyOf(shard));
  const witnesses: string[] = [];
  if (checkpoint !== undefined) {
    const { witness } = openRow(checkpoint, isCheckpointRow, `the checkpoint of shard ${shard}`);
    if (witness !== undefined) witnesses.push(witness);
  }
  if (claim !== undefined) witnesses.push(openRow(claim, isClaimRow, `the claim of shard ${shard}`).witness);
  return witnesses;
}

/** Writes that remove a shard's rows. */
export function clearShard(shard: number, own: StoreReader): WriteBatch {
  const batch = new WriteBatch();
  for (const table of SUMMER_TABLES) {
    for (const key of own.keys(table, numberRange(shard))) batch.remove(table, key);
  }
  return batch;
}

/** Writes that replace a shard's rows in `own` by those in `other`: one transaction, or nothing. */
export function copyShard(shard: number, other: StoreReader, own: StoreReader): WriteBatch {
  const batch = clearShard(shard, own);
  for (const table of SUMMER_TABLES) {
    for (const { key, value } of other.range(table, numberRange(shard))) batch.put(table, key, value);
  }
  return batch;
}
