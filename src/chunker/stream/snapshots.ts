/**
 * Generator snapshots. There are at most two: one at or below everything acknowledged, from which a restart is always
 * possible, and a newer one. The newer snapshot replaces the older one when everything before it is acknowledged.
 */

import { assert } from '../../core/assert.ts';

/**
 * State of the newer snapshot: there is none, it is wanted, it is on its way to disk, or it waits for acknowledgements.
 */
type Newer =
  | { readonly state: 'none' | 'wanted' }
  | { readonly state: 'written' | 'durable'; readonly slot: number; readonly indexes: readonly number[] };

export class Snapshots {
  #stableSlot: number;
  #newer: Newer = { state: 'none' };

  /** `stableSlot`: the slot of the restored snapshot, or 0 when there was none. */
  constructor(stableSlot: number) {
    this.#stableSlot = stableSlot;
  }

  /** Whether a snapshot may be taken now. */
  get hasRoom(): boolean {
    return this.#newer.state === 'none' || this.#newer.state === 'wanted';
  }

  /** Whether a snapshot is to be taken as soon as the generator is between two steps. */
  get isWanted(): boolean {
    return this.#newer.state === 'wanted';
  }

  /** Asks for a snapshot, if there is room for one. */
  want(): void {
    if (this.hasRoom) this.#newer = { state: 'wanted' };
  }

  /** A snapshot at these indexes is to be written into the returned slot. */
  take(indexes: readonly number[]): number {
    assert(this.hasRoom, 'two snapshots at most');
    const slot = 1 - this.#stableSlot;
    this.#newer = { state: 'written', slot, indexes: [...indexes] };
    return slot;
  }

  durable(): void {
    if (this.#newer.state === 'written') this.#newer = { ...this.#newer, state: 'durable' };
  }

  /** Records below these indexes are durable in the journals. */
  acknowledged(durableThrough: (partition: number) => number): void {
    const newer = this.#newer;
    if (newer.state !== 'durable') return;
    if (!newer.indexes.every((index, partition) => durableThrough(partition) >= index)) return;
    this.#stableSlot = newer.slot;
    this.#newer = { state: 'none' };
  }
}
