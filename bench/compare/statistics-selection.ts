/**
 * Order statistics of all pairs of two samples, or of one sample with itself, without a list of the pairs: n values
 * have n squared pairs, and memory must grow with n. The range of doubles is halved until few pairs are left in it, and
 * these pairs are sorted. One walk along both sorted samples counts the pairs below a double.
 *
 * The result is exactly the double that sorting the whole list would give: rounding is monotonic, so the walk sees the
 * pairs in their order.
 */

import { assert } from '../../src/core/assert.ts';

/** Up to this many pairs are listed and sorted. */
const LISTED_PAIRS = 2_048;

/** All pairs of ascending values, each with one number. */
type Grid = {
  readonly count: number;
  readonly least: number;
  readonly most: number;
  /** The number of pairs that have at most this number. */
  countThrough(bound: number): number;
  /** The numbers above `low` and up to `high`, in any order. */
  listWithin(low: number, high: number): number[];
};

export type Pairs = {
  readonly count: number;
  /** From 0. */
  orderStatistic(index: number): number;
  /** Of an even number of pairs, halfway between the two in the middle. */
  median(): number;
};

/** All differences `a - b` of one value of each ascending sample. Neither sample is empty. */
export function differencesOf(a: readonly number[], b: readonly number[]): Pairs {
  return pairsOf(new Differences(a, b));
}

/**
 * All means of two values of an ascending sample, each value also with itself (Walsh averages). The sample is not
 * empty.
 */
export function walshAveragesOf(values: readonly number[]): Pairs {
  return pairsOf(new WalshAverages(values));
}

class Differences implements Grid {
  readonly #a: Float64Array;
  readonly #b: Float64Array;
  readonly count: number;
  readonly least: number;
  readonly most: number;

  constructor(a: readonly number[], b: readonly number[]) {
    this.#a = Float64Array.from(a);
    this.#b = Float64Array.from(b);
    this.count = a.length * b.length;
    this.least = (a[0] ?? 0) - (b.at(-1) ?? 0);
    this.most = (a.at(-1) ?? 0) - (b[0] ?? 0);
  }

  countThrough(bound: number): number {
    const [a, b] = [this.#a, this.#b];
    let [count, first] = [0, 0];
    for (let index = 0; index < a.length; index += 1) {
      const value = a[index] ?? 0;
      // The greater the value is, the more must be subtracted from it.
      while (first < b.length && value - (b[first] ?? 0) > bound) first += 1;
      count += b.length - first;
    }
    return count;
  }

  listWithin(low: number, high: number): number[] {
    const [a, b] = [this.#a, this.#b];
    const found: number[] = [];
    let first = 0;
    for (const value of a) {
      while (first < b.length && value - (b[first] ?? 0) > high) first += 1;
      for (let at = first; at < b.length && value - (b[at] ?? 0) > low; at += 1) found.push(value - (b[at] ?? 0));
    }
    return found;
  }
}

class WalshAverages implements Grid {
  readonly #values: Float64Array;
  readonly count: number;
  readonly least: number;
  readonly most: number;

  constructor(values: readonly number[]) {
    this.#values = Float64Array.from(values);
    this.count = (values.length * (values.length + 1)) / 2;
    this.least = values[0] ?? 0;
    this.most = values.at(-1) ?? 0;
  }

  countThrough(bound: number): number {
    const values = this.#values;
    let [count, end] = [0, values.length];
    for (let index = 0; index < values.length; index += 1) {
      const value = values[index] ?? 0;
      while (end > 0 && (value + (values[end - 1] ?? 0)) / 2 > bound) end -= 1;
      if (end <= index) break;
      count += end - index;
    }
    return count;
  }

  listWithin(low: number, high: number): number[] {
    const values = this.#values;
    const found: number[] = [];
    let end = values.length;
    for (const [index, value] of values.entries()) {
      while (end > 0 && (value + (values[end - 1] ?? 0)) / 2 > high) end -= 1;
      for (let at = end - 1; at >= index; at -= 1) {
        const mean = (value + (values[at] ?? 0)) / 2;
        if (mean <= low) break;
        found.push(mean);
      }
    }
    return found;
  }
}

function pairsOf(grid: Grid): Pairs {
  const { count } = grid;
  assert(count > 0, 'there are pairs');
  const orderStatistic = (index: number): number => select(grid, index + 1);
  return {
    count,
    orderStatistic,
    median: () => {
      const upper = orderStatistic(Math.floor(count / 2));
      if (count % 2 === 1) return upper;
      const lower = orderStatistic(count / 2 - 1);
      return lower + (upper - lower) / 2;
    },
  };
}

/** The least number that `rank` pairs do not exceed. */
function select(grid: Grid, rank: number): number {
  // The number lies above `low` and not above `high`. As many pairs as said lie up to each.
  let [low, high] = [positionOf(grid.least) - 1n, positionOf(grid.most)];
  let [through, within] = [0, grid.count];
  while (within - through > LISTED_PAIRS && high - low > 1n) {
    const middle = low + (high - low) / 2n;
    const count = grid.countThrough(doubleAt(middle));
    if (count >= rank) [high, within] = [middle, count];
    else [low, through] = [middle, count];
  }
  if (high - low <= 1n) return doubleAt(high);
  const left = Float64Array.from(grid.listWithin(doubleAt(low), doubleAt(high))).toSorted();
  return left[rank - through - 1] ?? Number.NaN;
}

const double = new Float64Array(1);
const bits = new BigInt64Array(double.buffer);
const SIGN = -(2n ** 63n);

/** The place of a double among all doubles, in their order; both zeros at 0. */
function positionOf(value: number): bigint {
  double[0] = value;
  const pattern = bits[0] ?? 0n;
  return pattern >= 0n ? pattern : SIGN - pattern;
}

function doubleAt(position: bigint): number {
  bits[0] = position >= 0n ? position : SIGN - position;
  return double[0] ?? 0;
}
