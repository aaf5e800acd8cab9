/**
 * How often compare is wrong, on recorded rounds. In comparisons of identical inputs every change is false. In the same
 * comparisons with a slowdown planted in one row, that slowdown should be found. All comparisons go through
 * `compareRuns`.
 *
 * Resampled comparisons of identical inputs test the code; they are not evidence. The old half of a block is drawn at
 * random here, so the test is exact whatever was recorded. The real pairs are the evidence, in both directions.
 */

import { Prng } from '../../src/core/prng.ts';
import { isJudged, type Sample } from '../../src/results/samples.ts';
import { median } from '../../src/measure/statistics.ts';
import { type Comparison, compareRuns } from './comparison.ts';
import type { LoadedRun, RunDescription } from './loading.ts';
import { rowName } from './samples-file.ts';

/** Two measurements of everything, taken one after the other of the same program. */
export type Block = readonly [ReadonlyMap<string, Sample>, ReadonlyMap<string, Sample>];

export type Rounds = {
  readonly blocks: readonly Block[];
  /** Judged rows that every block has twice. */
  readonly keys: readonly string[];
};

/**
 * Interleaved runs of one program give one block a round, with a measurement of each run. Any other run gives one block
 * for every two consecutive rounds.
 */
export function blocksOf(runs: readonly LoadedRun[]): Rounds {
  const [paired, single] = pairedRuns(runs);
  const blocks = [
    ...paired.flatMap(([first, second]) => zipped(roundsOf(first), roundsOf(second))),
    ...single.flatMap((run) => {
      const rounds = roundsOf(run);
      return zipped(
        rounds.filter((_, index) => index % 2 === 0),
        rounds.filter((_, index) => index % 2 === 1),
      );
    }),
  ];
  const keys = [...(blocks[0]?.[0].keys() ?? [])];
  const isWhole = (key: string): boolean => blocks.every((block) => block.every((round) => round.has(key)));
  return { blocks, keys: keys.filter(isWhole) };
}

/** Runs that share a pairing, and the other runs. */
export function pairedRuns(runs: readonly LoadedRun[]): [(readonly [LoadedRun, LoadedRun])[], LoadedRun[]] {
  const pairs: (readonly [LoadedRun, LoadedRun])[] = [];
  const single: LoadedRun[] = [];
  for (const run of runs) {
    const pairing = run.description?.pairing ?? null;
    const partners = runs.filter(({ description }) => pairing !== null && description?.pairing === pairing);
    const [first, second] = partners;
    if (partners.length !== 2 || first === undefined || second === undefined) single.push(run);
    else if (run === first) pairs.push([first, second]);
  }
  return [pairs, single];
}

/**
 * Cuts a long interleaved pair into several pairs of so many rounds; the remainder is left out. A shorter pair stays as
 * it is.
 */
export function stretchesOf(
  [first, second]: readonly [LoadedRun, LoadedRun],
  rounds: number,
): (readonly [LoadedRun, LoadedRun])[] {
  const numbers = [...new Set(first.samples.map(({ round }) => round))].toSorted((a, b) => a - b);
  if (numbers.length < rounds) return [[first, second]];
  return Array.from({ length: Math.floor(numbers.length / rounds) }, (_, stretch) => {
    const within = new Set(numbers.slice(stretch * rounds, (stretch + 1) * rounds));
    const part = (run: LoadedRun): LoadedRun => ({
      ...run,
      samples: run.samples.filter(({ round }) => within.has(round)),
    });
    return [part(first), part(second)] as const;
  });
}

function zipped<T>(first: readonly T[], second: readonly T[]): (readonly [T, T])[] {
  return second.flatMap((right, index) => {
    const left = first[index];
    return left === undefined ? [] : [[left, right] as const];
  });
}

/** Rounds in order. Samples without a value, and samples that are not judged, are left out. */
function roundsOf({ samples }: LoadedRun): ReadonlyMap<string, Sample>[] {
  const rounds = new Map<number, Map<string, Sample>>();
  for (const sample of samples) {
    const round = rounds.get(sample.round) ?? new Map<string, Sample>();
    if (sample.value !== null && isJudged(sample)) round.set(rowName(sample), sample);
    rounds.set(sample.round, round);
  }
  return [...rounds].toSorted(([a], [b]) => a - b).map(([, round]) => round);
}

export type Resampling = {
  readonly rounds: number;
  readonly threshold: number;
  readonly prng: Prng;
};

/**
 * A slowdown of one row: 0.05 takes 5 % more of a metric that should be low, or gives 5 % less of one that should be
 * high.
 */
