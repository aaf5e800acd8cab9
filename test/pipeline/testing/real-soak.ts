/** A short soak of real processes that keeps its history. */

import type { SoakOptions } from '../../../soak/live/soak-options.ts';

export const REAL: Partial<SoakOptions> = {
  durationMs: 9_000,
  partitions: 3,
  files: 20,
  chunks: { low: 4, high: 8 },
  chunkBytes: { low: 100, high: 256 },
  rate: 1_500,
  faults: ['kill'],
  faultIntervalMs: 1_500,
  retentionBytes: 64 * 1024 * 1024,
  audit: 'follow',
  history: 'keep',
};
