/**
 * Cuts what is read of a journal, which comes in pieces of any size, into batches: the header of each says where it
 * ends.
 *
 * It begins at the boundary of a batch. Bytes that cannot be the header of one mean that another program wrote into the
 * journal, or that the offset lies inside of a batch. Whether a batch verifies is seen by whoever decodes it.
 */

import { BATCH_BYTES_MAX, BATCH_HEADER_BYTES } from '../../message/batch.ts';

/** `SSB1` */
export const BATCH_MAGIC = 0x31425353;
const VERSION = 1;

export type CutBatch = { readonly begin: number; readonly end: number; readonly bytes: Buffer };

export class BatchCutter {
  /** Where the next batch begins. */
  #begin: number;
  readonly #magic: number;
  #pieces: Buffer[] = [];
  #bytes = 0;

  /** `magic`: that of the header, where the journal consists of something else than batches. */
  constructor(offset: number, magic: number = BATCH_MAGIC) {
    this.#begin = offset;
    this.#magic = magic;
  }

  /** Where the next piece belongs. */
  get through(): number {
    return this.#begin + this.#bytes;
  }

  /** Where the last whole batch ended. */
  get boundary(): number {
    return this.#begin;
  }

  /** Adds what follows and gives the batches that are whole now, or why there can be none. */
  push(piece: Buffer): CutBatch[] | { readonly fault: string } {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    const batches: CutBatch[] = [];
    while (this.#bytes >= BATCH_HEADER_BYTES) {
      const header = this.#joined(BATCH_HEADER_BYTES);
      const payload = header.readUInt32LE(40);
      const length = BATCH_HEADER_BYTES + payload;
      if (header.readUInt32LE(4) !== this.#magic || header.readUInt16LE(8) !== VERSION || length > BATCH_BYTES_MAX) {
        const why = 'another program wrote there, or the offset lies inside of a batch';
        return { fault: `at ${this.#begin} no batch begins: ${why}` };
      }
      if (this.#bytes < length) break;
      const bytes = this.#take(length);
      batches.push({ begin: this.#begin, end: this.#begin + length, bytes });
      this.#begin += length;
    }
    return batches;
  }

  /** The first bytes as one piece, which stays in place. */
  #joined(length: number): Buffer {
    const [first] = this.#pieces;
    if (first !== undefined && first.length >= length) return first;
    const all = Buffer.concat(this.#pieces);
    this.#pieces = [all];
    return all;
  }

  #take(length: number): Buffer {
    const joined = this.#joined(length);
    this.#pieces[0] = joined.subarray(length);
    if (joined.length === length) this.#pieces.shift();
    this.#bytes -= length;
    // A copy where it is a small part: a batch that is kept does not keep what came with it.
    return joined.length > length * 2 ? Buffer.from(joined.subarray(0, length)) : joined.subarray(0, length);
  }
}
