/** The row in which a store names the version of its format, and the kind of component that owns it. */

import { asRecord } from '../core/assert.ts';
import { OperatingError, UsageError } from '../core/errors.ts';
import { FORMAT_TABLE } from './lmdb-tables.ts';
import { openRow, sealRow } from './row.ts';
import type { StoreReader, Write } from './store.ts';

const FORMAT_VERSION = 1;
const FORMAT_KEY = Buffer.from('format');

export function formatOf(kind: string): Write {
  return { table: FORMAT_TABLE, key: FORMAT_KEY, value: sealRow({ version: FORMAT_VERSION, kind }) };
}

/**
 * False when the store has no such row, because nothing was committed yet. Throws a UsageError for another version or
 * another kind.
 */
export function checkFormat(store: StoreReader, kind: string, folder: string): boolean {
  const row = store.get(FORMAT_TABLE, FORMAT_KEY);
  if (row === undefined) return false;
  const format = openRow(row, isFormat, 'its format');
  if (format.version !== FORMAT_VERSION) {
    throw new UsageError(
      `the data folder ${folder} has format version ${format.version}, this is version ${FORMAT_VERSION}`,
    );
  }
  if (format.kind !== kind)
    throw new UsageError(`the data folder ${folder} belongs to a ${format.kind}, not to a ${kind}`);
  return true;
}

function isFormat(value: unknown): value is { version: number; kind: string } {
  const row = asRecord(value);
  return typeof row?.['version'] === 'number' && typeof row['kind'] === 'string';
}

/** The store of a process that was killed before its first commit. */
export function noFormatError(folder: string): OperatingError {
  return new OperatingError(
    'ERR_STORE_DAMAGED',
    `the store at ${folder} was never begun: its process was killed before the first commit`,
  );
}
