/**
 * What an entry of a shard's state log says: the changes of one transaction, or a part of a snapshot. Pure codec.
 *
 * Layout, little-endian:
 *
 * | size | type | meaning                                                                                         |
 * | ---: | ---- | ----------------------------------------------------------------------------------------------- |
 * |    1 | u8   | version, 1                                                                                      |
 * |    1 | u8   | 0 a transaction, 1 a part of a snapshot, 2 its last part                                        |
 * |    8 | u64  | of a part: sequence of the first part of its snapshot; else 0                                   |
 * |    4 | u32  | number of ranges, then each: table, from, to                                                    |
 * |    4 | u32  | number of changes, then each: table, key, u32 length of the value or 0xFFFFFFFF (removed), value |
 *
 * A table is a u8 length and its name in ASCII. A key is a u16 length and its bytes. The ranges of a part hold exactly
 * the rows that are its changes.
 */

import { assert } from '../core/assert.ts';
import { OperatingError } from '../core/errors.ts';
import { readCount, writeCount } from '../message/counts.ts';
import type { Write } from '../store/store.ts';

const VERSION = 1;
const HEAD_BYTES = 14;
const COUNT_BYTES = 4;
const REMOVED = 0xffff_ffff;

export type KeyRange = { readonly table: string; readonly from: Buffer; readonly to: Buffer };

export type SnapshotPart = {
  /** Sequence of the first part of its snapshot. */
  readonly snapshot: number;
  readonly isLast: boolean;
  readonly ranges: readonly KeyRange[];
};

/** `part`: null for a transaction. */
export type Changes = { readonly part: SnapshotPart | null; readonly writes: readonly Write[] };

export function encodeChanges({ part, writes }: Changes): Buffer {
  const ranges = part?.ranges ?? [];
  let length = HEAD_BYTES + COUNT_BYTES;
  for (const { table, from, to } of ranges) length += 1 + table.length + 4 + from.length + to.length;
  for (const { table, key, value } of writes) length += 1 + table.length + 2 + key.length + 4 + (value?.length ?? 0);
  const bytes = Buffer.allocUnsafeSlow(length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  bytes[0] = VERSION;
  bytes[1] = part === null ? 0 : part.isLast ? 2 : 1;
  writeCount(view, 2, part?.snapshot ?? 0);
  let at = bytes.writeUInt32LE(ranges.length, 10);
  const putKey = (key: Buffer): void => {
    at = bytes.writeUInt16LE(key.length, at);
    at += key.copy(bytes, at);
  };
  const putTable = (table: string): void => {
    at = bytes.writeUInt8(table.length, at);
    at += bytes.write(table, at, 'latin1');
  };
  for (const { table, from, to } of ranges) {
    putTable(table);
    putKey(from);
    putKey(to);
  }
  at = bytes.writeUInt32LE(writes.length, at);
  for (const { table, key, value } of writes) {
    putTable(table);
    putKey(key);
    at = bytes.writeUInt32LE(value?.length ?? REMOVED, at);
    if (value === null) continue;
    bytes.set(value, at);
    at += value.length;
  }
  assert(at === length, 'an entry has the length that was counted');
  return bytes;
}

/** The changes have copies of the bytes. Throws an OperatingError when the bytes are no such entry. */
export function decodeChanges(bytes: Buffer, what: string): Changes {
  try {
    return decode(bytes);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new OperatingError('ERR_STATE', `${what} is no entry of a shard's state: ${cause.message}`, { cause });
  }
}

/** Throws a RangeError, as reading beyond the end of a Buffer does. */
function decode(bytes: Buffer): Changes {
  if (bytes.readUInt8(0) !== VERSION) throw new RangeError(`unknown version ${bytes.readUInt8(0)}`);
  const kind = bytes.readUInt8(1);
  if (kind > 2) throw new RangeError(`unknown kind ${kind}`);
  let at = HEAD_BYTES;
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new RangeError('it ends too early');
    at += length;
    return Buffer.from(bytes.subarray(at - length, at));
  };
  const takeKey = (): Buffer => take(take(2).readUInt16LE());
  const takeTable = (): string => take(take(1).readUInt8()).toString('latin1');
  const snapshot = readCount(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 2);
  const ranges: KeyRange[] = [];
  for (let left = bytes.readUInt32LE(10); left > 0; left -= 1) {
    ranges.push({ table: takeTable(), from: takeKey(), to: takeKey() });
  }
  const writes: Write[] = [];
  for (let left = take(4).readUInt32LE(); left > 0; left -= 1) {
    const table = takeTable();
    const key = takeKey();
    const length = take(4).readUInt32LE();
    writes.push({ table, key, value: length === REMOVED ? null : take(length) });
  }
  if (at !== bytes.length) throw new RangeError('more bytes follow');
  return { part: kind === 0 ? null : { snapshot, isLast: kind === 2, ranges }, writes };
}
