/**
 * What every comparison of samples needs: medians with intervals, and p-values corrected for their number. Pure.
 * Quantiles and the normal distribution come from simple-statistics.
 */

import { errorFunction, medianSorted } from 'simple-statistics';
import { assert } from '../core/assert.ts';

/** The confidence of every interval here. */
export const CONFIDENCE: number = 0.95;

/** An estimate and its interval; null where there are too few values for an interval of that confidence. */
export type Estimate = { readonly value: number; readonly low: number | null; readonly high: number | null };

export function ascending(values: readonly number[]): number[] {
  // Sorting doubles by value needs no comparator calls.
  return [...Float64Array.from(values).toSorted()];
}

/**
 * The greatest value, however many there are; minus infinity when there is none. (`Math.max` takes its arguments from
 * the stack.)
 */
export function greatest(values: Iterable<number>): number {
  let most = Number.NEGATIVE_INFINITY;
  for (const value of values) if (value > most) most = value;
  return most;
}

/** For an even number of values, the mean of the two in the middle. `values` is not empty. */
export function median(values: readonly number[]): number {
  assert(values.length > 0, 'a median of something');
  return medianSorted(ascending(values));
}

/** P(Z > z) of a standard normal, within 2e-7. */
export function normalUpperTail(z: number): number {
  return z >= 0 ? (1 - errorFunction(z / Math.SQRT2)) / 2 : 1 - normalUpperTail(-z);
}

/**
 * The sample median with the narrowest interval of order statistics that covers the true median with at least
 * `CONFIDENCE`, whatever the distribution (Conover, Practical Nonparametric Statistics, 3.2). From 6 values on.
 */
export function medianWithInterval(values: readonly number[]): Estimate {
  const sorted = ascending(values);
  const { length } = sorted;
  const value = median(sorted);
  // The interval from the (k+1)th smallest to the (k+1)th greatest misses with probability 2 P(Binomial(n, 1/2) <= k).
  let within = -1;
  let term = 2 ** -length;
  for (let tail = term; 2 * tail <= 1 - CONFIDENCE && term > 0; tail += term) {
    within += 1;
    term *= (length - within) / (within + 1);
  }
  if (within < 0) return { value, low: null, high: null };
  return { value, low: sorted[within] ?? null, high: sorted[length - 1 - within] ?? null };
}

/** Holm's step-down correction (1979), in the order given. It bounds the family-wise error under any dependence. */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, index) => index).toSorted((a, b) => (pValues[a] ?? 1) - (pValues[b] ?? 1));
  const adjusted = pValues.map(() => 1);
  let least = 0;
  for (const [rank, index] of order.entries()) {
    least = Math.max(least, Math.min(1, (pValues[index] ?? 1) * (pValues.length - rank)));
    adjusted[index] = least;
  }
  return adjusted;
}
