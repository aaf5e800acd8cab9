/**
 * The log of a simulated process. For a share of its lines, which the plan gives, its disk is full or its terminal is
 * gone. The production wrapper stands before it, so none of this may change what a process does.
 */

import { type Log, safeLog } from '../../../src/core/log.ts';
import type { Prng } from '../../../src/core/prng.ts';
import type { Counters } from './counters.ts';

const PARTS = 1_000_000;

/** `failsPart`: the share of lines that fail, from 0 to 1. The log then throws, as on a full disk. */
export function failingLog(failsPart: number, prng: Prng): Log {
  const line = (): void => {
    if (prng.below(PARTS) < failsPart * PARTS) throw new Error('ENOSPC: no space left on device, write');
  };
  return { info: line, warn: line, fatal: line };
}

export function simulatedLog(raw: Log, counters: Counters): Log {
  return safeLog(raw, () => counters.count('log line could not be written'));
}
