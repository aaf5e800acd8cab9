/**
 * Puts together a batch that a client sends in parts: one batch at a time in a session, and none above
 * `BATCH_BYTES_MAX`.
 */

import { BATCH_BYTES_MAX } from '../../message/batch.ts';
import type { Part } from '../protocol.ts';

export class Assembly {
  #id = 0;
  #bytes: Buffer | null = null;
  #length = 0;

  /** The whole batch with its last part, `null` before that, and `broken` when the parts do not follow each other. */
  take(id: number, { at, of }: Part, bytes: Uint8Array): Uint8Array | 'broken' | null {
    if (at === 0 && this.#bytes === null && of <= BATCH_BYTES_MAX) {
      this.#id = id;
      this.#bytes = Buffer.allocUnsafe(of);
      this.#length = 0;
    }
    const whole = this.#bytes;
    const isNext = whole !== null && id === this.#id && at === this.#length && of === whole.length;
    if (!isNext || bytes.length === 0 || at + bytes.length > of) return 'broken';
    whole.set(bytes, at);
    this.#length += bytes.length;
    if (this.#length < of) return null;
    this.#bytes = null;
    return whole;
  }
}
