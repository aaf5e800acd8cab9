/** Leaks planted into simulated series, and series of clean processes, none of which may be called a leak. */

import test from 'ava';
import { Prng } from '../../../src/core/prng.ts';
import { type Resource, judgeLeaks } from './leaks.ts';
import { ResourceSeries, SERIES } from './resource-series.ts';

const MIB = 1024 ** 2;
/** A run of 20 minutes. */
const SECONDS = 1_200;
/** How many series a run judges together. */
const SERIES_OF_RUN = 40;

/** The value at a second, and the incarnation of the process, which changes with each start. */
type Made = (prng: Prng) => (second: number) => { readonly value: number; readonly incarnation?: number };

function normal(prng: Prng): number {
  const uniform = (): number => (prng.next32() + 1) / (2 ** 32 + 1);
  return Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

const CLEAN: Readonly<Record<string, Made>> = {
  noise: (prng) => () => ({ value: 100 * MIB + 2 * MIB * normal(prng) }),
  'random walk': (prng) => {
    let value = 100 * MIB;
    return () => {
      value += 0.4 * MIB * normal(prng);
      return { value };
    };
  },
  'noise that remembers': (prng) => {
    let value = 0;
    return () => {
      value = 0.98 * value + 0.5 * MIB * normal(prng);
      return { value: 100 * MIB + value };
    };
  },
  'slow sawtooth of a collector': (prng) => {
    const period = 60 + prng.below(400);
    return (second) => ({ value: 80 * MIB + (second % period) * 0.2 * MIB + 0.2 * MIB * normal(prng) });
  },
  'sawtooth of a collector': (prng) => {
    const period = 10 + prng.below(50);
    return (second) => ({ value: 80 * MIB + (second % period) * 0.2 * MIB + 0.2 * MIB * normal(prng) });
  },
  'warm-up that levels off': (prng) => {
    const minutes = 1 + prng.below(4);
    return (second) => ({ value: 120 * MIB * (1 - Math.exp(-second / (60 * minutes))) + 0.5 * MIB * normal(prng) });
  },
  'steps by kills of others': (prng) => {
    let value = 100 * MIB;
    return () => {
      if (prng.below(200) === 0) value += (prng.below(2) === 0 ? -1 : 1) * 10 * MIB;
      return { value: value + 0.2 * MIB * normal(prng) };
    };
  },
  'incarnations that are killed': (prng) => {
    let [incarnation, bornAt] = [1, 0];
    return (second) => {
      if (prng.below(150) === 0) [incarnation, bornAt] = [incarnation + 1, second];
      const grown = 60 * MIB * (1 - Math.exp(-(second - bornAt) / 30));
      return { incarnation, value: 60 * MIB + grown + 0.5 * MIB * normal(prng) };
    };
  },
};

function seriesOf(made: Made, prng: Prng, leakPerSecond: number = 0): ResourceSeries {
  const series = new ResourceSeries(SERIES);
  const valueAt = made(prng);
  let bornAt = 0;
  let incarnationBefore = 1;
  for (let second = 0; second < SECONDS; second += 1) {
    const { value, incarnation = 1 } = valueAt(second);
    if (incarnation !== incarnationBefore) bornAt = second;
    incarnationBefore = incarnation;
    series.add(incarnation, second, value + leakPerSecond * (second - bornAt));
  }
  return series;
}

/** Whether one of these series is called a leak, judged together. */
function leaksOf(all: readonly ResourceSeries[], resource: Resource = 'memory'): number {
  const watched = all.map((series) => ({
    process: 'summer-0',
    resource,
    seconds: series.seconds,
    slope: series.slope(),
  }));
  return judgeLeaks(watched).filter((verdict) => verdict === 'leak').length;
}

/**
 * A leak looks like a collector that has not come yet. A process that is killed every 150 s on average ends before its
 * leak shows or matters.
 */
const HIDING: readonly string[] = ['slow sawtooth of a collector', 'incarnations that are killed'];

for (const [name, made] of Object.entries(CLEAN)) {
  test(`no clean run of 20 minutes is said to leak: ${name}`, (t) => {
    const runs = 10;
    const alarms: number[] = [];
    for (let run = 1; run <= runs; run += 1) {
      const prng = Prng.fromSeed(run, name.length);
      const all = Array.from({ length: SERIES_OF_RUN }, () => seriesOf(made, prng));
      if (leaksOf(all) > 0) alarms.push(run);
    }
    t.deepEqual(alarms, [], `of the runs with seeds 1 to ${runs}`);
  });

  if (HIDING.includes(name)) continue;
  test(`a planted leak of 1 MiB in 4 s is found among clean series within 20 minutes: ${name}`, (t) => {
    const missed: number[] = [];
    const seeds = 10;
    for (let seed = 1; seed <= seeds; seed += 1) {
      const prng = Prng.fromSeed(seed, name.length, 1);
      const clean = Array.from({ length: SERIES_OF_RUN - 1 }, () => seriesOf(made, prng));
      if (leaksOf([...clean, seriesOf(made, prng, 0.25 * MIB)]) !== 1) missed.push(seed);
    }
    t.deepEqual(missed, [], `of the seeds 1 to ${seeds}`);
  });
}

/** Descriptors of connections that come and go. */
const coming: Made = (prng) => () => ({ value: 40 + prng.below(8) });

test('a planted leak of a descriptor in 10 s is found, and descriptors that come and go are none', (t) => {
  for (let seed = 1; seed <= 25; seed += 1) {
    const prng = Prng.fromSeed(seed);
    const clean = Array.from({ length: 7 }, () => seriesOf(coming, prng));
    t.is(leaksOf(clean, 'descriptors'), 0, `seed ${seed}`);
    t.is(leaksOf([...clean, seriesOf(coming, prng, 0.1)], 'descriptors'), 1, `seed ${seed}`);
  }
});

test('what is listed is never called a leak, and what was watched too short is called neither', (t) => {
  const slope = { value: 1e9, low: 1e9, high: 1e9, p: 0, recent: 1e9, robust: () => 1e9 };
  const watched = (resource: Resource, of: typeof slope | null): Parameters<typeof judgeLeaks>[0][number] => ({
    process: 'broker',
    resource,
    seconds: 1_000,
    slope: of,
  });
  t.deepEqual(
    judgeLeaks([
      watched('rss', slope),
      watched('event-loop-lag', slope),
      watched('heap', null),
      watched('heap', slope),
    ]),
    ['listed', 'listed', 'short', 'leak'],
  );
});

test('growth that is significant and too small to matter is no leak', (t) => {
  const slight = { value: 1_000, low: 999, high: 1_001, p: 1e-12, recent: 1_000, robust: () => 1_000 };
  const enough = { value: 30_000, low: 29_999, high: 30_001, p: 1e-12, recent: 30_000, robust: () => 30_000 };
  const ended = { ...enough, recent: 100 };
  const few = { ...enough, robust: () => 100 };
  const judged = [slight, enough, ended, few].map(
    (slope) => judgeLeaks([{ process: 'soak', resource: 'memory', seconds: 1_200, slope }])[0],
  );
  t.deepEqual(judged, ['none', 'leak', 'none', 'none']);
  t.deepEqual(judgeLeaks([{ process: 'soak', resource: 'memory', seconds: 300, slope: enough }]), ['none']);
});

test('what V8 has not yet collected of a process that allocates little is no leak', (t) => {
  // A summer of a clean soak at 30 chunks/s.
  const slope = { value: 7_715, low: 5_042, high: 10_389, p: 1.2e-4, recent: 9_436, robust: () => 8_862 };
  t.deepEqual(judgeLeaks([{ process: 'summer-0', resource: 'memory', seconds: 1_114, slope }]), ['none']);
});
