/**
 * The charts of a page as data: what is drawn, and in which units. `chart-client.ts` and `time-client.ts` draw them in
 * the browser, as wide as the page and in the colors of the reader's system. Pure.
 */

/** How a value is written on an axis and in a tooltip. `percentile`: the value is 1 / (1 - share), 100 being 99 %. */
export type Unit = 'count' | 'bytes' | 'bytes/s' | 'seconds' | 'percent' | 'percentile' | 'number';

export type Series = {
  readonly name: string;
  /** By category, or `[x, y]` on a numeric axis; null: no value. */
  readonly values: readonly (number | null | readonly [number, number])[];
};

export type Chart = {
  readonly title: string;
  /** What a point means, when that is not plain. */
  readonly note?: string;
  /** Bars need a linear scale, because their length is the value. */
  readonly kind: 'bar' | 'line' | 'points';
  /** The categories of the horizontal axis; absent: its values are numbers. */
  readonly categories?: readonly string[];
  readonly xName?: string;
  readonly xUnit?: Unit;
  readonly xScale?: 'linear' | 'logarithmic';
  readonly yName: string;
  readonly yUnit: Unit;
  readonly yScale: 'linear' | 'logarithmic';
  readonly stacked?: boolean;
  readonly series: readonly Series[];
};

/** Charts over the time of a run, one below the other, with the faults of the run in lanes under them. */
export type TimeChart = {
  readonly title: string;
  readonly note?: string;
  /** Seconds since the run began. */
  readonly endS: number;
  /** The middle of each step of time. */
  readonly atS: readonly number[];
  readonly phases: readonly { readonly name: string; readonly fromS: number; readonly toS: number }[];
  readonly panels: readonly Panel[];
  readonly faults: FaultLanes | null;
};

export type Panel = {
  readonly name: string;
  readonly unit: Unit;
  readonly scale: 'linear' | 'logarithmic';
  /** The axis covers only the values, and need not include 0. */
  readonly isClose?: boolean;
  readonly series: readonly TimeSeries[];
};

/** Values by step; null: that step is unknown, and nothing is drawn. */
export type TimeSeries = {
  readonly name: string;
  readonly values: readonly (number | null)[];
  /** The least and the greatest value within each step, drawn as a band; absent: a step has one value. */
  readonly low?: readonly (number | null)[];
  readonly high?: readonly (number | null)[];
  /** Whether the values were requested rather than measured. */
  readonly isDashed?: boolean;
};

/** One lane for each kind of fault. */
export type FaultLanes = { readonly kinds: readonly string[]; readonly items: readonly FaultItem[] };

/** A fault, or several of a kind that are too close to be told apart. Times in seconds; null: it did not happen. */
export type FaultItem = {
  readonly lane: number;
  readonly injectedS: number;
  readonly provenS: number | null;
  readonly healedS: number | null;
  readonly recoveredS: number | null;
  readonly text: string;
};

export type Figure =
  | { readonly of: 'chart'; readonly chart: Chart }
  | { readonly of: 'time'; readonly chart: TimeChart };
