// SHA-256 of many streams at once, by slot, for chunks that are already sliced. Independent streams share the
// processor's lanes, so that a call with chunks of many streams is faster than any hash of one stream can be.

import { SlotPool as AddonSlotPool } from '#addon';
import { checkBytes, checkWords } from './bytes.ts';
import { PoolClosedError } from './pool-errors.ts';
import { refuseJson, uncloneable } from './uncloneable.ts';

const INSTEAD = 'save its streams instead';
const UNCLONEABLE = uncloneable('SlotPool', INSTEAD);

/**
 * Hash contexts by slot, a small number that `open` returns. Buffers belong to the caller: they are read or written
 * before a call returns, and no reference is kept. A call that throws has changed nothing: ERR_INVALID_ARG_TYPE on
 * wrong types and shared memory, ERR_SLOT_POOL on slots that are not open and lengths that do not fit,
 * ERR_BUFFERS_OVERLAP.
 *
 *     const pool = new SlotPool();
 *     const slots = Uint32Array.of(pool.open(), pool.open());
 *     pool.fold(slots, Uint32Array.of(3, 5), Buffer.from('abcde')); // 'abc' to the first stream, 'de' to the second
 *     const digests = new Uint8Array(64);
 *     pool.finish(slots, digests);
 *
 * Its memory is given back when the pool is collected, or at once by `close()`. After `close()` every other call throws
 * ERR_POOL_CLOSED. `structuredClone` and `JSON.stringify` throw a TypeError with the code ERR_UNCLONEABLE.
 */
export class SlotPool {
  protected readonly uncloneable: object = UNCLONEABLE;
  readonly #addonPool: AddonSlotPool = new AddonSlotPool();
  #isClosed = false;

  get #pool(): AddonSlotPool {
    if (this.#isClosed) throw new PoolClosedError('the pool was closed');
    return this.#addonPool;
  }

  /** Opens a stream and returns its slot, the lowest that is free. */
  open(): number {
    return this.#pool.open();
  }

  /**
   * Opens a stream from a state of 108 bytes, as `Sha256.serialize` gives it. Throws ERR_SHA256_STATE on other bytes.
   */
  openState(state: Uint8Array): number {
    checkBytes('state', state);
    return this.#pool.openState(state);
  }

  /** Streams that are open. */
  openStreams(): number {
    return this.#pool.openStreams();
  }

  /**
   * Bytes that the pool holds outside of the JavaScript heap. V8 is told of them, so that it collects pools in time.
   */
  memoryBytes(): number {
    return this.#pool.memoryBytes();
  }

  /**
   * Appends chunk i, `data[ends[i - 1]..ends[i]]` in bytes (the first from 0), to the stream of `slots[i]`, in order.
   * `slots` and `ends` have one element a chunk; the ends never decrease, and the last is the length of `data`.
   */
  fold(slots: Uint32Array, ends: Uint32Array, data: Uint8Array): void {
    checkWords('slots', slots);
    checkWords('ends', ends);
    checkBytes('data', data);
    this.#pool.fold(slots, ends, data);
  }

  /** Ends streams: writes their digests to `digests`, 32 bytes a slot in that order, and frees the slots. */
  finish(slots: Uint32Array, digests: Uint8Array): void {
    checkWords('slots', slots);
    checkBytes('digests', digests);
    this.#pool.finish(slots, digests);
  }

  /**
   * Writes the states of streams to `states`: 108 bytes a slot in the order of `slots`, in Go's format. The streams
   * stay open.
   */
  save(slots: Uint32Array, states: Uint8Array): void {
    checkWords('slots', slots);
    checkBytes('states', states);
    this.#pool.save(slots, states);
  }

  /** Forgets all streams and gives their memory back. Calling it again does nothing. */
  close(): void {
    this.#addonPool.clear();
    this.#isClosed = true;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Throws: JSON of a pool would lack its streams. */
  toJSON(): never {
    return refuseJson('SlotPool', INSTEAD);
  }
}
