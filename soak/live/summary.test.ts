import test from 'ava';
import { LatencyHistogram } from '../../src/measure/histogram.ts';
import type { FaultKind } from '../guarantee/fault-kinds.ts';
import type { PhaseOutcome } from './sampler.ts';
import { samplesOf, verdictScreen } from './summary.ts';
import { fakeOptions } from './testing/fake-run.ts';

function histogram(...ms: number[]): LatencyHistogram {
  const made = new LatencyHistogram();
  for (const value of ms) made.record(value * 1e6);
  return made;
}

const STEADY: PhaseOutcome = {
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

const SAID = { engine: '1 broker, ipc', judged: ['late by the clock of each reader'] };

const PARTS = {
  options: fakeOptions('results', { faults: ['kill'] }),
  outcomes: new Map([['steady' as const, STEADY]]),
  faults: new Map<FaultKind, { injected: number; proven: number; recovered: number }>([
    ['kill-broker', { injected: 2, proven: 2, recovered: 2 }],
    ['kill-summer', { injected: 1, proven: 1, recovered: 0 }],
  ]),
  recovery: new Map<FaultKind, LatencyHistogram>([['kill-broker', histogram(500, 900)]]),
  firstRecovery: new Map<FaultKind, LatencyHistogram>([['kill-broker', histogram(300, 400)]]),
  faultGapNsMin: 1.25e9,
};

test('samples come from the steady phase; what was not measured is missing and not 0', (t) => {
  const samples = samplesOf(PARTS);
  const value = (metric: string): unknown => samples.find((sample) => sample.metric === metric)?.value;
  t.is(value('chunks_per_s'), 19_900);
  t.is(value('chunks_published_per_s'), 20_000);
  t.is(value('cpu_s_per_million_chunks'), 10);
  t.is(value('acknowledgement_latency_p50_s'), null);
  const recovery = samples.filter((sample) => sample.metric === 'recovery_median_s');
  t.deepEqual(
    recovery.map((sample) => [sample.parameters.split(' ').at(-1), Math.round((sample.value ?? -1) * 10)]),
    [
      ['fault=kill-broker', 5],
      ['fault=kill-summer', -10],
    ],
  );
});

test('the verdict fits on a screen and says what it rests on', (t) => {
  const screen = verdictScreen({
    ...PARTS,
    verdict: {
      verdict: 'INCONCLUSIVE',
      exitCode: 3,
      reasons: Array.from({ length: 40 }, (_, index) => `reason ${index}`),
    },
    elapsedMs: 65_000,
    violations: 0,
    filesCompleted: 1_234,
    filesVerified: 1_232,
    sumsOutstanding: 2,
    folder: 'results/x',
    ...SAID,
    audit: 'of the end only: because',
    keptData: null,
  });
  t.log(screen);
  t.true(screen.split('\n').length <= 30);
  t.regex(screen, /^INCONCLUSIVE {2}/m);
  t.regex(screen, /and 28 more in run\.json/);
  t.regex(
    screen,
    /kill-broker +2 hit, 2 recovered in 5\d\d ms \(median\), 9\d\d ms \(longest\); a first partition in 3\d\d ms$/m,
  );
  t.regex(screen, /kill-summer +1 hit, 0 recovered$/m);
  t.regex(screen, /judged +late by the clock of each reader$/m);
  t.regex(screen, /1,234 completed, 1,232 verified, 2 outstanding/);
});

test('the line of a verdict that holds says how far its faults were apart', (t) => {
  const verdict = { verdict: 'HOLDS', exitCode: 0, reasons: [] } as const;
  const rest = { elapsedMs: 1, violations: 0, filesCompleted: 1, filesVerified: 1, sumsOutstanding: 0 };
  const shown = { ...PARTS, ...SAID, ...rest, verdict, folder: 'results/x', audit: 'none', keptData: null };
  t.regex(
    verdictScreen(shown),
    /^HOLDS {2}2 of 5 fault kinds, 3 hits at least 1\.25 s apart, 1 file: each got exactly one right sum in time$/m,
  );
  t.notRegex(verdictScreen({ ...shown, faultGapNsMin: null }), /apart/);
});
