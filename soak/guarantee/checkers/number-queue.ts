/** A first-in first-out queue of numbers in a growing ring, for millions of waiting entries. */

import { assert } from '../../../src/core/assert.ts';

export class NumberQueue {
  #ring: Float64Array = new Float64Array(64);
  #first = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if (this.#length === this.#ring.length) this.#grow();
    this.#ring[(this.#first + this.#length) & (this.#ring.length - 1)] = value;
    this.#length += 1;
  }

  /** The entry that is `place` places after the first one. */
  at(place: number): number {
    assert(place < this.#length, 'the queue is not so long');
    return this.#ring[(this.#first + place) & (this.#ring.length - 1)] ?? Number.NaN;
  }

  /** Takes the first `count` entries. */
  drop(count: number): void {
    assert(count <= this.#length, 'the queue is not so long');
    this.#first = (this.#first + count) & (this.#ring.length - 1);
    this.#length -= count;
  }

  #grow(): void {
    const ring = new Float64Array(this.#ring.length * 2);
    for (let place = 0; place < this.#length; place += 1) ring[place] = this.at(place);
    this.#ring = ring;
    this.#first = 0;
  }
}
