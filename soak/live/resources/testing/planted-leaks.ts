/** Simulated series of clean processes and of processes that leak, and what is said of them. */

import test from 'ava';
import { Prng } from '../../../../src/core/prng.ts';
import { type Resource, judgeLeaks } from '../leaks.ts';
import { ResourceSeries, SERIES } from '../resource-series.ts';

const MIB = 1024 ** 2;
/** A run of 20 minutes. */
const SECONDS = 1_200;
/** How many series a run judges together. */
const SERIES_OF_RUN = 40;

/** The value at a second, and the incarnation of the process, which changes with each start. */
export type Made = (prng: Prng) => (second: number) => { readonly value: number; readonly incarnation?: number };

function normal(prng: Prng): number {
  const uniform = (): number => (prng.next32() + 1) / (2 ** 32 + 1);
  return Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

export const CLEAN: Readonly<Record<string, Made>> = {
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

export function seriesOf(made: Made, prng: Prng, leakPerSecond: number = 0): ResourceSeries {
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
export function leaksOf(all: readonly ResourceSeries[], resource: Resource = 'memory'): number {
  const watched = all.map((series) => ({
    process: 'summer-0',
    resource,
    seconds: series.seconds,
    slope: series.slope(),
  }));
  return judgeLeaks(watched).filter((verdict) => verdict === 'leak').length;
}

/** The quick tests have these, and the deep tests the others: one that remembers, and one that hides a leak. */
export const CLEAN_QUICK: readonly string[] = ['noise that remembers', 'incarnations that are killed'];

/**
 * A leak looks like a collector that has not come yet. A process that is killed every 150 s on average ends before its
 * leak shows or matters.
 */
const HIDING: readonly string[] = ['slow sawtooth of a collector', 'incarnations that are killed'];

/** Tests that this series is never called a leak, and that a leak is found among such series. */
export function isToldFromLeaks(name: string, made: Made): void {
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

  if (HIDING.includes(name)) return;
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
