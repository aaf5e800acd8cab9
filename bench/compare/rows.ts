/**
 * Brings the samples of both sides together: one row for each thing measured, with the observations that a test may
 * use.
 *
 * The kind of observation decides what a comparison can claim. Interleaved rounds are pairs. With four or more separate
 * runs on each side, each run is one observation, its median, because runs are independent of each other. With fewer
 * runs the rounds are the observations. Rounds of one run share its process and its minute, so their result is shown
 * and not taken as proven.
 */

import { isJudged, type Sample } from '../../src/results/samples.ts';
import { median } from '../../src/measure/statistics.ts';
import { distrustedRows, distrustName, isDistrusted } from '../distrust.ts';
import type { LoadedRun } from './loading.ts';
import { rowKey, rowName } from './samples-file.ts';

/** With this many runs on each side, runs are the observations. */
const RUNS_AS_OBSERVATIONS = 4;

export type Design =
  /** Round by round, in turn: a pair is one round of both sides. */
  | 'interleaved'
  | 'separate runs'
  /** Rounds of one or a few runs stand in for runs. */
  | 'rounds of separate runs';

/** What one side has of a row. */
export type RowSide = {
  /** Known values that the run trusts; if it trusts none of them, all known values. */
  readonly values: readonly number[];
  /** Observations without a value. The missing values may be the slow ones. */
  readonly missing: number;
  /** Observations that the run itself does not trust. */
  readonly distrusted: number;
  /** The run trusts none of them: the values are for information. */
  readonly isDistrusted: boolean;
};

export type Row = Pick<Sample, 'suite' | 'benchmark' | 'parameters' | 'metric' | 'unit' | 'better'> & {
  readonly old: RowSide;
  readonly new: RowSide;
  /** In the interleaved design: both values of each pair, with the same pair at the same index in all rows. */
  readonly pairs: readonly (readonly [old: number, next: number] | null)[];
};

export type Rows = {
  readonly design: Design;
  readonly rows: readonly Row[];
  /** Rows that cannot be compared, and why; single lines. */
  readonly problems: readonly string[];
  readonly notes: readonly string[];
};

/** The most interleaved pairs of all rows together that are compared. Each pair has its place in every row. */
const PAIRS_MAX = 20_000_000;

type Observation = { readonly block: string; readonly value: number | null; readonly isDistrusted: boolean };
type Measured = { readonly sample: Sample; readonly observations: Observation[]; runs: number };
type Side = ReadonlyMap<string, Measured>;

export function bringTogether(old: readonly LoadedRun[], next: readonly LoadedRun[]): Rows {
  const design = designOf(old, next);
  const [left, right] = [sideOf(old, design), sideOf(next, design)];
  const problems: string[] = [];
  const notes: string[] = [];
  const rows: Row[] = [];
  const blocks = design === 'interleaved' ? blocksOf([left, right]) : [];
  const keys = new Set([...left.keys(), ...right.keys()]);
  if (keys.size * blocks.length > PAIRS_MAX) {
    problems.push(`${keys.size} rows of ${blocks.length} rounds: more than ${PAIRS_MAX} pairs are not compared`);
    return { design, rows, problems, notes };
  }
  for (const key of keys) {
    const [before, after] = [left.get(key), right.get(key)];
    // Missing values of a row that is not judged are reported, but do not keep other rows from being judged.
    const isCounted = [before, after].some((side) => side !== undefined && isJudged(side.sample));
    const defects = isCounted ? problems : notes;
    if (before === undefined || after === undefined) {
      const [sample] = [before ?? after].flatMap((side) => side?.sample ?? []);
      if (sample !== undefined) defects.push(`only in ${before === undefined ? 'NEW' : 'OLD'}: ${rowName(sample)}`);
      continue;
    }
    const name = rowName(before.sample);
    const otherMeaning = otherMeaningOf(before.sample, after.sample);
    if (otherMeaning !== null) {
      defects.push(`${name}: ${otherMeaning}`);
      continue;
    }
    const gaps = gapsOf(before, after, [old.length, next.length]);
    for (const gap of gaps) defects.push(`${name}: ${gap}`);
    const row = rowOf(before, after, blocks);
    const alone = design === 'interleaved' ? unpairedRounds(before, after) : 0;
    if (alone > 0) defects.push(`${name}: ${alone} rounds are on one side only`);
    if (row.old.values.length > 0 && row.new.values.length > 0) rows.push(row);
    else if (gaps.length === 0) notes.push(`no value on either side: ${name}`);
  }
  return { design, rows, problems, notes };
}

function designOf(old: readonly LoadedRun[], next: readonly LoadedRun[]): Design {
  const [left, right] = [pairingsOf(old), pairingsOf(next)];
  const isPaired = left.size === old.length && right.size === next.length;
  if (isPaired && left.size === right.size && [...left].every((pairing) => right.has(pairing))) return 'interleaved';
  const isMany = Math.min(old.length, next.length) >= RUNS_AS_OBSERVATIONS;
  return isMany ? 'separate runs' : 'rounds of separate runs';
}

/** The pairings of the runs that have one. */
function pairingsOf(runs: readonly LoadedRun[]): Set<string> {
  return new Set(runs.flatMap(({ description }) => description?.pairing ?? []));
}

