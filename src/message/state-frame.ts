/**
 * The frames of a shard's state log: each entry is cut into frames, which lie back to back. Pure codec, no I/O.
 *
 * Layout, little-endian. The fields at 4, 8 and 40 have the places that they have in a batch (`batch.ts`).
 *
 * | offset | size | type  | meaning                                                              |
 * | -----: | ---: | ----- | -------------------------------------------------------------------- |
 * |      0 |    4 | u32   | CRC-32C of the journal's name (UTF-8) followed by bytes 4 to the end |
 * |      4 |    4 | bytes | magic `SSR1`                                                         |
 * |      8 |    2 | u16   | version, 1                                                           |
 * |     10 |    2 | u16   | reserved, 0                                                          |
 * |     12 |    4 | u32   | number of this frame in its entry, from 0                            |
 * |     16 |    4 | u32   | number of frames of the entry, from 1                                |
 * |     20 |    4 | u32   | CRC-32C of the entry                                                 |
 * |     24 |    8 | u64   | sequence of the entry                                                |
 * |     32 |    8 | u64   | epoch of the owner that wrote it                                     |
 * |     40 |    4 | u32   | bytes of the payload                                                 |
 * |     44 |    4 | u32   | reserved, 0                                                          |
 * |     48 |      |       | payload: this frame's part of the entry                              |
 *
 * Rule P-STATE-1 of docs/protocol.md.
 */

import { isCount } from '../core/assert.ts';
import type { Checksum } from './batch.ts';
import { readCount, writeCount } from './counts.ts';

/** `SSR1` */
export const STATE_MAGIC = 0x31525353;
const VERSION = 1;
export const STATE_HEADER_BYTES = 48;
/** Bytes of an entry in one frame. */
export const STATE_PIECE_BYTES: number = 512 * 1024;

export type StateFrame = {
  readonly piece: number;
  readonly pieces: number;
  /** CRC-32C of the entry. */
  readonly entry: number;
  readonly sequence: number;
  readonly epoch: number;
  /** A view into the bytes that were decoded. */
  readonly payload: Uint8Array;
};

/** The frames of one entry. `checksum`: CRC-32C. */
export function encodeStateEntry(
  entry: Uint8Array,
  at: { readonly journal: string; readonly sequence: number; readonly epoch: number },
  checksum: Checksum,
): Buffer[] {
  const whole = checksum(0, entry);
  const pieces = Math.max(1, Math.ceil(entry.length / STATE_PIECE_BYTES));
  return Array.from({ length: pieces }, (_, piece) => {
    const part = entry.subarray(piece * STATE_PIECE_BYTES, (piece + 1) * STATE_PIECE_BYTES);
    const frame = Buffer.alloc(STATE_HEADER_BYTES + part.length);
    const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
    view.setUint32(4, STATE_MAGIC, true);
    view.setUint16(8, VERSION, true);
    view.setUint32(12, piece, true);
    view.setUint32(16, pieces, true);
    view.setUint32(20, whole, true);
    writeCount(view, 24, at.sequence);
    writeCount(view, 32, at.epoch);
    view.setUint32(40, part.length, true);
    frame.set(part, STATE_HEADER_BYTES);
    view.setUint32(0, checksum(checksum(0, Buffer.from(at.journal, 'utf8')), frame.subarray(4)), true);
    return frame;
  });
}

/** Validates everything but the entry as a whole. */
export function decodeStateFrame(
  bytes: Uint8Array,
  journal: string,
  checksum: Checksum,
): StateFrame | { readonly fault: string } {
  if (bytes.length < STATE_HEADER_BYTES) return { fault: `${bytes.length} bytes are too few for a frame` };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint32(4, true) !== STATE_MAGIC) return { fault: 'not a frame of a state log: the magic is wrong' };
  if (view.getUint16(8, true) !== VERSION) return { fault: `unknown frame version ${view.getUint16(8, true)}` };
  if (view.getUint32(0, true) !== checksum(checksum(0, Buffer.from(journal, 'utf8')), bytes.subarray(4))) {
    return { fault: `the checksum is not that of this frame in ${journal}` };
  }
  const piece = view.getUint32(12, true);
  const pieces = view.getUint32(16, true);
  const sequence = readCount(view, 24);
  const epoch = readCount(view, 32);
  if (piece >= pieces || !isCount(sequence) || !isCount(epoch)) return { fault: 'piece, sequence or epoch is wrong' };
  if (view.getUint32(40, true) !== bytes.length - STATE_HEADER_BYTES) return { fault: 'the payload length is wrong' };
  const payload = bytes.subarray(STATE_HEADER_BYTES);
  return { piece, pieces, entry: view.getUint32(20, true), sequence, epoch, payload };
}
