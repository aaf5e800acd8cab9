/**
 * The bytes of a whole history: segments of frames, in which each checksum goes on from the one before it, so that what
 * is changed, lost, doubled or put elsewhere is found out.
 *
 * A segment begins with:
 *
 * | offset | bytes | type | field |
 * | --- | --- | --- | --- |
 * | 0 | 8 | ASCII | `SSWHOLE1` |
 * | 8 | 4 | u32 LE | number of the segment, from 1 |
 * | 12 | 4 | u32 LE | last checksum of the segment before it; 0 in the first |
 * | 16 | 4 | u32 LE | CRC-32C of the bytes before |
 *
 * Then come frames:
 *
 * | offset | bytes | type | field |
 * | --- | --- | --- | --- |
 * | 0 | 4 | u32 LE | bytes of text, t |
 * | 4 | 4 | u32 LE | bytes of payloads, p |
 * | 8 | 4 | u32 LE | CRC-32C of the 8 bytes before, continued from the checksum before this frame |
 * | 12 | t | UTF-8 | lines of JSON, each with its line feed (`whole-event.ts`) |
 * | 12 + t | p | bytes | the payloads of these lines, in order |
 * | 12 + t + p | 4 | u32 LE | CRC-32C of text and payloads, continued from the checksum before |
 *
 * A writer that is killed leaves a part of its last frame. Nothing else makes a segment end within a frame.
 */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { OperatingError } from '../../src/core/errors.ts';
import { crc32c } from '../../src/hash/crc32c.ts';

const MAGIC = Buffer.from('SSWHOLE1', 'ascii');
export const SEGMENT_HEADER_BYTES = 20;
const FRAME_HEADER_BYTES = 12;
const CHECKSUM_BYTES = 4;
/** The most bytes of a frame. No writer makes a longer one, so a longer one is damaged. */
export const FRAME_BYTES_MAX: number = 256 * 1024 * 1024;

/** The parts around the body of a frame, and the checksum from which the next frame continues. */
export type FrameEnds = { readonly header: Buffer; readonly end: Buffer; readonly chain: number };

/** Views of one buffer, which is not used again. `text` is UTF-8. */
export type Frame = { readonly text: Buffer; readonly payloads: Buffer };

/** `chain`: the last checksum of the segment before. The first frame continues from the last 4 bytes of this header. */
export function segmentHeader(number: number, chain: number): { readonly header: Buffer; readonly chain: number } {
  const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
  MAGIC.copy(header);
  header.writeUInt32LE(number, 8);
  header.writeUInt32LE(chain, 12);
  const checksum = crc32c(0, header.subarray(0, 16));
  header.writeUInt32LE(checksum, 16);
  return { header, chain: checksum };
}

/** `body`: the text, then the payloads. */
export function frameEnds(body: Uint8Array, textBytes: number, chain: number): FrameEnds {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  header.writeUInt32LE(textBytes, 0);
  header.writeUInt32LE(body.length - textBytes, 4);
  const before = crc32c(chain, header.subarray(0, 8));
  header.writeUInt32LE(before, 8);
  const end = Buffer.alloc(CHECKSUM_BYTES);
  const last = crc32c(before, body);
  end.writeUInt32LE(last, 0);
  return { header, end, chain: last };
}

/** The bytes of a frame whose body has this many. */
export function frameBytes(bodyBytes: number): number {
  return FRAME_HEADER_BYTES + bodyBytes + CHECKSUM_BYTES;
}

export type ReadFrame =
  | { readonly what: 'frame'; readonly frame: Frame; readonly where: string }
  | { readonly what: 'torn'; readonly path: string; readonly byteLength: number };

/** Reads the frames of one segment after the other. */
export class FrameReader {
  #chain = 0;

  /**
   * Reads the next segment. Throws an OperatingError ERR_HISTORY_DAMAGED with the place for anything that no writer
   * leaves.
   */
  *read(path: string, number: number): Generator<ReadFrame> {
    const descriptor = openSync(path, 'r');
    try {
      const { size } = fstatSync(descriptor);
      yield* this.#frames({ path, number, size, read: (at, bytes) => readAt(descriptor, at, bytes) });
    } finally {
      closeSync(descriptor);
    }
  }

  *#frames(of: {
    readonly path: string;
    readonly number: number;
    readonly size: number;
    readonly read: (at: number, bytes: number) => Buffer;
  }): Generator<ReadFrame> {
    const { path, number, size, read } = of;
    if (size < SEGMENT_HEADER_BYTES) {
      yield { what: 'torn', path, byteLength: size };
      return;
    }
    const expected = segmentHeader(number, this.#chain);
    if (!expected.header.equals(read(0, SEGMENT_HEADER_BYTES))) {
      throw damaged(`${path}, byte 0`, `it does not begin as segment ${number} behind the one before`);
    }
    this.#chain = expected.chain;
    let at = SEGMENT_HEADER_BYTES;
    while (size - at >= FRAME_HEADER_BYTES) {
      const where = `${path}, byte ${at}`;
      const header = read(at, FRAME_HEADER_BYTES);
      const textBytes = header.readUInt32LE(0);
      const bodyBytes = textBytes + header.readUInt32LE(4);
      const before = crc32c(this.#chain, header.subarray(0, 8));
      if (header.readUInt32LE(8) !== before) throw damaged(where, 'the checksum of a frame header is wrong');
      if (bodyBytes > FRAME_BYTES_MAX) throw damaged(where, `a frame of ${bodyBytes} bytes is too long`);
      if (size - at < frameBytes(bodyBytes)) break;
      const body = read(at + FRAME_HEADER_BYTES, bodyBytes + CHECKSUM_BYTES);
      const payloads = body.subarray(textBytes, bodyBytes);
      const last = crc32c(before, body.subarray(0, bodyBytes));
      if (body.readUInt32LE(bodyBytes) !== last) throw damaged(where, 'the checksum of a frame is wrong');
      this.#chain = last;
      yield { what: 'frame', frame: { text: body.subarray(0, textBytes), payloads }, where };
      at += frameBytes(bodyBytes);
    }
    if (at < size) yield { what: 'torn', path, byteLength: size - at };
  }
}

/** Returns a new buffer each time, because what is read from it may be kept. */
function readAt(descriptor: number, at: number, bytes: number): Buffer {
  const buffer = Buffer.allocUnsafeSlow(bytes);
  let done = 0;
  while (done < bytes) {
    const read = readSync(descriptor, buffer, done, bytes - done, at + done);
    if (read === 0) throw new OperatingError('ERR_HISTORY_DAMAGED', 'the history became shorter while it was read');
    done += read;
  }
  return buffer;
}

export function damaged(where: string, what: string): OperatingError {
  return new OperatingError('ERR_HISTORY_DAMAGED', `the history is damaged at ${where}: ${what}`);
}
