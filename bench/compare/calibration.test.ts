import test from 'ava';
import { Prng } from '../../src/core/prng.ts';
import type { Sample } from '../../src/results/samples.ts';
import { blocksOf, calibrate, countChanges, pairedRuns, resample, stretchesOf } from './calibration.ts';
import { compareRuns } from './comparison.ts';
import type { LoadedRun, RunDescription } from './loading.ts';

/** Two quiet rows and a noisy one, with a disturbed round in ten. */
const NOISES = { quiet: 0.003, steady: 0.006, noisy: 0.25 } as const;

function recorded(seed: number, pairing: string | null, rounds = 20): LoadedRun {
  const prng = Prng.fromSeed(seed);
  const samples = Array.from({ length: rounds }, (_, index) =>
    Object.entries(NOISES).map(([metric, noise]): Sample => {
      const disturbed = prng.below(10) === 0 ? 3 : 1;
      const value = 1 + (disturbed * noise * prng.between(-1000, 1000)) / 1000;
      const row = { suite: 's', benchmark: 'b', parameters: '', metric, unit: 's', better: 'lower' } as const;
      return { ...row, round: index + 1, value };
    }),
  ).flat();
  const description = { pairing, verdict: 'HOLDS', exitCode: 0, configuration: {}, environment: {}, remarks: [] };
  return { path: `${seed}`, description: description as unknown as RunDescription, samples, latency: [], problems: [] };
}

test('a small calibration: no false regressions to speak of, and the plant is found where the noise allows it', (t) => {
  const rounds = blocksOf([recorded(1, null), recorded(2, null)]);
  t.is(rounds.blocks.length, 20);
  const options = { repetitions: 60, rounds: 10, threshold: 0.03, slowdown: 0.05, seed: 7 };
  const { identical, rows } = calibrate(rounds, options);
  t.true(identical.either <= 11, `${identical.either}: five standard errors above one in twenty`);
  const [quiet, steady, noisy] = rows;
  t.true((quiet?.found ?? 0) >= 0.9 && (quiet?.detectable ?? 1) <= 0.05, JSON.stringify(quiet));
  t.true((steady?.found ?? 0) >= 0.9 && (steady?.detectable ?? 1) <= 0.05, JSON.stringify(steady));
  t.true((noisy?.found ?? 1) < 0.5 && (noisy?.detectable ?? 0) > 0.05, JSON.stringify(noisy));
});

test('interleaved runs form blocks with each other, others with themselves', (t) => {
  const runs = [recorded(1, 'a'), recorded(2, null), recorded(3, 'a'), recorded(4, 'b')];
  const [pairs, single] = pairedRuns(runs);
  t.deepEqual(
    pairs.map((pair) => pair.map(({ path }) => path)),
    [['1', '3']],
  );
  t.deepEqual(
    single.map(({ path }) => path),
    ['2', '4'],
  );
  t.is(blocksOf(runs).blocks.length, 20 + 10 + 10);
});

test('a long pair is as many comparisons as it has stretches of rounds, each of both sides', (t) => {
  const pair = [recorded(1, 'a', 25), recorded(3, 'a', 25)] as const;
  const stretches = stretchesOf(pair, 10);
  t.deepEqual(
    stretches.map((runs) => runs.map(({ samples }) => [samples[0]?.round, samples.at(-1)?.round, samples.length / 3])),
    [
      [
        [1, 10, 10],
        [1, 10, 10],
      ],
      [
        [11, 20, 10],
        [11, 20, 10],
      ],
    ],
  );
  t.deepEqual(stretchesOf(pair, 30), [pair]);
});

test('a row of which nothing is better is no part of it', (t) => {
  const run = recorded(1, null);
  const samples = run.samples.map(
    (sample): Sample => ({ ...sample, better: sample.metric === 'noisy' ? 'none' : 'lower' }),
  );
  t.deepEqual(blocksOf([{ ...run, samples }]).keys, ['s b quiet', 's b steady']);
});

test('a row that is not in every round is left out, and a slowdown goes the wrong way for every direction', (t) => {
  const run = recorded(1, null);
  const missing = run.samples.filter(({ metric, round }) => metric !== 'noisy' || round !== 3);
  const rounds = blocksOf([{ ...run, samples: missing }]);
  t.deepEqual(rounds.keys, ['s b quiet', 's b steady']);
  const higher = missing.map((sample) =>
    sample.metric === 'quiet' ? { ...sample, better: 'higher' as const } : sample,
  );
  for (const [key, samples, sign] of [
    ['s b steady', missing, 1],
    ['s b quiet', higher, -1],
  ] as const) {
    const how = { rounds: 10, threshold: 0.03, prng: Prng.fromSeed(1) };
    const compared = resample(blocksOf([{ ...run, samples }]), how, { key, slowdown: 0.2 });
    t.is(compared.rows[0]?.verdict, 'worse');
    t.is(Math.sign(compared.rows[0]?.change.value ?? 0), sign);
  }
});

test('a false change counts in both directions', (t) => {
  const options = { threshold: 0.03, seed: 1, roundsAsRuns: false };
  const [run, other] = [recorded(1, 'a'), recorded(2, 'a')];
  const slower = {
    ...other,
    samples: other.samples.map((sample) => ({ ...sample, value: (sample.value ?? 0) * 1.2 })),
  };
  const [there, back] = [compareRuns([run], [slower], options), compareRuns([slower], [run], options)];
  t.deepEqual(countChanges([there]), { worse: 1, better: 0, either: 1 });
  t.deepEqual(countChanges([back]), { worse: 0, better: 1, either: 1 });
  t.deepEqual(countChanges([there, back, compareRuns([run], [other], options)]), { worse: 1, better: 1, either: 2 });
});
