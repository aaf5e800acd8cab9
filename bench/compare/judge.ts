/** Judges each row: the change with its interval, p corrected for all rows, and a verdict. Pure. */

import { CONFIDENCE, type Estimate, greatest, holm, median, medianWithInterval } from '../../src/measure/statistics.ts';
import { isJudged } from '../../src/results/samples.ts';
import { hodgesLehmann, leastMannWhitneyP, mannWhitney, pseudoMedian, shiftFoundByRanks } from './statistics-ranks.ts';
import { detectableShifts, leastSignFlipP, type PairedRow, signFlipTest } from './statistics-sign-flip.ts';
import type { Design, Row, RowSide } from './rows.ts';

/** A corrected p up to this is not chance. False alarms come in one of twenty comparisons, not of twenty rows. */
export const ALPHA: number = 1 - CONFIDENCE;

export type Verdict =
  | 'worse'
  | 'better'
  /** No difference that counts, although it would have been seen. */
  | 'same'
  | 'too noisy'
  | 'n too small'
  /** Neither direction is better: the row depends on another figure of its run. */
  | 'not judged'
  /** A value is missing, and may be the slowest one. */
  | 'incomplete'
  /** The run itself does not trust its figures. */
  | 'not trusted';

/** Null where values are missing, because a median of the others would be better than the truth. */
export type Shown = { readonly value: number | null; readonly low: number | null; readonly high: number | null };

export type JudgedRow = Omit<Row, 'pairs' | 'old' | 'new'> & {
  readonly oldCount: number;
  readonly newCount: number;
  readonly old: Shown;
  readonly new: Shown;
  /** Observations of OLD, and of NEW, that their runs do not trust. They count for nothing. */
  readonly oldDistrusted: number;
  readonly newDistrusted: number;
  /**
   * NEW against OLD; 0.05 is 5 % more. In a row with values of 0 or less, it is a share of OLD's median, or of the
   * greatest value.
   */
  readonly change: Shown;
  /** Two-sided, corrected for all judged rows. Null: n is too small to tell anything, or the row is not judged. */
  readonly p: number | null;
  /** The change that such data would show in 9 of 10 comparisons; null where `p` is null. */
  readonly detectable: number | null;
  readonly verdict: Verdict;
};

export type JudgeOptions = {
  /** A smaller change does not count: 0.03. */
  readonly threshold: number;
  /** The seed of the random sign flips. */
  readonly seed: number;
};

/** A row that could not show so great a change is called too noisy. */
export function resolutionOf(threshold: number): number {
  return Math.max(0.05, (5 / 3) * threshold);
}

export function judgeRows(rows: readonly Row[], design: Design, options: JudgeOptions): JudgedRow[] {
  const counted = rows.filter((row) => excusedBy(row) === null);
  const scales = counted.map(scaleOf);
  const tested = design === 'interleaved' ? testPairs(counted, scales, options) : testSamples(counted, scales);
  const found = new Map(counted.map((row, index) => [row, tested[index] ?? NOTHING]));
  return rows.map((row) => judgedRow(row, found.get(row) ?? null, design, options));
}

/** Why a row is not tested; null when it is tested. */
function excusedBy(row: Row): Verdict | null {
  if (!isJudged(row)) return 'not judged';
  if (row.old.missing + row.new.missing > 0) return 'incomplete';
  return row.old.isDistrusted || row.new.isDistrusted ? 'not trusted' : null;
}

function judgedRow(row: Row, found: Found | null, design: Design, { threshold }: JudgeOptions): JudgedRow {
  const scale = scaleOf(row);
  const { shift, p, detectable } = found ?? { ...NOTHING, shift: shiftOf(row, design, scale) };
  const { suite, benchmark, parameters, metric, unit, better } = row;
  const hasPairs = design !== 'interleaved' || row.pairs.some((pair) => pair !== null);
  const isWhole = row.old.missing + row.new.missing === 0 && hasPairs;
  const change = isWhole ? estimateOf(shift, scale.toChange) : MISSING;
  const judged = {
    change,
    p,
    detectable: p === null ? null : leastCounted(shift, scale, { detectable, threshold }),
  };
  return {
    suite,
    benchmark,
    parameters,
    metric,
    unit,
    better,
    oldCount: row.old.values.length,
    newCount: row.new.values.length,
    old: shownMedian(row.old),
    new: shownMedian(row.new),
    oldDistrusted: row.old.distrusted,
    newDistrusted: row.new.distrusted,
    ...judged,
    verdict: excusedBy(row) ?? verdictOf({ ...judged, better }, threshold),
  };
}

const MISSING: Shown = { value: null, low: null, high: null };

function shownMedian({ values, missing }: RowSide): Shown {
  return missing > 0 ? MISSING : medianWithInterval(values);
}

