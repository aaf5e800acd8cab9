/** 64-bit numbers of records and headers: u64, little-endian, exact as far as a double is. */

import { assert, isCount } from '../core/assert.ts';

/** Writes a u64 from a safe integer. */
export function writeCount(view: DataView, offset: number, value: number): void {
  assert(isCount(value), `no count: ${value}`);
  view.setUint32(offset, value % 0x1_0000_0000, true);
  view.setUint32(offset + 4, Math.floor(value / 0x1_0000_0000), true);
}

/** Reads a u64; NaN when a double does not hold it exactly. */
export function readCount(view: DataView, offset: number): number {
  const value = view.getUint32(offset, true) + view.getUint32(offset + 4, true) * 0x1_0000_0000;
  return Number.isSafeInteger(value) ? value : Number.NaN;
}
