// SHA-256 whose state can be saved and resumed, in the manner of node:crypto's Hash. Hash function: FIPS 180-4, 6.2.

import { Sha256State } from '#addon';
import { bytesOf, checkBytes } from './bytes.ts';

/** Bytes of a digest. */
export const DIGEST_BYTES = 32;
/** Bytes of a serialized state. */
export const STATE_BYTES = 108;

/**
 * The SHA-256 of one message. It differs from node:crypto's Hash in that taking the digest does not end it, and that
 * its state can be serialized at any byte and resumed in another process, or by Go's `crypto/sha256`.
 *
 *     const hash = new Sha256().update('abc');
 *     const resumed = Sha256.deserialize(hash.serialize()).update('def');
 *     resumed.digest('hex'); // the digest of 'abcdef'
 */
export class Sha256 {
  #state: Sha256State;

  constructor() {
    this.#state = new Sha256State();
  }

  /**
   * Appends to the message: a string as UTF-8, or the bytes of a view, which are read before this returns.
   *
   * Throws ERR_INVALID_ARG_TYPE on anything else and on shared memory, and ERR_SHA256_MESSAGE_TOO_LONG, with nothing
   * changed, past 2^61 - 1 bytes.
   */
  update(data: string | NodeJS.ArrayBufferView): this {
    this.#state.update(bytesOf('data', data));
    return this;
  }

  /** The digest of the message so far: a fresh Buffer of 32 bytes, or a string. */
  digest(): Buffer;
  digest(encoding: BufferEncoding): string;
  digest(encoding?: BufferEncoding): Buffer | string {
    const digest = this.#state.digest();
    return encoding === undefined ? digest : digest.toString(encoding);
  }

  /** Writes the digest of the message so far into the caller's 32 bytes; another length throws ERR_OUT_OF_RANGE. */
  digestInto(digest: Uint8Array): void {
    checkBytes('digest', digest);
    this.#state.digestInto(digest);
  }

  /** An independent hash of the same message so far. */
  copy(): Sha256 {
    return Sha256.#over(this.#state.copy());
  }

  /** Bytes of the message so far, exact up to 2^53. */
  get byteCount(): number {
    return this.#state.byteCount;
  }

  /**
   * The state, a fresh Buffer of 108 bytes in the format of Go's `crypto/sha256` (`MarshalBinary`): the magic
   * `"sha" 0x03`, eight big-endian u32 of H, the 64-byte block buffer with zeros past the partial block, and the count
   * of bytes as a big-endian u64. Equal messages give equal states.
   */
  serialize(): Buffer {
    return this.#state.serialize();
  }

  /** Resumes a serialized state. Throws ERR_SHA256_STATE on bytes that `serialize` cannot have written. */
  static deserialize(state: Uint8Array): Sha256 {
    checkBytes('state', state);
    return Sha256.#over(Sha256State.deserialize(state));
  }

  static #over(state: Sha256State): Sha256 {
    const hash = new Sha256();
    hash.#state = state;
    return hash;
  }
}
