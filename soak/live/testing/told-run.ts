/** The data of a run, for tests of the texts about it: two kinds of faults, a steady phase, no violation. */

import { LatencyHistogram } from '../../../src/measure/histogram.ts';
import type { RunFile } from '../../../src/results/run-folder.ts';
import type { FaultTally } from '../../guarantee/fault-tallies.ts';
import { StoryFacts } from '../../guarantee/story/story-facts.ts';
import { storiesOf } from '../../guarantee/story/violation-stories.ts';
import type { PhaseOutcome } from '../sampler.ts';
import type { ToldRun } from '../summary.ts';
import { fakeOptions } from './fake-run.ts';

export function histogram(...ms: number[]): LatencyHistogram {
  const made = new LatencyHistogram();
  for (const value of ms) made.record(value * 1e6);
  return made;
}

export const STEADY: PhaseOutcome = {
  phase: 'steady',
  window: {
    seconds: 10,
    cpuSeconds: new Map([['broker', 2]]),
    counts: {
      chunksPublished: 200_000,
      bytesPublished: 6_400_000,
      chunksFolded: 200_000,
      sumsVerified: 1_990,
      chunksVerified: 199_000,
      bytesVerified: 6_368_000,
      filesOpen: 300,
      sumsOutstanding: 2,
    },
  },
  sum: histogram(4, 5, 20).summary(),
  acknowledgement: histogram().summary(),
  censoredSums: 1,
};

export const PARTS: Pick<
  ToldRun,
  'options' | 'outcomes' | 'faults' | 'overlaps' | 'recovery' | 'firstRecovery' | 'faultGapNsMin'
> = {
  options: fakeOptions('results', { faults: ['kill'] }),
  outcomes: new Map([['steady' as const, STEADY]]),
  faults: new Map<string, FaultTally>([
    ['kill-broker', { injected: 2, proven: 2, recovered: 2 }],
    ['kill-summer', { injected: 1, proven: 1, recovered: 0 }],
  ]),
  recovery: new Map([['kill-broker', histogram(500, 900)]]),
  firstRecovery: new Map([['kill-broker', histogram(300, 400)]]),
  overlaps: new Map(),
  faultGapNsMin: 1.25e9,
};

const RUN: RunFile = {
  schemaVersion: 1,
  kind: 'soak',
  commandLine: ['soak', '--sla', '500ms'],
  configuration: {},
  seed: 1,
  commit: 'c0ffee',
  dirty: false,
  environment: {} as RunFile['environment'],
  startedAt: '2026-11-26T11:55:22.123Z',
  endedAt: null,
  verdict: null,
  exitCode: null,
  reasons: [],
  digests: {},
};

export function toldRun(changes: Partial<ToldRun> = {}): ToldRun {
  return {
    ...PARTS,
    verdict: { verdict: 'HOLDS', exitCode: 0, reasons: [] },
    elapsedMs: 65_000,
    violations: 0,
    audit: 'of the end only: because',
    engine: '1 broker, ipc',
    judged: ['late by the clock of each reader'],
    filesCompleted: 1_234,
    filesVerified: 1_232,
    sumsOutstanding: 2,
    folder: 'results/soak-20261126T115522Z-seed1',
    keptData: null,
    exitCode: 0,
    stories: [],
    otherReasons: [],
    logLines: [],
    expectations: [],
    startNs: 1e9,
    latenesses: [],
    command: ['npx', 'stream-sum', 'soak', '--sla', '500ms', '--seed', '1'],
    evidence: null,
    run: RUN,
    scheduled: ['kill-broker', 'kill-summer'],
    ...changes,
  };
}

/** A run whose broker was killed and whose sums came later than the SLA. */
export function violatedRun(changes: Partial<ToldRun> = {}): ToldRun {
  const facts = new StoryFacts();
  const detail = 'the sum came 2.600 s after the end of its file was acknowledged';
  const file = 'c0ffee00000000010000000000000011';
  const happenings = [
    { event: 'run', seed: 1, slaMs: 500, partitions: 4, processes: [], faults: {} },
    { event: 'fault', id: 4, kind: 'kill-broker', target: 'broker' },
    { event: 'own-delay', fromNs: 12.4e9, cpuNs: 0 },
    { event: 'found', process: 'time', kind: 'late', detail, journal: 'sums', file },
    { event: 'halted' },
  ] as const;
  const times = [1e9, 12.3e9, 13.2e9, 14.9e9, 15e9];
  for (const [index, happening] of happenings.entries()) {
    facts.hear({ atNs: times[index] ?? 0, ...happening });
  }
  return toldRun({
    verdict: { verdict: 'VIOLATED', exitCode: 10, reasons: [`time: late journal=sums file=${file}: ${detail}`] },
    exitCode: 10,
    violations: 1,
    stories: storiesOf(facts),
    latenesses: facts.latenesses,
    logLines: [['broker at 13.10 s, warn: a commit took 700 ms']],
    evidence: 'results/soak-20261126T115522Z-seed1/evidence/witness.txt',
    keptData: '/tmp/somewhere/results/soak-20261126T115522Z-seed1/data',
    ...changes,
  });
}
