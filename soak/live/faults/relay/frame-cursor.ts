/**
 * The place of a ZMTP 3 stream: at the boundary of two frames, or in the middle of a frame. A relay cuts connections in
 * mid-frame on purpose, and reports it.
 *
 * | offset | size | of the stream |
 * |---|---|---|
 * | 0 | 64 | greeting |
 * | 64 | 1 | flags of the first frame; bit 1: the size has 8 bytes, else 1 |
 * | 65 | 1 or 8 | size of its body, big-endian |
 * | 66 or 73 | size | body; the next frame follows |
 */

const GREETING_BYTES = 64;
const FLAG_LONG = 0x02;

export class FrameCursor {
  /** Bytes until the boundary, once the header of the frame has been read. */
  #left = GREETING_BYTES;
  #hasBegun = false;
  #isInHeader = false;
  /** Bytes of the size that are still to come, and its value so far. */
  #sizeLeft = 0;
  #size = 0;

  /** Whether the bytes so far end within a frame, or within the greeting. */
  get isInside(): boolean {
    return this.#isInHeader || (this.#hasBegun && this.#left > 0);
  }

  copy(): FrameCursor {
    const copy = new FrameCursor();
    copy.#left = this.#left;
    copy.#hasBegun = this.#hasBegun;
    copy.#isInHeader = this.#isInHeader;
    copy.#sizeLeft = this.#sizeLeft;
    copy.#size = this.#size;
    return copy;
  }

  /** Moves on over these bytes. */
  advance(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#isInHeader) at = this.#readSize(bytes, at);
      else if (this.#left > 0) {
        const step = Math.min(this.#left, bytes.length - at);
        this.#left -= step;
        at += step;
        this.#hasBegun = true;
      } else {
        this.#sizeLeft = ((bytes[at] ?? 0) & FLAG_LONG) === 0 ? 1 : 8;
        this.#size = 0;
        this.#isInHeader = true;
        at += 1;
      }
    }
  }

  #readSize(bytes: Uint8Array, from: number): number {
    let at = from;
    while (this.#sizeLeft > 0 && at < bytes.length) {
      this.#size = this.#size * 256 + (bytes[at] ?? 0);
      this.#sizeLeft -= 1;
      at += 1;
    }
    if (this.#sizeLeft === 0) {
      this.#isInHeader = false;
      this.#left = this.#size;
    }
    return at;
  }
}

/**
 * How many of `bytes` to pass, about `count`, so that the stream ends in the middle of a frame; null when these bytes
 * do not allow it. `cursor` is the place before them, and does not change.
 */
export function cutInFrame(cursor: FrameCursor, bytes: Uint8Array, count: number): number | null {
  for (const candidate of [count, count + 1, count - 1]) {
    if (candidate < 0 || candidate > bytes.length) continue;
    const after = cursor.copy();
    after.advance(bytes.subarray(0, candidate));
    if (after.isInside) return candidate;
  }
  return null;
}
