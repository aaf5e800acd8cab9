/**
 * Rank tests and the intervals that belong to them: two separate samples (Mann-Whitney, Hodges-Lehmann shift) and
 * paired differences (signed ranks, pseudo-median). No distribution is assumed. Exact for small samples, with ties
 * too, by Streitberg and Roehmel's shift algorithm (1986); above that the normal approximation.
 */

import { probit } from 'simple-statistics';
import { assert } from '../../src/core/assert.ts';
import { differencesOf, type Pairs, walshAveragesOf } from './statistics-selection.ts';
import { ascending, CONFIDENCE, type Estimate, median, normalUpperTail } from '../../src/measure/statistics.ts';

/**
 * Up to this many pairs are listed and sorted, which is faster. With more, order statistics are found without a list.
 */
const LISTED_PAIRS = 4_096;

/** The size of both samples together, above which p and intervals come from the normal approximation. */
const EXACT_VALUES = 50;

/** Twice the midranks, in the order given. They are whole numbers. */
function doubledMidranks(values: readonly number[]): number[] {
  const order = values.map((_, index) => index).toSorted((a, b) => (values[a] ?? 0) - (values[b] ?? 0));
  const ranks = values.map(() => 0);
  for (let first = 0; first < order.length; ) {
    let end = first + 1;
    while (end < order.length && values[order[end] ?? 0] === values[order[first] ?? 0]) end += 1;
    for (const index of order.slice(first, end)) ranks[index] = first + end + 1;
    first = end;
  }
  return ranks;
}

/**
 * The distribution of the sum of `chosen` of the `scores` (whole numbers), when all choices are equally likely: element
 * s is P(sum = s).
 */
function sumDistribution(scores: readonly number[], chosen: number): Float64Array {
  const sums = scores.reduce((sum, score) => sum + score, 0) + 1;
  const counts = Array.from({ length: chosen + 1 }, () => new Float64Array(sums));
  (counts[0] ?? new Float64Array(1))[0] = 1;
  for (const [taken, score] of scores.entries()) {
    for (let size = Math.min(taken + 1, chosen); size > 0; size -= 1) {
      const [from, to] = [counts[size - 1], counts[size]];
      if (from === undefined || to === undefined) continue;
      for (let sum = sums - 1; sum >= score; sum -= 1) to[sum] = (to[sum] ?? 0) + (from[sum - score] ?? 0);
    }
  }
  const distribution = counts[chosen] ?? new Float64Array(sums);
  const total = distribution.reduce((sum, count) => sum + count, 0);
  return distribution.map((count) => count / total);
}

/** Twice the smaller of P(X <= at) and P(X >= at), at most 1. */
function twoSided(distribution: Float64Array, at: number): number {
  const below = distribution.subarray(0, at + 1).reduce((sum, p) => sum + p, 0);
  const above = distribution.subarray(at).reduce((sum, p) => sum + p, 0);
  return Math.min(1, 2 * Math.min(below, above));
}

/** Distributions for untied ranks, which every row of a comparison needs again. */
const untied = new Map<string, Float64Array>();

/** The distribution of Mann-Whitney's U of samples of these sizes without ties. */
function untiedU(first: number, second: number): Float64Array {
  const key = `${first} ${second}`;
  const known = untied.get(key);
  if (known !== undefined) return known;
  const ranks = Array.from({ length: first + second }, (_, index) => index + 1);
  const distribution = sumDistribution(ranks, first).subarray((first * (first + 1)) / 2);
  untied.set(key, distribution);
  return distribution;
}

export type RankTest = {
  /**
   * Mann-Whitney's U of the first sample: the number of pairs in which its value is the greater; ties count one half.
   */
  readonly u: number;
  /** Two-sided. */
  readonly p: number;
  readonly exact: boolean;
};

/** Mann and Whitney's test that two separate samples come from one distribution. Neither sample is empty. */
export function mannWhitney(first: readonly number[], second: readonly number[]): RankTest {
  const [m, n] = [first.length, second.length];
  assert(m > 0 && n > 0, 'two samples');
  const ranks = doubledMidranks([...first, ...second]);
  const rankSum = ranks.slice(0, m).reduce((sum, rank) => sum + rank, 0);
  const u = rankSum / 2 - (m * (m + 1)) / 2;
  if (m + n > EXACT_VALUES) return { u, p: approximateP(u, m, n, ranks), exact: false };
  const hasTies = new Set(ranks).size < m + n;
  const p = hasTies ? twoSided(sumDistribution(ranks, m), rankSum) : twoSided(untiedU(m, n), u);
  return { u, p, exact: true };
}