function sideOf(runs: readonly LoadedRun[], design: Design): Side {
  const side = new Map<string, Measured>();
  for (const [number, run] of runs.entries()) {
    const name = design === 'interleaved' ? (run.description?.pairing ?? '') : String(number);
    for (const [key, { sample, observations }] of rowsOfRun(run, design === 'interleaved' ? name : null)) {
      const found = side.get(key) ?? { sample, observations: [], runs: 0 };
      found.runs += 1;
      if (design === 'separate runs') found.observations.push(medianOfRun(name, observations));
      else for (const observation of observations) found.observations.push(observation);
      side.set(key, found);
    }
  }
  return side;
}

type RunRow = { readonly sample: Sample; readonly observations: Observation[] };

/** Blocks have a name where they are needed: `pairing` is null where rounds do not form pairs. */
function rowsOfRun(run: LoadedRun, pairing: string | null): Map<string, RunRow> {
  const rows = new Map<string, RunRow>();
  const distrusted = distrustedRows(run.description?.remarks ?? []);
  for (const sample of run.samples) {
    const key = rowKey(sample);
    const row = rows.get(key) ?? { sample, observations: [] };
    const { round, value } = sample;
    const rounds = distrusted.size === 0 ? undefined : distrusted.get(distrustName(sample));
    const block = pairing === null ? '' : `${pairing} round ${round}`;
    row.observations.push({ block, value, isDistrusted: isDistrusted(rounds, round) });
    rows.set(key, row);
  }
  return rows;
}

/** A run with a missing value has no median. A run with a distrusted round is distrusted. */
function medianOfRun(block: string, observations: readonly Observation[]): Observation {
  const values = valuesOf(observations);
  const value = values.length < observations.length || values.length === 0 ? null : median(values);
  return { block, value, isDistrusted: observations.some((one) => one.isDistrusted) };
}

function valuesOf(observations: readonly Observation[]): number[] {
  return observations.flatMap(({ value }) => (value === null ? [] : [value]));
}

function blocksOf(sides: readonly Side[]): string[] {
  const blocks = new Set<string>();
  for (const side of sides) {
    for (const { observations } of side.values()) for (const { block } of observations) blocks.add(block);
  }
  return [...blocks];
}

/** Why the two samples do not measure the same thing; null when they do. */
function otherMeaningOf(old: Sample, next: Sample): string | null {
  if (old.unit !== next.unit) return `unit ${old.unit} in OLD, ${next.unit} in NEW`;
  return old.better === next.better ? null : `${old.better} is better in OLD, ${next.better} in NEW`;
}

/** What one side has and the other lacks. */
function gapsOf(old: Measured, next: Measured, runs: readonly [old: number, next: number]): string[] {
  const gaps: string[] = [];
  if (old.runs < runs[0]) gaps.push(`in ${old.runs} of ${runs[0]} runs of OLD`);
  if (next.runs < runs[1]) gaps.push(`in ${next.runs} of ${runs[1]} runs of NEW`);
  const [inOld, inNew] = [missingIn(old), missingIn(next)];
  const isBare = inOld === old.observations.length && inNew === next.observations.length;
  if (!isBare && inOld + inNew > 0) {
    const text = `${inOld} of ${old.observations.length} in OLD, ${inNew} of ${next.observations.length} in NEW`;
    gaps.push(`without a value: ${text}`);
  }
  return gaps;
}

function missingIn({ observations }: Measured): number {
  let missing = 0;
  for (const { value } of observations) if (value === null) missing += 1;
  return missing;
}

function unpairedRounds(old: Measured, next: Measured): number {
  const [left, right] = [old, next].map(({ observations }) => new Set(observations.map(({ block }) => block)));
  const all = new Set([...(left ?? []), ...(right ?? [])]);
  return [...all].filter((block) => left?.has(block) !== right?.has(block)).length;
}

function rowOf(old: Measured, next: Measured, blocks: readonly string[]): Row {
  const { suite, benchmark, parameters, metric, unit, better } = old.sample;
  const measure = { suite, benchmark, parameters, metric, unit, better };
  return { ...measure, old: rowSideOf(old), new: rowSideOf(next), pairs: pairsOf(old, next, blocks) };
}

function rowSideOf({ observations }: Measured): RowSide {
  const [all, trusted]: [number[], number[]] = [[], []];
  let distrusted = 0;
  for (const { value, isDistrusted: isLeftOut } of observations) {
    if (isLeftOut) distrusted += 1;
    if (value === null) continue;
    all.push(value);
    if (!isLeftOut) trusted.push(value);
  }
  const isNothingLeft = distrusted === observations.length;
  return {
    values: isNothingLeft ? all : trusted,
    missing: observations.length - all.length,
    distrusted,
    isDistrusted: isNothingLeft,
  };
}

/** A pair is left out when one of its sides has no value or is distrusted. */
function pairsOf(old: Measured, next: Measured, blocks: readonly string[]): Row['pairs'] {
  if (blocks.length === 0) return [];
  const [left, right] = [old, next].map(
    ({ observations }) =>
      new Map(observations.map(({ block, value, isDistrusted: isLeftOut }) => [block, isLeftOut ? null : value])),
  );
  return blocks.map((block): readonly [number, number] | null => {
    const [before, after] = [left?.get(block) ?? null, right?.get(block) ?? null];
    return before === null || after === null ? null : [before, after];
  });
}
