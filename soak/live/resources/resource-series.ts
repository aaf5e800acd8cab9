/**
 * One resource of one process over all its incarnations, as medians of short blocks. Its size is limited however long a
 * run is: blocks become longer, and incarnations that are too short for a slope are dropped.
 */

import { type Point, inPairs, leastSquares, slopeOfWindows, theilSen, windowsOf } from '../../../src/measure/slope.ts';
import { median } from '../../../src/measure/statistics.ts';

export type SeriesOptions = {
  /** The length of a block in seconds, at first. */
  readonly blockS: number;
  /** The first seconds of each incarnation are left out, because a fresh process grows. */
  readonly warmUpS: number;
  /** The most points of a series. */
  readonly pointsMax: number;
};

/** A minute of warm-up: the time until the code of a Node process is compiled and its heap has its size. */
export const SERIES: SeriesOptions = { blockS: 5, warmUpS: 60, pointsMax: 1_024 };

/** The least number of windows for a slope, and of points in a window. */
export const WINDOWS_MIN = 8;
export const WINDOW_POINTS_MIN = 6;
/** The least number of points in an incarnation. A shorter one does not show whether its growth levels off. */
export const INCARNATION_POINTS_MIN = 36;
/** The most points for the slope of medians, which takes every pair of them. */
const PAIRED_POINTS_MAX = 128;

type Incarnation = { readonly id: number; readonly beginS: number; readonly points: Point[] };

export type SeriesSlope = {
  /** Slope in the unit of the resource per second. */
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly p: number;
  /** The same for the later half of each incarnation. */
  readonly recent: number;
  /** The slope by Theil and Sen over the whole. */
  robust(): number;
};

export class ResourceSeries {
  readonly #warmUpS: number;
  readonly #pointsMax: number;
  #blockS: number;
  #incarnations: Incarnation[] = [];
  /** The values of the current block. */
  #values: number[] = [];
  #blockBeginS = 0;

  constructor(options: SeriesOptions = SERIES) {
    this.#blockS = options.blockS;
    this.#warmUpS = options.warmUpS;
    this.#pointsMax = options.pointsMax;
  }

  /** `incarnation` changes with each start of the process. */
  add(incarnation: number, atS: number, value: number): void {
    let now = this.#incarnations.at(-1);
    if (now?.id !== incarnation) {
      this.#begin(incarnation, atS);
      now = this.#incarnations.at(-1);
    }
    if (now === undefined || atS < now.beginS + this.#warmUpS) return;
    if (this.#values.length === 0) this.#blockBeginS = atS;
    else if (atS >= this.#blockBeginS + this.#blockS) {
      now.points.push({ at: this.#blockBeginS + this.#blockS / 2, value: median(this.#values) });
      this.#values = [];
      this.#blockBeginS = atS;
      this.#bound();
    }
    this.#values.push(value);
  }

  #begin(id: number, beginS: number): void {
    this.#values = [];
    this.#incarnations = this.#incarnations.filter(({ points }) => points.length >= INCARNATION_POINTS_MIN);
    this.#incarnations.push({ id, beginS, points: [] });
  }

  /** Makes two blocks one when there are too many. */
  #bound(): void {
    const count = this.#incarnations.reduce((sum, { points }) => sum + points.length, 0);
    if (count < this.#pointsMax) return;
    this.#blockS *= 2;
    const last = this.#incarnations.at(-1);
    this.#incarnations = this.#incarnations
      .map((incarnation) => ({ ...incarnation, points: inPairs(incarnation.points) }))
      .filter(({ id, points }) => id === last?.id || points.length >= INCARNATION_POINTS_MIN);
  }

  /** How long it was watched, in incarnations that are long enough and without warm-ups. */
  get seconds(): number {
    // By the clock: a busy machine gives fewer values, and blocks that are longer.
    const spans = this.#usable.map((points) => (points.at(-1)?.at ?? 0) - (points[0]?.at ?? 0) + this.#blockS);
    return spans.reduce((sum, span) => sum + span, 0);
  }

  get incarnations(): number {
    return this.#usable.length;
  }

  get #usable(): Point[][] {
    return this.#incarnations.map(({ points }) => points).filter(({ length }) => length >= INCARNATION_POINTS_MIN);
  }

  /** The median value; null: there is none. */
  get median(): number | null {
    const values = this.#incarnations.flatMap(({ points }) => points.map(({ value }) => value));
    return values.length === 0 ? null : median(values);
  }

  /** Null: it was not watched long enough. */
  slope(): SeriesSlope | null {
    const usable = this.#usable;
    const windows = windowsOf(usable, { count: WINDOWS_MIN, least: WINDOW_POINTS_MIN });
    if (windows === null) return null;
    const slopes = windows.map(({ points, isLate }) => ({ isLate, slope: leastSquares(points) }));
    const late = slopes.filter(({ isLate }) => isLate);
    return {
      ...slopeOfWindows(slopes.map(({ slope }) => slope)),
      recent: late.reduce((sum, { slope }) => sum + slope, 0) / late.length,
      robust: () => theilSen(thinned(usable)),
    };
  }
}

/** Makes the series so thin that all pairs of their points can be taken. */
function thinned(series: readonly (readonly Point[])[]): readonly (readonly Point[])[] {
  let thin = series;
  while (thin.reduce((sum, { length }) => sum + length, 0) > PAIRED_POINTS_MAX) thin = thin.map(inPairs);
  return thin;
}
