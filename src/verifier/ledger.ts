/**
 * Which files of one producer are verified: a watermark and an outstanding set. File numbers are dense, so every number
 * below `next` is verified unless it is outstanding. The set is bounded by the files that are open or wait for a sum.
 */

import { assert, isCount } from '../core/assert.ts';

export class Ledger {
  #next = 0;
  /** File number to the intended send time of the file's end; NaN while it is open, or unknown. */
  readonly #outstanding = new Map<number, number>();

  /** File numbers below this one are verified unless outstanding. */
  get next(): number {
    return this.#next;
  }

  get outstanding(): ReadonlyMap<number, number> {
    return this.#outstanding;
  }

  get verifiedTotal(): number {
    return this.#next - this.#outstanding.size;
  }

  /** All numbers below `next` were opened. New numbers become outstanding. */
  cover(next: number): void {
    for (let number = this.#next; number < next; number += 1) this.#outstanding.set(number, Number.NaN);
    this.#next = Math.max(this.#next, next);
  }

  isVerified(fileNumber: number): boolean {
    return fileNumber < this.#next && !this.#outstanding.has(fileNumber);
  }

  /**
   * Notes when the file's end was intended. An earlier note is kept: a restarted chunker's new schedule is no excuse.
   */
  complete(fileNumber: number, intendedNs: number): number {
    const known = this.#outstanding.get(fileNumber);
    assert(known !== undefined, 'a file that completes is outstanding');
    if (!Number.isNaN(known)) return known;
    this.#outstanding.set(fileNumber, intendedNs);
    return intendedNs;
  }

  verify(fileNumber: number): void {
    assert(this.#outstanding.delete(fileNumber), 'a file is verified once');
  }

  /** Layout, little-endian f64: next, then for each outstanding file its number and intended time. */
  save(): Buffer {
    const bytes = Buffer.allocUnsafeSlow(8 + this.#outstanding.size * 16);
    bytes.writeDoubleLE(this.#next, 0);
    let at = 8;
    for (const [fileNumber, intendedNs] of this.#outstanding) {
      bytes.writeDoubleLE(fileNumber, at);
      bytes.writeDoubleLE(intendedNs, at + 8);
      at += 16;
    }
    return bytes;
  }

  /** `isSameBoot`: whether the ledger's monotonic times can be compared with present times. */
  static load(bytes: Buffer, isSameBoot: boolean): Ledger {
    const ledger = new Ledger();
    assert(bytes.length >= 8 && (bytes.length - 8) % 16 === 0, 'a ledger has whole entries');
    ledger.#next = bytes.readDoubleLE(0);
    assert(isCount(ledger.#next), 'a ledger has a watermark');
    for (let at = 8; at < bytes.length; at += 16) {
      ledger.#outstanding.set(bytes.readDoubleLE(at), isSameBoot ? bytes.readDoubleLE(at + 8) : Number.NaN);
    }
    return ledger;
  }
}
