/**
 * The planted bugs that run in real processes, and the options of a soak with which each takes effect. The bugs are
 * those of the simulation (`soak/simulation/mutants/`), under the same names.
 */

import type { SoakOptions } from '../../live/soak-options.ts';

export type RealMutant = {
  readonly name: string;
  /**
   * Where it does its harm. `batch`: in a journal, by a batch that the bug has made. `commit`: in a store, by a commit
   * that the bug has made. `direct`: in the memory of the process, which says so itself.
   */
  readonly signal: 'batch' | 'commit' | 'direct';
  /** Options in addition to those that all share. */
  readonly options?: Partial<SoakOptions>;
  /** How long a stuck thing is waited for; absent: as long as in any soak. */
  readonly patienceMs?: number;
};

/** Processes are killed, so that a bug in reading back shows. */
const KILLS: Partial<SoakOptions> = { faults: ['kill'], faultIntervalMs: 700, durationMs: 12_000 };
/** Batches of many records, and so of many sums. */
const LARGE_BATCHES: Partial<SoakOptions> = { rate: 6_000, chunks: { low: 1, high: 2 }, partitions: 2 };
/** With this SLA a sum that never comes is soon late. */
const SHORT_SLA: Partial<SoakOptions> = { slaMs: 3_000 };

export const REAL_MUTANTS: readonly RealMutant[] = [
  { name: 'phantom-sum', signal: 'batch' },
  { name: 'sum-of-another-run', signal: 'batch' },
  { name: 'sum-of-another-file', signal: 'batch' },
  { name: 'sum-with-a-wrong-length', signal: 'batch' },
  { name: 'sum-with-a-wrong-sequence', signal: 'batch' },
  { name: 'sum-repeated', signal: 'batch' },
  { name: 'sums-swapped', signal: 'batch', options: LARGE_BATCHES },
  { name: 'sum-published-again', signal: 'batch' },
  { name: 'bit-flipped-in-sum', signal: 'batch' },
  { name: 'bit-flipped-before-sealing', signal: 'batch' },
  { name: 'chunk-cut-short', signal: 'batch' },
  { name: 'chunk-lost', signal: 'batch' },
  { name: 'end-of-file-missed', signal: 'batch' },
  { name: 'other-bytes-after-restart', signal: 'batch', options: KILLS },
  { name: 'bit-flipped-at-rest', signal: 'commit' },
  { name: 'ended-producer-kept', signal: 'commit', options: { durationMs: 3_000 } },
  { name: 'bit-flipped-when-read', signal: 'direct' },
  { name: 'batch-folded-twice', signal: 'direct' },
  { name: 'batch-dropped', signal: 'direct' },
  { name: 'batches-reordered', signal: 'direct' },
  { name: 'batch-cut', signal: 'direct', options: LARGE_BATCHES },
  { name: 'gap-folded-over', signal: 'direct' },
  { name: 'chunks-swapped', signal: 'direct', options: LARGE_BATCHES },
  { name: 'chunk-folded-twice', signal: 'direct' },
  { name: 'last-chunk-not-folded', signal: 'direct', options: LARGE_BATCHES },
  { name: 'verifier-misses-a-batch', signal: 'direct' },
  { name: 'verifier-reads-twice', signal: 'direct' },
  { name: 'verifier-stops-reading', signal: 'direct', options: SHORT_SLA, patienceMs: 5_000 },
  { name: 'unknown-taken-for-committed', signal: 'direct', options: KILLS },
  { name: 'partial-block-lost', signal: 'direct', options: KILLS },
  { name: 'states-page-not-restored', signal: 'direct', options: KILLS },
  { name: 'producer-dropped-early', signal: 'direct', options: KILLS },
  { name: 'next-sum-not-restored', signal: 'direct', options: KILLS },
];

export function realMutantNamed(name: string): RealMutant {
  const mutant = REAL_MUTANTS.find((candidate) => candidate.name === name);
  if (mutant === undefined) throw new Error(`${name} is no mutant of real processes`);
  return mutant;
}