/** The normal approximation with corrections for ties and for continuity (Hollander and Wolfe, 4.1). */
function approximateP(u: number, m: number, n: number, doubledRanks: readonly number[]): number {
  const tied = new Map<number, number>();
  for (const rank of doubledRanks) tied.set(rank, (tied.get(rank) ?? 0) + 1);
  const ties = [...tied.values()].reduce((sum, count) => sum + count ** 3 - count, 0);
  const total = m + n;
  const variance = ((m * n) / 12) * (total + 1 - ties / (total * (total - 1)));
  if (variance <= 0) return 1;
  const distance = Math.max(0, Math.abs(u - (m * n) / 2) - 0.5);
  return Math.min(1, 2 * normalUpperTail(distance / Math.sqrt(variance)));
}

/** The smallest p that Mann and Whitney's test can give for samples of these sizes. */
export function leastMannWhitneyP(first: number, second: number): number {
  let choices = 1;
  for (let index = 1; index <= first; index += 1) choices *= (second + index) / index;
  return Math.min(1, 2 / choices);
}

/**
 * How far the first sample lies above the second: the median of all differences, with the interval that inverts
 * Mann and Whitney's test (Hodges and Lehmann 1963; R's wilcox.test with conf.int).
 */
export function hodgesLehmann(first: readonly number[], second: readonly number[]): Estimate {
  const [m, n] = [first.length, second.length];
  const inside =
    m + n <= EXACT_VALUES
      ? excluded(untiedU(m, n))
      : approximatelyExcluded((m * n) / 2, Math.sqrt((m * n * (m + n + 1)) / 12));
  if (m * n > LISTED_PAIRS) return trimmedPairs(differencesOf(ascending(first), ascending(second)), inside);
  return trimmed(ascending(first.flatMap((a) => second.map((b) => a - b))), inside);
}

/**
 * The centre of paired differences: the median of all pairwise means (Walsh averages), with the interval that inverts
 * Wilcoxon's signed-rank test (R's wilcox.test with conf.int). An interval needs 6 differences or more.
 */
export function pseudoMedian(differences: readonly number[]): Estimate {
  const n = differences.length;
  const inside =
    n <= EXACT_VALUES
      ? excluded(signedRankDistribution(n))
      : approximatelyExcluded((n * (n + 1)) / 4, Math.sqrt((n * (n + 1) * (2 * n + 1)) / 24));
  if ((n * (n + 1)) / 2 > LISTED_PAIRS) return trimmedPairs(walshAveragesOf(ascending(differences)), inside);
  return trimmed(
    ascending(differences.flatMap((a, index) => differences.slice(index).map((b) => (a + b) / 2))),
    inside,
  );
}

/**
 * The shift that Mann and Whitney's test finds at level `alpha` in 9 of 10 repetitions, by the width of its interval;
 * infinite without an interval. With `alpha` 1: how far an estimate stays behind the truth in 1 of 10 repetitions.
 */
export function shiftFoundByRanks({ low, high }: Estimate, alpha: number): number {
  if (low === null || high === null) return Number.POSITIVE_INFINITY;
  const standardError = (high - low) / 2 / probit((1 + CONFIDENCE) / 2);
  return (probit(1 - alpha / 2) + probit(POWER)) * standardError;
}

const POWER = 0.9;

const signedRanks = new Map<number, Float64Array>();

/** The distribution of the sum of the ranks of n positive differences. */
function signedRankDistribution(n: number): Float64Array {
  const known = signedRanks.get(n);
  if (known !== undefined) return known;
  const distribution = new Float64Array((n * (n + 1)) / 2 + 1);
  distribution[0] = 1;
  for (let rank = 1; rank <= n; rank += 1) {
    for (let sum = distribution.length - 1; sum >= 0; sum -= 1) {
      distribution[sum] = ((distribution[sum] ?? 0) + (distribution[sum - rank] ?? 0)) / 2;
    }
  }
  signedRanks.set(n, distribution);
  return distribution;
}

/**
 * How many values of the statistic, from its least value, together have at most half of the probability that an
 * interval may miss.
 */
function excluded(distribution: Float64Array): number {
  let values = 0;
  let tail = distribution[0] ?? 1;
  while (tail <= (1 - CONFIDENCE) / 2) {
    values += 1;
    tail += distribution[values] ?? 1;
  }
  return values;
}

function approximatelyExcluded(mean: number, deviation: number): number {
  return Math.max(0, Math.round(mean - probit((1 + CONFIDENCE) / 2) * deviation));
}

/** As `trimmed`, without a list of the values. */
function trimmedPairs(pairs: Pairs, outside: number): Estimate {
  const value = pairs.median();
  if (outside < 1) return { value, low: null, high: null };
  return { value, low: pairs.orderStatistic(outside - 1), high: pairs.orderStatistic(pairs.count - outside) };
}

/** The median of sorted values, and the `outside`th smallest and greatest. */
function trimmed(sorted: readonly number[], outside: number): Estimate {
  const value = median(sorted);
  if (outside < 1) return { value, low: null, high: null };
  return { value, low: sorted[outside - 1] ?? null, high: sorted[sorted.length - outside] ?? null };
}
