/**
 * Brings the samples of both sides together: one row for each thing measured, with the observations that a test may use.
 *
 * What an observation is decides what a comparison can claim. Interleaved rounds are pairs. Of four separate runs or more
 * on each side, each run is one observation, its median: runs are independent of each other. Of fewer the rounds have to
 * do, which share their process and their minute: what they show is said, and is not taken as proven.
 */

import { isJudged, type Sample } from '../../src/measure/samples.ts';
import { median } from '../../src/measure/statistics.ts';
import { type LoadedRun, rowKey } from './loading.ts';

/** From so many runs on each side, runs are the observations. */
const RUNS_AS_OBSERVATIONS = 4;

export type Design =
  /** Round by round, in turn: a pair is one round of both sides. */
  | 'interleaved'
  | 'separate runs'
  /** Rounds of one or a few processes stand in for runs. */
  | 'rounds of separate runs';

export type Row = Pick<Sample, 'suite' | 'benchmark' | 'parameters' | 'metric' | 'unit' | 'better'> & {
  readonly old: readonly number[];
  readonly new: readonly number[];
  /** Of the interleaved design: both values of each pair, the same pair at the same index in all rows. */
  readonly pairs: readonly (readonly [old: number, next: number] | null)[];
};

export type Rows = {
  readonly design: Design;
  readonly rows: readonly Row[];
  /** Rows that cannot be compared, and why; single lines. */
  readonly problems: readonly string[];
  readonly notes: readonly string[];
};

type Observation = { readonly block: string; readonly value: number | null };
type Measured = { readonly sample: Sample; readonly observations: Observation[]; runs: number };
type Side = ReadonlyMap<string, Measured>;

export function bringTogether(old: readonly LoadedRun[], next: readonly LoadedRun[]): Rows {
  const design = designOf(old, next);
  const [left, right] = [sideOf(old, design), sideOf(next, design)];
  const problems: string[] = [];
  const notes: string[] = [];
  const rows: Row[] = [];
  const blocks = blocksOf([left, right]);
  for (const key of new Set([...left.keys(), ...right.keys()])) {
    const [before, after] = [left.get(key), right.get(key)];
    // What is missing from a row that is not judged is said, and keeps nothing from being judged.
    const isCounted = [before, after].some((side) => side !== undefined && isJudged(side.sample));
    const defects = isCounted ? problems : notes;
    if (before === undefined || after === undefined) {
      defects.push(`only in ${before === undefined ? 'NEW' : 'OLD'}: ${key}`);
      continue;
    }
    const otherMeaning = otherMeaningOf(before.sample, after.sample);
    if (otherMeaning !== null) {
      defects.push(`${key}: ${otherMeaning}`);
      continue;
    }
    const gaps = gapsOf(before, after, [old.length, next.length]);
    defects.push(...gaps.map((gap) => `${key}: ${gap}`));
    const row = rowOf(before, after, design === 'interleaved' ? blocks : []);
    const alone = design === 'interleaved' ? unpairedRounds(before, after) : 0;
    if (alone > 0) defects.push(`${key}: ${alone} rounds are on one side only`);
    if (row.old.length > 0 && row.new.length > 0) rows.push(row);
    else if (gaps.length === 0) notes.push(`no value on either side: ${key}`);
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

/** Of the runs that have one. */
function pairingsOf(runs: readonly LoadedRun[]): Set<string> {
  return new Set(runs.flatMap(({ description }) => description?.pairing ?? []));
}

function sideOf(runs: readonly LoadedRun[], design: Design): Side {
  const side = new Map<string, Measured>();
  for (const [number, run] of runs.entries()) {
    const name = design === 'interleaved' ? (run.description?.pairing ?? '') : String(number);
    const ofRun = new Map<string, { sample: Sample; observations: Observation[] }>();
    for (const sample of run.samples) {
      const found = ofRun.get(rowKey(sample)) ?? { sample, observations: [] };
      found.observations.push({ block: `${name} round ${sample.round}`, value: sample.value });
      ofRun.set(rowKey(sample), found);
    }
    for (const [key, { sample, observations }] of ofRun) {
      const found = side.get(key) ?? { sample, observations: [], runs: 0 };
      found.runs += 1;
      found.observations.push(...(design === 'separate runs' ? [medianOfRun(name, observations)] : observations));
      side.set(key, found);
    }
  }
  return side;
}

/** A run with a missing value has no median: what is missing may be what was slow. */
function medianOfRun(block: string, observations: readonly Observation[]): Observation {
  const values = valuesOf(observations);
  return { block, value: values.length < observations.length || values.length === 0 ? null : median(values) };
}

function valuesOf(observations: readonly Observation[]): number[] {
  return observations.flatMap(({ value }) => (value === null ? [] : [value]));
}

function blocksOf(sides: readonly Side[]): string[] {
  const blocks = sides.flatMap((side) =>
    [...side.values()].flatMap(({ observations }) => observations.map(({ block }) => block)),
  );
  return [...new Set(blocks)];
}

/** Why the two are not the same measure; null when they are. */
function otherMeaningOf(old: Sample, next: Sample): string | null {
  if (old.unit !== next.unit) return `unit ${old.unit} in OLD, ${next.unit} in NEW`;
  return old.better === next.better ? null : `${old.better} is better in OLD, ${next.better} in NEW`;
}

/** What one side has and the other has not. */
function gapsOf(old: Measured, next: Measured, runs: readonly [old: number, next: number]): string[] {
  const gaps: string[] = [];
  if (old.runs < runs[0]) gaps.push(`in ${old.runs} of ${runs[0]} runs of OLD`);
  if (next.runs < runs[1]) gaps.push(`in ${next.runs} of ${runs[1]} runs of NEW`);
  const [before, after] = [old, next].map(({ observations }) => observations.filter(({ value }) => value === null));
  const [inOld, inNew] = [before?.length ?? 0, after?.length ?? 0];
  const isBare = inOld === old.observations.length && inNew === next.observations.length;
  if (!isBare && inOld + inNew > 0) {
    const text = `${inOld} of ${old.observations.length} in OLD, ${inNew} of ${next.observations.length} in NEW`;
    gaps.push(`without a value: ${text}`);
  }
  return gaps;
}

function unpairedRounds(old: Measured, next: Measured): number {
  const [left, right] = [old, next].map(({ observations }) => new Set(observations.map(({ block }) => block)));
  const all = new Set([...(left ?? []), ...(right ?? [])]);
  return [...all].filter((block) => left?.has(block) !== right?.has(block)).length;
}

function rowOf(old: Measured, next: Measured, blocks: readonly string[]): Row {
  const { suite, benchmark, parameters, metric, unit, better } = old.sample;
  const [left, right] = [old, next].map(
    ({ observations }) => new Map(observations.map(({ block, value }) => [block, value])),
  );
  const pairs = blocks.map((block): readonly [number, number] | null => {
    const [before, after] = [left?.get(block) ?? null, right?.get(block) ?? null];
    return before === null || after === null ? null : [before, after];
  });
  const measure = { suite, benchmark, parameters, metric, unit, better, pairs };
  return {
    ...measure,
    old: valuesOf(old.observations),
    new: valuesOf(next.observations),
  };
}
