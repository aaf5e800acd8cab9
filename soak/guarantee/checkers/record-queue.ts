/** A first-in first-out queue of generated records in a growing ring, for millions of waiting records. */

import { assert } from '../../../src/core/assert.ts';

/** What is kept of a record. */
export type QueuedRecord = {
  readonly fileNumber: number;
  readonly sequence: number;
  readonly dataBytes: number;
  readonly fileSeed: number;
};

/** Numbers of one record in the ring. */
const FIELDS = 4;

export class RecordQueue {
  #ring: Float64Array = new Float64Array(16 * FIELDS);
  /** Place of the first record in the ring, in records. */
  #first = 0;
  #length = 0;

  /** The number of records. */
  get length(): number {
    return this.#length;
  }

  push({ fileNumber, sequence, dataBytes, fileSeed }: QueuedRecord): void {
    if (this.#length * FIELDS === this.#ring.length) this.#grow();
    const ring = this.#ring;
    const place = ((this.#first + this.#length) * FIELDS) & (ring.length - 1);
    ring[place] = fileNumber;
    ring[place + 1] = sequence;
    ring[place + 2] = dataBytes;
    ring[place + 3] = fileSeed;
    this.#length += 1;
  }

  /** Fields of the record that is `place` places after the first one. */
  fileNumberAt(place: number): number {
    return this.#ring[this.#placeOf(place)] ?? Number.NaN;
  }

  sequenceAt(place: number): number {
    return this.#ring[this.#placeOf(place) + 1] ?? Number.NaN;
  }

  dataBytesAt(place: number): number {
    return this.#ring[this.#placeOf(place) + 2] ?? Number.NaN;
  }

  fileSeedAt(place: number): number {
    return this.#ring[this.#placeOf(place) + 3] ?? Number.NaN;
  }

  /** Takes the first `count` records. */
  drop(count: number): void {
    assert(count <= this.#length, 'the queue is not so long');
    this.#first = (this.#first + count) & (this.#ring.length / FIELDS - 1);
    this.#length -= count;
  }

  /** Where the fields of a record begin in the ring. */
  #placeOf(place: number): number {
    assert(place < this.#length, 'the queue is not so long');
    return ((this.#first + place) * FIELDS) & (this.#ring.length - 1);
  }

  #grow(): void {
    const ring = new Float64Array(this.#ring.length * 2);
    const first = this.#first * FIELDS;
    ring.set(this.#ring.subarray(first));
    ring.set(this.#ring.subarray(0, first), this.#ring.length - first);
    this.#ring = ring;
    this.#first = 0;
  }
}
