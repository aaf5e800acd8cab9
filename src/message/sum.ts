/**
 * The sum record: the final SHA-256 of one file, 64 bytes, little-endian.
 *
 * | offset | size | type  | meaning                         |
 * | -----: | ---: | ----- | ------------------------------- |
 * |      0 |   16 | bytes | file id                         |
 * |     16 |    4 | u32   | sequence of the file's last chunk (its end) |
 * |     20 |    4 | u32   | reserved, 0                     |
 * |     24 |    8 | u64   | bytes of the file               |
 * |     32 |   32 | bytes | SHA-256                         |
 */

import { readCount, writeCount } from './counts.ts';

export const SUM_BYTES = 64;

export type Sum = {
  /** 32 hexadecimal digits. */
  readonly fileId: string;
  readonly lastSequence: number;
  readonly bytes: number;
  /** 64 hexadecimal digits. */
  readonly digest: string;
};

/** The sums of a payload; `null` unless it is a whole number of well-formed sums. */
export function decodeSums(payload: Uint8Array): Sum[] | null {
  if (payload.length % SUM_BYTES !== 0) return null;
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const sums: Sum[] = [];
  for (let offset = 0; offset < payload.length; offset += SUM_BYTES) {
    const length = readCount(view, offset + 24);
    if (Number.isNaN(length) || view.getUint32(offset + 20, true) !== 0) return null;
    sums.push({
      fileId: bytes.toString('hex', offset, offset + 16),
      lastSequence: view.getUint32(offset + 16, true),
      bytes: length,
      digest: bytes.toString('hex', offset + 32, offset + 64),
    });
  }
  return sums;
}

export function encodeSum(sum: Sum): Buffer {
  const bytes = Buffer.alloc(SUM_BYTES);
  bytes.write(sum.fileId, 0, 'hex');
  bytes.writeUInt32LE(sum.lastSequence, 16);
  writeCount(new DataView(bytes.buffer, bytes.byteOffset, SUM_BYTES), 24, sum.bytes);
  bytes.write(sum.digest, 32, 'hex');
  return bytes;
}
