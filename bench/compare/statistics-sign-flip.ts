/**
 * The sign-flip test of the maximum statistic finds the rows of paired differences whose centre is not 0, with p
 * corrected for all rows at once (Westfall and Young, Resampling-Based Multiple Testing, 1993, algorithm 2.8).
 *
 * If the two sides of a pair are the same, swapping them changes nothing: the differences of a pair are as likely with
 * the other sign. All rows of a pair were measured together, so they are flipped together. So the test is exact
 * whatever the statistic is, and dependence between rows costs no power, as it does with a Bonferroni correction.
 *
 * The statistic is Student's t with two changes. Differences are cut at 1.5 times their median size (Maritz 1979;
 * Rosenbaum 2007), so that a disturbed round counts as one bad round and does not outweigh all others. And no row is
 * credited with a spread below `floor` (Tusher, Tibshirani and Chu 2001). Otherwise the row whose few differences
 * happen to lie close together would have the greatest t, and hide real shifts in the other rows.
 */

import { Prng } from '../../src/core/prng.ts';
import { assert } from '../../src/core/assert.ts';
import { pseudoMedian } from './statistics-ranks.ts';
import { ascending, CONFIDENCE, greatest, median } from '../../src/measure/statistics.ts';

/** One difference for each pair, the same pair at the same index in every row; null: not measured. */
export type PairedRow = readonly (number | null)[];

/** Up to this many pairs every flip is tried; above, `FLIPS` random flips and the data as they are. */
const EXACT_PAIRS = 15;
const FLIPS = 9_999;
/** Very many values get fewer flips, so that a comparison ends: p is exact with any number of flips, but coarser. */
const FLIPS_MIN = 999;
const FLIPPED_VALUES_MAX = 2e9;

/** Tolerance for sums in another order. */
const ROUNDING = 1e-9;

const CUT = 1.5;

export type SignFlipOptions = {
  /** Of the random flips; the same seed gives the same p. */
  readonly seed: number;
  /** In the unit of the differences. */
  readonly floor: number;
  /** In units of the median size; infinite: differences are not cut. */
  readonly cut?: number;
};

export type SignFlipTest = {
  /** Two-sided, corrected for all rows, in the order of the rows. */
  readonly p: readonly number[];
  readonly exact: boolean;
};

/** All rows have the same length, which is the number of pairs. */
export function signFlipTest(rows: readonly PairedRow[], options: SignFlipOptions): SignFlipTest {
  const prepared = rows.map((row) => prepare(row, options));
  const observed = prepared.map((row) => statisticOf(row, sumOf(row.differences)));
  const order = observed.map((_, index) => index).toSorted((a, b) => (observed[b] ?? 0) - (observed[a] ?? 0));
  const reached = rows.map(() => 0);
  const flips = eachFlip(prepared, pairsOf(rows), options.seed, (statistics) => {
    let most = 0;
    for (let rank = order.length - 1; rank >= 0; rank -= 1) {
      const index = order[rank] ?? 0;
      most = Math.max(most, statistics[index] ?? 0);
      if (most >= (observed[index] ?? 0) * (1 - ROUNDING)) reached[index] = (reached[index] ?? 0) + 1;
    }
  });
  const p = rows.map(() => 1);
  let least = 0;
  for (const index of order) {
    least = Math.max(least, (reached[index] ?? 0) / flips);
    p[index] = least;
  }
  return { p, exact: isExact(pairsOf(rows)) };
}

/** The smallest p that the test can give for so many pairs. */
export function leastSignFlipP(pairs: number): number {
  return isExact(pairs) ? Math.min(1, 2 / 2 ** pairs) : 1 / (FLIPS + 1);
}

/**
 * For each row, the shift that the test would find in about 9 of 10 repetitions beside the other rows, by the spread of
 * the row's differences about their centre. Infinite where there are too few pairs.
 */
export function detectableShifts(rows: readonly PairedRow[], options: SignFlipOptions): number[] {
  if (leastSignFlipP(pairsOf(rows)) > 1 - CONFIDENCE) return rows.map(() => Number.POSITIVE_INFINITY);
  const centred = rows.map(residualsOf);
  const most: number[] = [];
  const prepared = centred.map((row) => prepare(row, options));
  eachFlip(prepared, pairsOf(rows), options.seed, (statistics) => most.push(greatest(statistics)));
  const critical = ascending(most)[Math.floor(CONFIDENCE * most.length)] ?? Number.NaN;
  return centred.map((row) => detectableShift(row, critical, options));
}

/** Residuals about the centre, scaled to the spread that a sample of this size should have. */
function residualsOf(row: PairedRow): PairedRow {
  const differences = measured(row);
  if (differences.length < 2) return row.map(() => null);
  const { value } = pseudoMedian(differences);
  const widening = Math.sqrt(differences.length / (differences.length - 1));
  return row.map((difference) => (difference === null ? null : (difference - value) * widening));
}

