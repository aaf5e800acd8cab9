/** Smoke runs of the pipeline suite: their flags, and what they are given besides processes and an engine. */

import type { BenchDependencies } from '../../../bench/run.ts';

export const SMOKE = { suite: ['pipeline'], smoke: true, firstRound: 3, seed: 7 } as const;

export const DEPENDENCIES: Omit<BenchDependencies, 'launch' | 'engine'> = {
  progress: { update: () => undefined, say: () => undefined, done: () => undefined },
  versions: { zeromq: null, libzmq: null, lmdb: null, addonBackend: null },
  sourceRoot: '/',
  signal: new AbortController().signal,
  commandLine: ['bench'],
};
