/**
 * The slope of a series that may be a random walk or a sawtooth, with an interval that is honest about it.
 *
 * The series is cut into windows that do not overlap. Each has a slope by least squares, and a t-interval of these
 * slopes is the interval of the whole (Ibragimov and Mueller, t-Statistic Based Correlation and Heterogeneity Robust
 * Inference, 2010). Values near each other may depend on each other, as long as windows nearly do not: a random walk
 * without drift has windows whose slopes are independent and 0 on average. A single step is one window among many.
 *
 * A slope of medians (`theilSen`) stands beside it, for the whole: few windows or values do not move it. In a window it
 * would be wrong, because it takes the ramp of a sawtooth and overlooks the drop. Pure.
 */

import { linearRegression, sampleStandardDeviation } from 'simple-statistics';
import { assert } from '../core/assert.ts';
import { median } from './statistics.ts';

export type Point = { readonly at: number; readonly value: number };

/**
 * The median of the slopes of all pairs within a series (Theil 1950, Sen 1968). No pair has points of two series. At
 * least one series has 2 points at different times.
 */
export function theilSen(series: readonly (readonly Point[])[]): number {
  const slopes: number[] = [];
  for (const points of series) {
    for (const [index, { at, value }] of points.entries()) {
      for (let other = 0; other < index; other += 1) {
        const earlier = points[other];
        if (earlier !== undefined && earlier.at < at) slopes.push((value - earlier.value) / (at - earlier.at));
      }
    }
  }
  return median(slopes);
}

/** The slope by least squares. */
export function leastSquares(points: readonly Point[]): number {
  const [first] = points;
  assert(first !== undefined, 'a slope of something');
  // Centered near 0, so that no digit is lost.
  return linearRegression(points.map(({ at, value }) => [at - first.at, value - first.value])).m;
}

/** Two neighbours become one point in their middle. A point without a neighbour is left out. */
export function inPairs(points: readonly Point[]): Point[] {
  const pairs: Point[] = [];
  for (let index = 1; index < points.length; index += 2) {
    const [one, two] = [points[index - 1], points[index]];
    if (one === undefined || two === undefined) continue;
    pairs.push({ at: (one.at + two.at) / 2, value: (one.value + two.value) / 2 });
  }
  return pairs;
}

/**
 * P(T > t) of Student's t with a whole number of degrees of freedom (Abramowitz and Stegun, 26.7.3 and 26.7.4).
 */
export function studentUpperTail(t: number, degrees: number): number {
  assert(Number.isInteger(degrees) && degrees > 0, 'degrees of freedom are counted');
  const theta = Math.atan(t / Math.sqrt(degrees));
  const cosine = Math.cos(theta);
  const isOdd = degrees % 2 === 1;
  let term = isOdd ? cosine : 1;
  let sum = degrees === 1 ? 0 : term;
  for (let step = isOdd ? 3 : 2; step < degrees; step += 2) {
    term *= (cosine * cosine * (step - 1)) / step;
    sum += term;
  }
  const within = isOdd ? (2 / Math.PI) * (theta + Math.sin(theta) * sum) : Math.sin(theta) * sum;
  return Math.max(0, (1 - within) / 2);
}

/** The t above which `tail` of the distribution lies; `tail` is below a half. */
export function studentQuantile(tail: number, degrees: number): number {
  assert(tail > 0 && tail < 0.5, 'a quantile above the median');
  let [low, high] = [0, 1];
  while (studentUpperTail(high, degrees) > tail) high *= 2;
  for (let halving = 0; halving < 60; halving += 1) {
    const middle = (low + high) / 2;
    if (studentUpperTail(middle, degrees) > tail) low = middle;
    else high = middle;
  }
  return high;
}

/** Half of the probability outside the interval. */
const TAIL = 0.025;

export type Slope = {
  /** The mean of the windows' slopes, and the ends of its 95 % interval. */
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** P of such slopes, or steeper ones, where there is no drift upwards. */
  readonly p: number;
};

/** At least 2 slopes. */
export function slopeOfWindows(slopes: readonly number[]): Slope {
  assert(slopes.length >= 2, 'a slope has an interval from two windows on');
  const value = slopes.reduce((sum, slope) => sum + slope, 0) / slopes.length;
  const error = sampleStandardDeviation([...slopes]) / Math.sqrt(slopes.length);
  const degrees = slopes.length - 1;
  if (error === 0) return { value, low: value, high: value, p: value > 0 ? 0 : 1 };
  const reach = studentQuantile(TAIL, degrees) * error;
  return { value, low: value - reach, high: value + reach, p: studentUpperTail(value / error, degrees) };
}

export type Window = {
  readonly points: readonly Point[];
  /** Whether the window is in the later half of its series. */
  readonly isLate: boolean;
};

/**
 * The windows of several series, as long as there can be `count` of them: all of one length, at least `least` points.
 * Null: there are too few points for that. A window never goes from one series into another.
 */
export function windowsOf(
  series: readonly (readonly Point[])[],
  { count, least }: { readonly count: number; readonly least: number },
): Window[] | null {
  const total = series.reduce((sum, points) => sum + points.length, 0);
  for (let length = Math.floor(total / count); length >= least; length -= 1) {
    const windows = series.flatMap((points) => {
      const of = Math.floor(points.length / length);
      return Array.from({ length: of }, (_, at) => ({
        points: points.slice(at * length, (at + 1) * length),
        isLate: 2 * at >= of - 1,
      }));
    });
    if (windows.length >= count) return windows;
  }
  return null;
}