/** P(T < this) = 0.9 for Student's t with 9 degrees of freedom: the usual 10 rounds. */
const POWER_T = 1.383;

/** The least shift of the residuals whose statistic, minus its chance error, is still critical. */
function detectableShift(residuals: PairedRow, critical: number, options: SignFlipOptions): number {
  const isFound = (shift: number): boolean => {
    const row = prepare(
      residuals.map((residual) => (residual === null ? null : residual + shift)),
      options,
    );
    const sum = sumOf(row.differences);
    const spread = Math.sqrt(varianceOf(row, sum) * row.count);
    return statisticOf(row, Math.max(0, Math.abs(sum) - POWER_T * spread)) >= critical;
  };
  if (measured(residuals).length < 2) return Number.POSITIVE_INFINITY;
  const isFoundEitherWay = (shift: number): boolean => isFound(shift) && isFound(-shift);
  let high = Math.max(options.floor, greatest(measured(residuals).map(Math.abs)));
  if (high === 0) return 0;
  for (let step = 0; !isFoundEitherWay(high); step += 1) {
    if (step > 20) return Number.POSITIVE_INFINITY;
    high *= 2;
  }
  let low = 0;
  for (let step = 0; step < 30; step += 1) {
    const middle = (low + high) / 2;
    if (isFoundEitherWay(middle)) high = middle;
    else low = middle;
  }
  return high;
}

function pairsOf(rows: readonly PairedRow[]): number {
  const pairs = rows[0]?.length ?? 0;
  assert(
    rows.every((row) => row.length === pairs),
    'every row has every pair',
  );
  return pairs;
}

function isExact(pairs: number): boolean {
  return pairs <= EXACT_PAIRS;
}

function measured(row: PairedRow): number[] {
  return row.filter((difference) => difference !== null);
}

/** A row with cut differences, where missing ones are 0, and values that flips do not change. */
type Prepared = {
  readonly differences: Float64Array;
  readonly count: number;
  readonly squares: number;
  readonly floorSquared: number;
};

function prepare(row: PairedRow, { floor, cut = CUT }: SignFlipOptions): Prepared {
  const sizes = measured(row).map(Math.abs);
  const scale = sizes.length === 0 ? 0 : median(sizes);
  // More than half of the differences are 0: there is no scale, and the other differences count alike.
  const bound = scale === 0 ? -greatest(sizes.flatMap((size) => (size > 0 ? [-size] : []))) : cut * scale;
  const differences = Float64Array.from(row, (difference) => Math.min(bound, Math.max(-bound, difference ?? 0)));
  const squares = differences.reduce((sum, difference) => sum + difference ** 2, 0);
  return { differences, count: sizes.length, squares, floorSquared: floor ** 2 };
}

function sumOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function varianceOf({ count, squares }: Prepared, sum: number): number {
  return count < 2 ? 0 : Math.max(0, squares - sum ** 2 / count) / (count - 1);
}

/** The statistic of the row when its signs give this sum. A spread of 0 counts as the rounding of its differences. */
function statisticOf(row: Prepared, sum: number): number {
  if (row.count === 0 || row.squares === 0) return 0;
  const variance = varianceOf(row, sum) + row.floorSquared + ROUNDING * row.squares;
  return Math.abs(sum) / Math.sqrt(variance * row.count);
}

function randomFlips(values: number): number {
  return Math.min(FLIPS, Math.max(FLIPS_MIN, Math.floor(FLIPPED_VALUES_MAX / Math.max(1, values))));
}

/**
 * Hands every row's statistic to `visit` for each choice of signs, first for the data's own signs. Opposite choices
 * give the same statistic, so one of the two is enough. The array is reused. Returns how many choices there were.
 */
function eachFlip(
  rows: readonly Prepared[],
  pairs: number,
  seed: number,
  visit: (statistics: Float64Array) => void,
): number {
  const statistics = new Float64Array(rows.length);
  const signs = new Float64Array(pairs).fill(1);
  const flips = isExact(pairs) ? 2 ** Math.max(0, pairs - 1) : randomFlips(rows.length * pairs) + 1;
  const prng = Prng.fromSeed(seed);
  for (let flip = 0; flip < flips; flip += 1) {
    for (const [index, row] of rows.entries()) {
      let sum = 0;
      for (let pair = 0; pair < pairs; pair += 1) sum += (signs[pair] ?? 0) * (row.differences[pair] ?? 0);
      statistics[index] = statisticOf(row, sum);
    }
    visit(statistics);
    for (let pair = 0; pair < pairs; pair += 1) {
      const isFlipped = isExact(pairs) ? ((flip + 1) >>> pair) & 1 : prng.next32() >>> 31;
      signs[pair] = isFlipped === 1 ? -1 : 1;
    }
  }
  return flips;
}
