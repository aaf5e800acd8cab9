/**
 * The broker's tables and the shapes of its rows.
 *
 * | table       | key                              | value                                                       |
 * | ----------- | -------------------------------- | ----------------------------------------------------------- |
 * | `config`    | `config`                         | row: number of partitions                                   |
 * | `config`    | `lineage`                        | row: names the store and, for each start, its first commit  |
 * | `journals`  | journal number u32               | row: begin, head, number of the commit that wrote the row   |
 * | `batches`   | journal number u32, begin u64    | the batch as it was appended (`message/batch.ts`)           |
 * | `stamps`    | journal number u32, begin u64    | of sums only: f64 monotonic ns, u32 hash of the boot id      |
 * | `producers` | journal number u32, producer     | row: next index, ended                                      |
 * | `holds`     | journal number u32, name         | row: offset, absence of its reader, whether it took its leave  |
 * | `shards`    | shard u32                        | row: epoch, confirmed path                                  |
 *
 * Journal numbers: partition `p` is `p`, the sums journal comes after the last partition.
 */

import { asRecord, isCount } from '../../core/assert.ts';

export const BROKER_TABLES = ['config', 'journals', 'batches', 'stamps', 'producers', 'holds', 'shards'] as const;
export const CONFIG_KEY: Buffer = Buffer.from('config');
export const LINEAGE_KEY: Buffer = Buffer.from('lineage');

export type ConfigRow = { readonly partitions: number };
export type Start = { readonly incarnation: string; readonly firstCommit: number };
export type LineageRow = { readonly store: string; readonly starts: readonly Start[] };
/** Every commit writes such a row. `commit` is absent in stores from before commits had numbers. */
export type JournalRow = { readonly begin: number; readonly head: number; readonly commit?: number };
export type ProducerRow = { readonly next: number; readonly ended: boolean };
/** `absentMs`: since the reader was last heard, while a broker served. Rows of older builds have only the offset. */
export type PinRow = { readonly offset: number; readonly absentMs?: number; readonly isAway?: boolean };
export type ShardRow = { readonly epoch: number; readonly confirmed: string | null };

export function isConfigRow(value: unknown): value is ConfigRow {
  return isCount(asRecord(value)?.['partitions']);
}

export function isJournalRow(value: unknown): value is JournalRow {
  const row = asRecord(value);
  if (row?.['commit'] !== undefined && !isCount(row['commit'])) return false;
  return isCount(row?.['begin']) && isCount(row['head']) && row['begin'] <= row['head'];
}

export function isLineageRow(value: unknown): value is LineageRow {
  const row = asRecord(value);
  const starts = row?.['starts'];
  return typeof row?.['store'] === 'string' && Array.isArray(starts) && starts.every(isStart);
}

function isStart(value: unknown): value is Start {
  const start = asRecord(value);
  return typeof start?.['incarnation'] === 'string' && isCount(start['firstCommit']);
}

export function isProducerRow(value: unknown): value is ProducerRow {
  const row = asRecord(value);
  return isCount(row?.['next']) && typeof row['ended'] === 'boolean';
}

export function isPinRow(value: unknown): value is PinRow {
  const row = asRecord(value);
  const { absentMs = 0, isAway = false } = row ?? {};
  return isCount(row?.['offset']) && isCount(absentMs) && typeof isAway === 'boolean';
}

export function isShardRow(value: unknown): value is ShardRow {
  const row = asRecord(value);
  return isCount(row?.['epoch']) && (row['confirmed'] === null || typeof row['confirmed'] === 'string');
}

const STAMP_BYTES = 12;

export function encodeStamp(stampNs: number, bootHash: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(STAMP_BYTES);
  bytes.writeDoubleLE(stampNs, 0);
  bytes.writeUInt32LE(bootHash, 8);
  return bytes;
}

/** The stamp; 0 when it is of another boot, whose monotonic clock cannot be compared with this one. */
export function decodeStamp(bytes: Buffer, bootHash: number): number {
  if (bytes.length !== STAMP_BYTES || bytes.readUInt32LE(8) !== bootHash) return 0;
  return bytes.readDoubleLE(0);
}
