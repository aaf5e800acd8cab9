/**
 * Order statistics of all pairs of two samples, or of one with itself, without a list of the pairs: of n values there are n
 * squared, and memory must grow with n. The value is found by halving the range of doubles, and pairs below a double are
 * counted by one walk along both sorted samples, so that each order statistic takes O(n) steps at most 64 times.
 *
 * The result is the very double that sorting the list would give: rounding is monotonic, so that the walk sees the pairs
 * in their order.
 */

import { assert } from '../core/assert.ts';

/** How many pairs have a value of at most `bound`. */
type CountPairs = (bound: number) => number;

export type Pairs = {
  readonly count: number;
  /** From 0. */
  orderStatistic(index: number): number;
  /** Of an even number of pairs, the mean of the two in the middle. */
  median(): number;
};

/** All `a - b`, of one value of each ascending sample. Neither is empty. */
export function differencesOf(a: readonly number[], b: readonly number[]): Pairs {
  const countPairs: CountPairs = (bound) => {
    let [count, above] = [0, 0];
    for (const value of a) {
      // The greater the value is, the more must be taken from it.
      while (above < b.length && value - (b[above] ?? 0) > bound) above += 1;
      count += b.length - above;
    }
    return count;
  };
  return pairsOf(a.length * b.length, countPairs, [(a[0] ?? 0) - (b.at(-1) ?? 0), (a.at(-1) ?? 0) - (b[0] ?? 0)]);
}

/** All means of two values of an ascending sample, each with itself too (Walsh averages). It is not empty. */
export function walshAveragesOf(values: readonly number[]): Pairs {
  const countPairs: CountPairs = (bound) => {
    let [count, end] = [0, values.length];
    for (const [index, value] of values.entries()) {
      while (end > 0 && (value + (values[end - 1] ?? 0)) / 2 > bound) end -= 1;
      if (end <= index) break;
      count += end - index;
    }
    return count;
  };
  return pairsOf((values.length * (values.length + 1)) / 2, countPairs, [values[0] ?? 0, values.at(-1) ?? 0]);
}

function pairsOf(count: number, countPairs: CountPairs, [least, most]: readonly [number, number]): Pairs {
  assert(count > 0, 'there are pairs');
  const orderStatistic = (index: number): number => leastReaching(index + 1, countPairs, [least, most]);
  return {
    count,
    orderStatistic,
    median: () => {
      const upper = orderStatistic(Math.floor(count / 2));
      return count % 2 === 1 ? upper : (orderStatistic(count / 2 - 1) + upper) / 2;
    },
  };
}

/** The least double for which `countPairs` is `rank` or more. */
function leastReaching(rank: number, countPairs: CountPairs, [least, most]: readonly [number, number]): number {
  let [low, high] = [positionOf(least), positionOf(most)];
  while (low < high) {
    const middle = low + (high - low) / 2n;
    if (countPairs(doubleAt(middle)) >= rank) high = middle;
    else low = middle + 1n;
  }
  return doubleAt(low);
}

const double = new Float64Array(1);
const bits = new BigInt64Array(double.buffer);
const SIGN = -(2n ** 63n);

/** Where a double stands among all doubles, in their order; both zeros at 0. */
function positionOf(value: number): bigint {
  double[0] = value;
  const pattern = bits[0] ?? 0n;
  return pattern >= 0n ? pattern : SIGN - pattern;
}

function doubleAt(position: bigint): number {
  bits[0] = position >= 0n ? position : SIGN - position;
  return double[0] ?? 0;
}
