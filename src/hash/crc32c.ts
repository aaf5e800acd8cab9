// CRC-32C (Castagnoli), the checksum of record batches.

import { crc32c as addonCrc32c } from '#addon';
import { checkBytes, checkNumber } from './bytes.ts';

/**
 * Continues the checksum `seed`, a u32 that is 0 at first, over `data`; returns a u32.
 * `crc32c(crc32c(0, a), b)` is the checksum of `a` and `b` in one. Throws ERR_INVALID_ARG_TYPE
 * and ERR_OUT_OF_RANGE.
 */
export function crc32c(seed: number, data: Uint8Array): number {
  checkNumber('seed', seed);
  checkBytes('data', data);
  return addonCrc32c(seed, data);
}