/** How a row's values become numbers whose differences are changes. */
type Scale = { readonly of: (value: number) => number; readonly toChange: (shift: number) => number };

const RATIO: Scale = { of: Math.log, toChange: Math.expm1 };

function scaleOf(row: Row): Scale {
  const [old, next] = [row.old.values, row.new.values];
  if (old.every((value) => value > 0) && next.every((value) => value > 0)) return RATIO;
  const unit = Math.abs(median(old)) || Math.max(greatest(old.map(Math.abs)), greatest(next.map(Math.abs))) || 1;
  return { of: (value) => value / unit, toChange: (shift) => shift };
}

/** On the row's scale. */
type Found = {
  readonly shift: Estimate;
  readonly p: number | null;
  readonly detectable: number;
};

const NOTHING: Found = {
  shift: { value: 0, low: null, high: null },
  p: null,
  detectable: Number.POSITIVE_INFINITY,
};

/** The shift of a single row. */
function shiftOf(row: Row, design: Design, { of }: Scale): Estimate {
  if (design !== 'interleaved') return hodgesLehmann(row.new.values.map(of), row.old.values.map(of));
  const differences = row.pairs.flatMap((pair) => (pair === null ? [] : [of(pair[1]) - of(pair[0])]));
  return differences.length === 0 ? NOTHING.shift : pseudoMedian(differences);
}

function testPairs(rows: readonly Row[], scales: readonly Scale[], options: JudgeOptions): Found[] {
  const differences = rows.map((row, index): PairedRow => {
    const { of } = scales[index] ?? RATIO;
    return row.pairs.map((pair) => (pair === null ? null : of(pair[1]) - of(pair[0])));
  });
  const measured = differences.map((row) => row.filter((difference) => difference !== null));
  // A row with few pairs could never show a change, and would weaken the test of the other rows.
  const tested = differences.flatMap((_, index) =>
    leastSignFlipP(measured[index]?.length ?? 0) <= ALPHA ? [index] : [],
  );
  const testedRows = tested.map((index) => differences[index] ?? []);
  const flips = { seed: options.seed, floor: Math.log1p(options.threshold) };
  const { p } = signFlipTest(testedRows, flips);
  const detectable = detectableShifts(testedRows, flips);
  const places = new Map(tested.map((index, at) => [index, at]));
  return measured.map((row, index) => {
    if (row.length === 0) return NOTHING;
    const at = places.get(index);
    const shift = pseudoMedian(row);
    if (at === undefined) return { ...NOTHING, shift };
    return { shift, p: p[at] ?? null, detectable: detectable[at] ?? Number.NaN };
  });
}

function testSamples(rows: readonly Row[], scales: readonly Scale[]): Found[] {
  const least = rows.map((row) => leastMannWhitneyP(row.old.values.length, row.new.values.length));
  // Holm multiplies the least p by the number of rows.
  const count = least.filter((p) => p <= ALPHA).length;
  const tested = rows.flatMap((_, index) => ((least[index] ?? 1) * Math.max(1, count) <= ALPHA ? [index] : []));
  const scaled = rows.map((row, index) => {
    const { of } = scales[index] ?? RATIO;
    return { old: row.old.values.map(of), new: row.new.values.map(of) };
  });
  const pValues = tested.map((index) => mannWhitney(scaled[index]?.new ?? [], scaled[index]?.old ?? []).p);
  const corrected = holm(pValues);
  const places = new Map(tested.map((index, at) => [index, at]));
  return scaled.map((row, index) => {
    const at = places.get(index);
    const shift = hodgesLehmann(row.new, row.old);
    if (at === undefined) return { ...NOTHING, shift };
    const detectable = shiftFoundByRanks(shift, ALPHA / tested.length);
    return { shift, p: corrected[at] ?? null, detectable };
  });
}

function estimateOf({ value, low, high }: Estimate, map: (value: number) => number): Estimate {
  return { value: map(value), low: low === null ? null : map(low), high: high === null ? null : map(high) };
}

/** A change must also exceed the threshold, in 9 of 10 comparisons. */
function leastCounted(
  shift: Estimate,
  scale: Scale,
  { detectable, threshold }: { readonly detectable: number; readonly threshold: number },
): number {
  const above = Math.log1p(threshold) + shiftFoundByRanks(shift, 1);
  return scale.toChange(Math.max(detectable, above));
}

function verdictOf(row: Pick<JudgedRow, 'change' | 'p' | 'detectable' | 'better'>, threshold: number): Verdict {
  const change = row.change.value;
  if (row.p === null || row.detectable === null || change === null) return 'n too small';
  if (row.p <= ALPHA && Math.abs(change) > threshold) {
    return change > 0 === (row.better === 'higher') ? 'better' : 'worse';
  }
  return row.detectable > resolutionOf(threshold) ? 'too noisy' : 'same';
}
