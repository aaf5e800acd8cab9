// SHA-256 whose state can be saved and resumed, in the manner of node:crypto's Hash. Hash function: FIPS 180-4, 6.2.
//
// A state is 108 bytes in memory that JavaScript owns; native functions work on these bytes. An object of the addon
// would cost ten times as much to make, and would be released only when the event loop turns. The states of some hashes
// share a block of memory, as small Buffers do. Nothing outside this module can reach that block.

import { sha256Check, sha256Digest, sha256Start, sha256Update } from '#addon';
import { bytesOf, checkBytes } from './bytes.ts';
import { decodeString, outputEncodingOf } from './encodings.ts';
import { refuseJson, uncloneable } from './uncloneable.ts';

/** Bytes of a digest. */
export const DIGEST_BYTES = 32;
/** Bytes of a serialized state. */
export const STATE_BYTES = 108;

const STATES_PER_BLOCK = 37;
const BLOCK_BYTES = STATES_PER_BLOCK * STATE_BYTES;
const COUNT_OFFSET = 100;
const INSTEAD = 'serialize it instead';
const UNCLONEABLE = uncloneable('Sha256', INSTEAD);

/** A block of states of the empty message. It is made at first use, because the addon may refuse its backend. */
let template: Uint8Array | null = null;
/** The block from which hashes take their states, and the place of the next state. */
let block = new Uint8Array(0);
let nextOffset = 0;
const digestScratch = Buffer.allocUnsafeSlow(DIGEST_BYTES);

function startBlock(): void {
  if (template === null) {
    const states = new Uint8Array(BLOCK_BYTES);
    for (let offset = 0; offset < BLOCK_BYTES; offset += STATE_BYTES) sha256Start(states, offset);
    template = states;
  }
  block = new Uint8Array(template);
  nextOffset = 0;
}

/**
 * The SHA-256 of one message. It differs from node:crypto's Hash in three points. Taking the digest does not end it.
 * Its state can be serialized at any byte and resumed in another process, or by Go's `crypto/sha256`. It is not a
 * stream.
 *
 *     const hash = new Sha256().update('abc');
 *     const resumed = Sha256.deserialize(hash.serialize()).update('def');
 *     resumed.digest('hex'); // the digest of 'abcdef'
 *
 * `structuredClone` and `JSON.stringify` throw a TypeError with the code ERR_UNCLONEABLE.
 */
export class Sha256 {
  protected readonly uncloneable: object = UNCLONEABLE;
  readonly #states: Uint8Array;
  readonly #offset: number;

  constructor() {
    if (nextOffset === block.length) startBlock();
    this.#states = block;
    this.#offset = nextOffset;
    nextOffset += STATE_BYTES;
  }

  /**
   * Appends to the message: a string in `inputEncoding`, UTF-8 by default, or the bytes of a view, which are read
   * before this returns. For a view the encoding is ignored.
   *
   * Throws a TypeError with the code ERR_INVALID_ARG_TYPE on any other type and on shared memory, ERR_INVALID_ARG_VALUE
   * on an unknown encoding and on half a byte of hex, and an error with the code ERR_SHA256_MESSAGE_TOO_LONG past
   * 2^61 - 1 bytes. After an error nothing has changed.
   */
  update(data: string | NodeJS.ArrayBufferView, inputEncoding?: BufferEncoding): this {
    const bytes = typeof data === 'string' ? decodeString(data, inputEncoding) : bytesOf('data', data);
    sha256Update(this.#states, this.#offset, bytes);
    return this;
  }

  /**
   * The digest of the message so far: a fresh Buffer of 32 bytes, or a string. Throws a TypeError with the code
   * ERR_INVALID_ARG_TYPE or ERR_INVALID_ARG_VALUE if the encoding does not exist.
   */
  digest(encoding?: 'buffer'): Buffer;
  digest(encoding: BufferEncoding): string;
  digest(encoding?: BufferEncoding | 'buffer'): Buffer | string {
    const known = outputEncodingOf(encoding);
    if (known === undefined) {
      const digest = Buffer.allocUnsafeSlow(DIGEST_BYTES);
      sha256Digest(this.#states, this.#offset, digest);
      return digest;
    }
    sha256Digest(this.#states, this.#offset, digestScratch);
    return digestScratch.toString(known);
  }

  /** Writes the digest of the message so far into the caller's 32 bytes; another length throws ERR_OUT_OF_RANGE. */
  digestInto(digest: Uint8Array): void {
    checkBytes('digest', digest);
    sha256Digest(this.#states, this.#offset, digest);
  }

  /** An independent hash of the same message so far. */
  copy(): Sha256 {
    return Sha256.#of(this.#view());
  }

  /** Bytes of the message so far, exact up to 2^53. */
  get byteCount(): number {
    const start = this.#offset + COUNT_OFFSET;
    let count = 0;
    for (let at = start; at < start + 8; at += 1) count = count * 256 + (this.#states[at] ?? 0);
    return count;
  }

  /**
   * The state, a fresh Buffer of 108 bytes in the format of Go's `crypto/sha256` (`MarshalBinary`): the magic
   * `"sha" 0x03`, eight big-endian u32 of H, the 64-byte block buffer with zeros past the partial block, and the count
   * of bytes as a big-endian u64. Equal messages give equal states.
   */
  serialize(): Buffer {
    const state = Buffer.allocUnsafeSlow(STATE_BYTES);
    state.set(this.#view());
    return state;
  }

  /** Resumes a serialized state. Throws ERR_SHA256_STATE on bytes that `serialize` cannot have written. */
  static deserialize(state: Uint8Array): Sha256 {
    checkBytes('state', state);
    sha256Check(state);
    return Sha256.#of(state);
  }

  /** Throws: JSON of a hash would lack its state. */
  toJSON(): never {
    return refuseJson('Sha256', INSTEAD);
  }

  #view(): Uint8Array {
    return this.#states.subarray(this.#offset, this.#offset + STATE_BYTES);
  }

  static #of(state: Uint8Array): Sha256 {
    const hash = new Sha256();
    hash.#states.set(state, hash.#offset);
    return hash;
  }
}
