/**
 * The content of a summer's rows that distinguishes one state of a shard from another. Stores that differ in nothing
 * else continue alike: a successor writes its own claim, a witness proves something about the journals and nothing
 * about the state, and a page of states without files is the same as no page.
 */

import type { StoreReader } from '../../../../src/store/store.ts';
import { numberRange, openRow, sealRow } from '../../../../src/store/row.ts';
import { SUMMER_TABLES, isCheckpointRow } from '../../../../src/summer/rows.ts';

/** Tables whose rows are the state of a shard. */
export const STATE_TABLES: readonly string[] = SUMMER_TABLES.filter((table) => table !== 'claims');

/** The part of the row that belongs to the state; null when there is none. */
export function tellingValue(table: string, value: Buffer): Buffer | null {
  if (table === 'claims') return null;
  if (table === 'states') return value.subarray(0, -4).some((byte) => byte !== 0) ? value : null;
  if (table !== 'checkpoints') return value;
  const { offset, nextSum } = openRow(value, isCheckpointRow, 'a checkpoint');
  return sealRow({ offset, nextSum });
}

/** The telling rows of the shard in these tables, as text: name and content. */
export function tellingRows(
  reader: StoreReader,
  shard: number,
  tables: readonly string[] = STATE_TABLES,
): ReadonlyMap<string, string> {
  const rows = new Map<string, string>();
  for (const table of tables) {
    for (const { key, value } of reader.range(table, numberRange(shard))) {
      const telling = tellingValue(table, value);
      if (telling !== null) rows.set(nameOf(table, key), telling.toString('base64'));
    }
  }
  return rows;
}

/** The names of all rows of the shard in these tables, whatever they hold. */
export function rowNames(reader: StoreReader, shard: number, tables: readonly string[]): string[] {
  return tables.flatMap((table) => reader.keys(table, numberRange(shard)).map((key) => nameOf(table, key)));
}

function nameOf(table: string, key: Buffer): string {
  return `${table} ${key.toString('hex')}`;
}
