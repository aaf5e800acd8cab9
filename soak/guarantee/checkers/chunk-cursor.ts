/** Walks the chunk records of a payload without allocating for each record: one object moves from record to record. */

import { CHUNK_HEADER_BYTES } from '../../../src/message/chunk.ts';

const NOTHING = new DataView(new ArrayBuffer(0));

export class ChunkCursor {
  #payload: Uint8Array | null = null;
  #view: DataView = NOTHING;
  #next = 0;
  /** Byte offset of the record in the payload. */
  offset = 0;
  /** 0 ends the file. */
  dataBytes = 0;
  sequence = 0;
  /** Not exact above 2^53. */
  fileNumber = 0;

  /** Moves before the first record of a payload. */
  start(payload: Uint8Array): void {
    // A view costs as much as the walk over some records.
    if (payload !== this.#payload) this.#view = new DataView(payload.buffer, payload.byteOffset, payload.length);
    this.#payload = payload;
    this.#next = 0;
  }

  /** The payload. */
  get view(): DataView {
    return this.#view;
  }

  get dataOffset(): number {
    return this.offset + CHUNK_HEADER_BYTES;
  }

  /** Whether the last record ended where the payload ends. */
  get isAtEnd(): boolean {
    return this.#next === this.#view.byteLength;
  }

  /** Moves to the next record; false when no whole record is left. */
  next(): boolean {
    const view = this.#view;
    const offset = this.#next;
    if (view.byteLength - offset < CHUNK_HEADER_BYTES) return false;
    const dataBytes = view.getUint32(offset, true);
    const end = offset + CHUNK_HEADER_BYTES + dataBytes;
    if (end > view.byteLength) return false;
    this.offset = offset;
    this.dataBytes = dataBytes;
    this.sequence = view.getUint32(offset + 4, true);
    this.fileNumber = view.getUint32(offset + 16, false) * 0x1_0000_0000 + view.getUint32(offset + 20, false);
    this.#next = end;
    return true;
  }
}
