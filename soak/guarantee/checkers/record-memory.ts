/**
 * Remembers the records of one producer in one journal, where the engine may store a record twice. Readers skip what
 * they had, so a repetition with other content would change nothing that anybody sees: the memory finds it.
 */

import { crc32c } from '../../../src/hash/crc32c.ts';
import type { Batch } from '../../../src/message/batch.ts';
import { SUM_BYTES } from '../../../src/message/sum.ts';
import { ChunkCursor } from './chunk-cursor.ts';

/** Repetitions are of what was not yet acknowledged, which is far less. */
export const REMEMBERED_RECORDS = 131_072;

/** `differs`: something else stood at the index before. `forgotten`: what stood there is not remembered any more. */
export type Repetition = { readonly index: number; readonly what: 'differs' | 'forgotten' };

export class RecordMemory {
  readonly #cursor = new ChunkCursor();
  /** By index modulo its length, the checksums of the records from `#from` to below `#next`. */
  readonly #checksums = new Uint32Array(REMEMBERED_RECORDS);
  #from = 0;
  #next = 0;

  /** Takes a sound batch. Returns its first record that does not repeat what stood at its index, or null. */
  take(batch: Batch): Repetition | null {
    const { kind, firstIndex, count, payload } = batch;
    // An end that comes too late ends nothing: it is not a copy of the record that came before it.
    if (kind === 'end' && firstIndex < this.#next) return null;
    // After a hole.
    if (firstIndex > this.#next) this.#from = firstIndex;
    let found: Repetition | null = null;
    this.#cursor.start(payload);
    for (let at = 0; at < count; at += 1) {
      const what = this.#note(firstIndex + at, crc32c(0, this.#record(batch, at)));
      if (what !== null) found ??= { index: firstIndex + at, what };
    }
    return found;
  }

  #note(index: number, checksum: number): Repetition['what'] | null {
    const place = index % REMEMBERED_RECORDS;
    if (index < this.#from) return 'forgotten';
    if (index < this.#next) return this.#checksums[place] === checksum ? null : 'differs';
    this.#checksums[place] = checksum;
    this.#next = index + 1;
    this.#from = Math.max(this.#from, this.#next - REMEMBERED_RECORDS);
    return null;
  }

  /** The bytes of one record. Those of a chunk batch are asked for in order. */
  #record({ kind, payload }: Batch, at: number): Uint8Array {
    if (kind === 'end') return payload;
    if (kind === 'sums') return payload.subarray(at * SUM_BYTES, (at + 1) * SUM_BYTES);
    const cursor = this.#cursor;
    cursor.next();
    return payload.subarray(cursor.offset, cursor.dataOffset + cursor.dataBytes);
  }
}
