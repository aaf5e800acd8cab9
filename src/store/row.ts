/**
 * Keys and small rows. A key is a concatenation of big-endian numbers and names, so that LMDB's order is the order of
 * the numbers and names. A row is JSON behind a CRC-32C (u32, little-endian): like everything that comes from a file,
 * it is validated before it is used.
 */

import { assert, isCount } from '../core/assert.ts';
import { OperatingError } from '../core/errors.ts';
import { crc32c } from '../hash/crc32c.ts';

/** A key of u32 numbers, each 4 bytes. */
export function keyOf(...words: readonly number[]): Buffer {
  const key = Buffer.allocUnsafe(words.length * 4);
  words.forEach((word, index) => key.writeUInt32BE(word, index * 4));
  return key;
}

/** A key of one u32 and one u64, such as a journal's number and an offset in it. */
export function offsetKey(number: number, offset: number): Buffer {
  assert(isCount(offset), `no offset: ${offset}`);
  const key = Buffer.allocUnsafe(12);
  key.writeUInt32BE(number, 0);
  key.writeUInt32BE(Math.floor(offset / 0x1_0000_0000), 4);
  key.writeUInt32BE(offset % 0x1_0000_0000, 8);
  return key;
}

/** The u64 of an `offsetKey`. */
export function offsetOfKey(key: Uint8Array): number {
  const view = new DataView(key.buffer, key.byteOffset, key.length);
  return view.getUint32(4) * 0x1_0000_0000 + view.getUint32(8);
}

/** A key of one u32 and a name. */
export function nameKey(number: number, name: string): Buffer {
  return Buffer.concat([keyOf(number), Buffer.from(name, 'utf8')]);
}

export function nameOfKey(key: Buffer): string {
  return key.toString('utf8', 4);
}

/** The range of all keys that begin with this number. */
export function numberRange(number: number): { from: Buffer; to: Buffer } {
  return { from: keyOf(number), to: keyOf(number + 1) };
}

/** The range of every key of up to 64 bytes. */
export function wholeRange(): { from: Buffer; to: Buffer } {
  return { from: Buffer.from([0]), to: Buffer.alloc(64, 0xff) };
}

export function sealRow(value: unknown): Buffer {
  return sealBytes(Buffer.from(JSON.stringify(value), 'utf8'));
}

/** Opens a row and checks its shape; `what` names the row in the error. */
export function openRow<T>(bytes: Buffer, isValid: (value: unknown) => value is T, what: string): T {
  const text = openBytes(bytes, what).toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw damaged(what);
  }
  if (!isValid(value)) throw damaged(what);
  return value;
}

/** Bytes behind their CRC-32C. */
export function sealBytes(bytes: Uint8Array): Buffer {
  const row = Buffer.allocUnsafe(bytes.length + 4);
  row.set(bytes, 4);
  row.writeUInt32LE(crc32c(0, bytes), 0);
  return row;
}

export function openBytes(row: Buffer, what: string): Buffer {
  if (row.length < 4 || row.readUInt32LE(0) !== crc32c(0, row.subarray(4))) throw damaged(what);
  return row.subarray(4);
}

function damaged(what: string): OperatingError {
  return new OperatingError('ERR_STORE_DAMAGED', `the store is damaged: ${what} does not verify`);
}
