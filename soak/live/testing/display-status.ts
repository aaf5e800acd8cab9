/** The status that a display gets from a soak in its phase `steady`. */

import type { DisplayStatus } from '../screen.ts';

export const STATUS: DisplayStatus = {
  elapsedMs: 1_000,
  phase: 'steady',
  chunksPerSecond: 19_990,
  offered: 20_000,
  bytesPerSecond: 640_000,
  filesOpen: 300,
  sumsVerified: 1_000,
  sumsOutstanding: 3,
  latencyP50Ns: 5e6,
  latencyP99Ns: null,
  scheduleLagNs: 0,
  durationMs: 60_000,
  experiment: {
    phases: [
      { phase: 'steady', endMs: 13_000 },
      { phase: 'faults', endMs: 55_000 },
      { phase: 'heal', endMs: 61_000 },
    ],
    open: [],
    down: [],
    counts: { injected: 0, proven: 0, healed: 0, recovered: 0 },
  },
  violations: 0,
};