export type Planted = { readonly key: string; readonly slowdown: number };

/**
 * One comparison of interleaved rounds that are drawn from the blocks, with all rows of a block together. Chance
 * decides which of the two measurements is old.
 */
export function resample({ blocks, keys }: Rounds, how: Resampling, planted: Planted | null): Comparison {
  const [old, next]: [Sample[], Sample[]] = [[], []];
  for (let round = 1; round <= how.rounds; round += 1) {
    const [first, second] = blocks[how.prng.below(blocks.length)] ?? [];
    const isSwapped = how.prng.below(2) === 1;
    for (const key of keys) {
      const [left, right] = [(isSwapped ? second : first)?.get(key), (isSwapped ? first : second)?.get(key)];
      if (left === undefined || right === undefined) continue;
      old.push({ ...left, round });
      next.push({ ...right, round, value: slowed(right, planted?.key === key ? planted.slowdown : 0) });
    }
  }
  const options = { threshold: how.threshold, seed: 1, roundsAsRuns: false };
  return compareRuns([runOf('old', old)], [runOf('new', next)], options);
}

function slowed({ value, better }: Sample, slowdown: number): number | null {
  if (value === null) return null;
  return better === 'lower' ? value * (1 + slowdown) : value / (1 + slowdown);
}

function runOf(path: string, samples: readonly Sample[]): LoadedRun {
  return { path, description: RESAMPLED, samples, latency: [], problems: [] };
}

const RESAMPLED: RunDescription = {
  kind: 'resampled',
  configuration: {},
  environment: {},
  seed: null,
  commit: null,
  dirty: null,
  pairing: 'resampled',
  startedAt: null,
  verdict: 'HOLDS',
  exitCode: 0,
  reasons: [],
  remarks: [],
};

/** In comparisons of identical inputs both are false. */
export type FalseChanges = { readonly worse: number; readonly better: number; readonly either: number };

/** In how many comparisons a row was called worse, better, or either. */
export function countChanges(comparisons: readonly Comparison[]): FalseChanges {
  const count = (...verdicts: readonly string[]): number =>
    comparisons.filter(({ rows }) => rows.some(({ verdict }) => verdicts.includes(verdict))).length;
  return { worse: count('worse'), better: count('better'), either: count('worse', 'better') };
}

export type RowPower = {
  readonly key: string;
  /** Median size of the blocks' log-ratios, as a standard deviation. */
  readonly noise: number;
  /** The change that compare said it could detect: the median over all repetitions without a planted slowdown. */
  readonly detectable: number;
  /** Share of the repetitions in which the planted slowdown was called worse. */
  readonly found: number;
};

export type Calibration = {
  readonly blocks: number;
  readonly repetitions: number;
  /** False changes in comparisons of identical inputs. */
  readonly identical: FalseChanges;
  readonly rows: readonly RowPower[];
};

export type CalibrationOptions = {
  readonly repetitions: number;
  readonly rounds: number;
  readonly threshold: number;
  readonly slowdown: number;
  readonly seed: number;
};

export function calibrate(rounds: Rounds, options: CalibrationOptions): Calibration {
  const { repetitions, threshold, slowdown } = options;
  const how = { rounds: options.rounds, threshold, prng: Prng.fromSeed(options.seed) };
  const identical = Array.from({ length: repetitions }, () => resample(rounds, how, null));
  const rows = rounds.keys.map((key): RowPower => {
    const detectable = identical.flatMap(({ rows: compared }) =>
      compared.filter((row) => rowName(row) === key).map((row) => row.detectable ?? Number.POSITIVE_INFINITY),
    );
    let found = 0;
    for (let repetition = 0; repetition < repetitions; repetition += 1) {
      const { rows: compared } = resample(rounds, how, { key, slowdown });
      if (compared.some((row) => rowName(row) === key && row.verdict === 'worse')) found += 1;
    }
    return { key, noise: noiseOf(rounds, key), detectable: median(detectable), found: found / repetitions };
  });
  return { blocks: rounds.blocks.length, repetitions, identical: countChanges(identical), rows };
}

/** The median size of a normal distribution's values is 0.6745 standard deviations. */
function noiseOf({ blocks }: Rounds, key: string): number {
  const sizes = blocks.flatMap(([first, second]) => {
    const [left, right] = [first.get(key)?.value ?? 0, second.get(key)?.value ?? 0];
    return left > 0 && right > 0 ? [Math.abs(Math.log(right / left))] : [];
  });
  return sizes.length === 0 ? Number.NaN : median(sizes) / 0.6745;
}
