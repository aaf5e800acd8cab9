/**
 * A table of values over time in a bounded number of steps, however long it is: rows are added once, in the order of
 * time, and two steps become one whenever there are too many. Of each step it keeps the least, the greatest and the mean
 * value. A step without a value has none, and never 0.
 */

import { assert } from '../core/assert.ts';

/** Shorter rows than this say too little of a rate to be its least or its greatest. */
const EXTREME_SECONDS_MIN = 0.5;
const STEPS_MAX = 1_200;

type Column = {
  readonly low: Float64Array;
  readonly high: Float64Array;
  readonly sum: Float64Array;
  readonly seconds: Float64Array;
};

export type Steps = {
  readonly mean: readonly (number | null)[];
  readonly low: readonly (number | null)[];
  readonly high: readonly (number | null)[];
};

export class TimeSteps {
  readonly #columns: readonly Column[];
  readonly #stepsMax: number;
  #stepS = 1;
  #count = 0;

  /** So many columns of values. A step begins with a second and becomes as long as it must. */
  constructor(columns: number, stepsMax: number = STEPS_MAX) {
    assert(stepsMax >= 2 && stepsMax % 2 === 0, 'two steps become one');
    this.#stepsMax = stepsMax;
    this.#columns = Array.from({ length: columns }, () => ({
      low: new Float64Array(stepsMax).fill(Number.NaN),
      high: new Float64Array(stepsMax).fill(Number.NaN),
      sum: new Float64Array(stepsMax),
      seconds: new Float64Array(stepsMax),
    }));
  }

  /** How long a step is, in seconds. */
  get stepS(): number {
    return this.#stepS;
  }

  /** The middle of each step. */
  get atS(): number[] {
    return Array.from({ length: this.#count }, (_, step) => (step + 0.5) * this.#stepS);
  }

  /** A row that ends at `endS` and covers `seconds` before it. A mean counts each row by its seconds. */
  add(endS: number, seconds: number, values: readonly (number | null)[]): void {
    while (endS > this.#stepS * this.#stepsMax) this.#halve();
    const step = Math.max(0, Math.ceil(endS / this.#stepS) - 1);
    this.#count = Math.max(this.#count, step + 1);
    const isExtreme = seconds >= EXTREME_SECONDS_MIN;
    for (const [index, { low, high, sum, seconds: weights }] of this.#columns.entries()) {
      const value = values[index] ?? null;
      if (value === null || !Number.isFinite(value)) continue;
      const weight = Math.max(seconds, 1e-9);
      sum[step] = (sum[step] ?? 0) + value * weight;
      weights[step] = (weights[step] ?? 0) + weight;
      if (!isExtreme) continue;
      low[step] = lesser(low[step], value);
      high[step] = greater(high[step], value);
    }
  }

  #halve(): void {
    for (const { low, high, sum, seconds } of this.#columns) {
      for (let step = 0; step < this.#stepsMax; step += 1) {
        const [one, other] = [2 * step, 2 * step + 1];
        const isPast = other >= this.#stepsMax;
        low[step] = isPast ? Number.NaN : lesser(low[one], low[other]);
        high[step] = isPast ? Number.NaN : greater(high[one], high[other]);
        sum[step] = isPast ? 0 : (sum[one] ?? 0) + (sum[other] ?? 0);
        seconds[step] = isPast ? 0 : (seconds[one] ?? 0) + (seconds[other] ?? 0);
      }
    }
    this.#stepS *= 2;
    this.#count = Math.ceil(this.#count / 2);
  }

  /** What is known of a column, by step, in four digits. */
  of(index: number): Steps {
    const column = this.#columns[index];
    assert(column !== undefined, 'a column of the table');
    const { low, high, sum, seconds } = column;
    const mean = (step: number): number =>
      (seconds[step] ?? 0) > 0 ? (sum[step] ?? 0) / (seconds[step] ?? 1) : Number.NaN;
    const steps = (valueOf: (step: number) => number): (number | null)[] =>
      Array.from({ length: this.#count }, (_, step) => rounded(valueOf(step)));
    // A step of short rows alone has a mean, which is then all that is known of it.
    return {
      mean: steps(mean),
      low: steps((step) => lesser(low[step], mean(step))),
      high: steps((step) => greater(high[step], mean(step))),
    };
  }
}

/** NaN is no value. */
function lesser(one: number = Number.NaN, other: number = Number.NaN): number {
  if (Number.isNaN(one)) return other;
  return Number.isNaN(other) ? one : Math.min(one, other);
}

function greater(one: number = Number.NaN, other: number = Number.NaN): number {
  if (Number.isNaN(one)) return other;
  return Number.isNaN(other) ? one : Math.max(one, other);
}

function rounded(value: number): number | null {
  return Number.isNaN(value) ? null : Number(value.toPrecision(4));
}
