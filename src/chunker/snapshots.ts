/**
 * Generator snapshots. There are at most two: one at or below everything that is acknowledged, from which a restart is
 * always possible, and a newer one. The newer replaces the older only once all before it is acknowledged.
 */

import { assert } from '../core/assert.ts';

type Snapshot = { readonly slot: number; readonly indexes: readonly number[]; isDurable: boolean };

export class Snapshots {
  #stableSlot: number;
  #newer: Snapshot | null = null;

  /** `stableSlot`: where the snapshot is that was restored, or 0 when there was none. */
  constructor(stableSlot: number) {
    this.#stableSlot = stableSlot;
  }

  /** Whether a snapshot may be taken now. */
  get hasRoom(): boolean {
    return this.#newer === null;
  }

  /** A snapshot at these indexes is to be written: into the returned slot. */
  take(indexes: readonly number[]): number {
    assert(this.#newer === null, 'two snapshots at most');
    const slot = 1 - this.#stableSlot;
    this.#newer = { slot, indexes: [...indexes], isDurable: false };
    return slot;
  }

  durable(): void {
    if (this.#newer !== null) this.#newer.isDurable = true;
  }

  /** Records below these indexes are durable in the journals. */
  acknowledged(durableThrough: (partition: number) => number): void {
    if (this.#newer === null || !this.#newer.isDurable) return;
    if (!this.#newer.indexes.every((index, partition) => durableThrough(partition) >= index)) return;
    this.#stableSlot = this.#newer.slot;
    this.#newer = null;
  }
}
