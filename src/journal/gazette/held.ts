/**
 * Batches that were read and are not known to be committed, in journal order. A barrier covers those below its end that
 * were served by a process which has acknowledged it.
 */

import type { CutBatch } from './batch-cutter.ts';
import type { Barrier } from './brokers.ts';

/** A batch, and the process that served it. */
type HeldBatch = CutBatch & { readonly server: string };

export type Covered = {
  readonly batches: readonly CutBatch[];
  /** What is still held proves nothing: it must be read again. */
  readonly isStale: boolean;
  /** The next one does not verify, although it was read twice. */
  readonly fault: { readonly begin: number; readonly words: string } | null;
};

export class Held {
  readonly #faultOf: (bytes: Uint8Array) => string | null;
  #batches: HeldBatch[] = [];
  /** Where a batch did not verify: it is read once more. */
  #doubted = -1;

  /** `faultOf`: why the bytes are no batch of the journal; null: they are. */
  constructor(faultOf: (bytes: Uint8Array) => string | null) {
    this.#faultOf = faultOf;
  }

  get count(): number {
    return this.#batches.length;
  }

  get bytes(): number {
    return this.#batches.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  push(batch: CutBatch, server: string): void {
    this.#batches.push({ ...batch, server });
  }

  /** Takes out what the barrier covers of the first `count`. */
  cover(count: number, barrier: Barrier): Covered {
    const batches: CutBatch[] = [];
    let isStale = false;
    let fault: Covered['fault'] = null;
    for (const held of this.#batches.slice(0, count)) {
      const { begin, end, bytes, server } = held;
      isStale = !barrier.members.has(server);
      if (isStale || end > barrier.end) break;
      const words = this.#faultOf(bytes);
      if (words !== null) {
        if (this.#doubted === begin) fault = { begin, words };
        this.#doubted = begin;
        isStale = true;
        break;
      }
      batches.push(held);
    }
    this.#batches.splice(0, batches.length);
    return { batches, isStale, fault };
  }

  /** Takes back all that is held. Returns where it begins and its bytes; null: nothing is held. */
  drop(): { readonly begin: number; readonly bytes: number } | null {
    const [first] = this.#batches;
    if (first === undefined) return null;
    const dropped = { begin: first.begin, bytes: this.bytes };
    this.#batches = [];
    return dropped;
  }
}
