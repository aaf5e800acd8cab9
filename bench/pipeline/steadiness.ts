/**
 * Whether a saturated pipeline is in its steady state. Files that are opened together end together. So for some
 * generations of files more chunks are verified than published, and before that fewer, and neither rate is then the
 * rate of the pipeline. Steady means that the counts of published, folded and verified chunks agree within a twentieth,
 * over three generations or more. Pure.
 */

import type { PipelineOptions } from '../../src/fleet/component-specs.ts';
import { type Totals, totalsBetween } from '../../src/fleet/meter.ts';
import { NEVER_STEADY } from '../distrust.ts';

/** A pipeline at one moment. */
export type Look = {
  readonly totals: Totals;
  /** Bytes of the broker's store; null where a cluster keeps the journals. */
  readonly diskBytes: number | null;
};

/** How a stretch of time ended. */
export type Steadiness = {
  /** Null: nothing was published, or the stretch had too few generations. */
  readonly foldedPart: number | null;
  readonly verifiedPart: number | null;
  /** Generations of files in the stretch. */
  readonly generations: number;
  readonly looks: number;
  /** The broker's file had nearly stopped growing: the journal reuses its pages. Null: a cluster has no such file. */
  readonly reusesPages: boolean | null;
};

const GENERATIONS = 3;
/** The share of published chunks by which folded or verified chunks may differ. */
const SPREAD = 0.05;
/** The least number of looks over which anything is judged. */
const LOOKS = 4;
/** The share of the bytes published meanwhile by which the broker's file may have grown. */
const GROWTH_MAX = 0.05;

/** Chunks until every open file has ended and another one is in its place. */
export function generationChunks({ chunkers, files, chunks }: PipelineOptions): number {
  return Math.max(1, (chunkers * files * (chunks.low + chunks.high)) / 2);
}

/** Over the shortest stretch up to the last look that has `GENERATIONS` generations of files, or over all looks. */
export function steadinessOf(looks: readonly Look[], chunksOfGeneration: number): Steadiness {
  const end = looks.at(-1);
  const begin = looks.findLast(
    ({ totals }, index) =>
      index < looks.length - LOOKS &&
      (end?.totals.chunksPublished ?? 0) - totals.chunksPublished >= GENERATIONS * chunksOfGeneration,
  );
  const first = begin ?? looks[0];
  if (first === undefined || end === undefined) return NOT_SEEN;
  const { chunksPublished, chunksFolded, chunksVerified } = totalsBetween(first.totals, end.totals);
  const part = (chunks: number): number | null => (begin === undefined ? null : chunks / chunksPublished);
  return {
    foldedPart: part(chunksFolded),
    verifiedPart: part(chunksVerified),
    generations: chunksPublished / chunksOfGeneration,
    looks: looks.length,
    reusesPages: reusesPages(looks.at(-1 - LOOKS), end),
  };
}

const NOT_SEEN: Steadiness = { foldedPart: null, verifiedPart: null, generations: 0, looks: 0, reusesPages: false };

function reusesPages(begin: Look | undefined, end: Look): boolean | null {
  if (end.diskBytes === null) return null;
  if (begin === undefined) return false;
  const { bytesPublished } = totalsBetween(begin.totals, end.totals);
  return bytesPublished > 0 && end.diskBytes - (begin.diskBytes ?? 0) <= bytesPublished * GROWTH_MAX;
}

export function isSteady({ foldedPart, verifiedPart }: Steadiness): boolean {
  return isEqual(foldedPart) && isEqual(verifiedPart);
}

function isEqual(part: number | null): boolean {
  return part !== null && part >= 1 / (1 + SPREAD) && part <= 1 + SPREAD;
}

/** Why a row is not steady; null when it is. */
export function unsteadyText(steadiness: Steadiness): string | null {
  if (isSteady(steadiness)) return null;
  const { foldedPart, verifiedPart, generations, looks } = steadiness;
  if (foldedPart === null || verifiedPart === null) {
    const seen = `${generations.toFixed(1)} generations of files in ${looks} looks`;
    return `${NEVER_STEADY}: ${seen} were seen, and it takes ${GENERATIONS} in ${LOOKS + 1}`;
  }
  return (
    `${NEVER_STEADY}: of the chunks published in ${generations.toFixed(1)} generations of files ` +
    `${foldedPart.toFixed(2)} times as many were folded and ${verifiedPart.toFixed(2)} times as many verified`
  );
}
