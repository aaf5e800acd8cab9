/**
 * A table of values over time in a bounded number of steps, however long it is. Rows are added once, in the order of
 * time. Two steps become one whenever there are too many. Each step keeps its least, greatest and mean value. A step
 * without a value has none, never 0.
 */

import { assert } from '../core/assert.ts';

/** Shorter rows say too little about a rate to count as its least or greatest. Other values count however short. */
const EXTREME_SECONDS_MIN = 0.5;
const STEPS_MAX = 1_200;

type Column = {
  readonly isRate: boolean;
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

  /** `areRates`: for each value of a row. A step begins with one second and becomes as long as necessary. */
  constructor(areRates: readonly boolean[], stepsMax: number = STEPS_MAX) {
    assert(stepsMax >= 2 && stepsMax % 2 === 0, 'two steps become one');
    this.#stepsMax = stepsMax;
    this.#columns = areRates.map((isRate) => ({
      isRate,
      low: new Float64Array(stepsMax).fill(Number.NaN),
      high: new Float64Array(stepsMax).fill(Number.NaN),
      sum: new Float64Array(stepsMax),
      seconds: new Float64Array(stepsMax),
    }));
  }

  /** The length of a step in seconds. */
  get stepS(): number {
    return this.#stepS;
  }

  /** The middle of each step. */
  get atS(): number[] {
    return Array.from({ length: this.#count }, (_, step) => (step + 0.5) * this.#stepS);
  }

  /** Adds a row that ends at `endS` and covers `seconds` before it. A mean weights each row by its seconds. */
  add(endS: number, seconds: number, values: readonly (number | null)[]): void {
    while (endS > this.#stepS * this.#stepsMax) this.#halve();
    // Its last second counts: a row that comes some tenths late leaves no step empty.
    const step = Math.max(0, Math.min(this.#stepsMax - 1, Math.floor((endS - Math.min(seconds, 1) / 2) / this.#stepS)));
    this.#count = Math.max(this.#count, step + 1);
    const isShort = seconds < EXTREME_SECONDS_MIN;
    for (const [index, { isRate, low, high, sum, seconds: weights }] of this.#columns.entries()) {
      const value = values[index] ?? null;
      if (value === null || !Number.isFinite(value)) continue;
      const weight = Math.max(seconds, 1e-9);
      sum[step] = (sum[step] ?? 0) + value * weight;
      weights[step] = (weights[step] ?? 0) + weight;
      if (isRate && isShort) continue;
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

  /** The values of a column by step, with four digits. */
  of(index: number): Steps {
    const column = this.#columns[index];
    assert(column !== undefined, 'a column of the table');
    const { low, high, sum, seconds } = column;
    const mean = (step: number): number =>
      (seconds[step] ?? 0) > 0 ? (sum[step] ?? 0) / (seconds[step] ?? 1) : Number.NaN;
    const steps = (valueOf: (step: number) => number): (number | null)[] =>
      Array.from({ length: this.#count }, (_, step) => rounded(valueOf(step)));
    // A rate of only short rows has a mean and nothing else.
    return {
      mean: steps(mean),
      low: steps((step) => lesser(low[step], mean(step))),
      high: steps((step) => greater(high[step], mean(step))),
    };
  }
}

/** NaN stands for no value. */
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
