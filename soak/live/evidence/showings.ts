/**
 * What the data of a witness show, in plain sentences: which part of the way from chunker to sum was right, and where
 * the first wrong thing is. Each sentence says what was compared. Pure.
 */

import type { ExpectedSum } from '../../../src/workload/workload.ts';
import type { KeptJournals } from './kept-journals.ts';
import type { KeptShard } from './kept-stores.ts';

export type WitnessData = {
  readonly file: string | null;
  /** Null: the file belongs to no producer of this run. */
  readonly expected: ExpectedSum | null;
  /** Null: the broker's store could not be read. */
  readonly journals: KeptJournals | null;
  readonly stores: readonly KeptShard[];
};

export function showings(data: WitnessData): string[] {
  return [...namedShowings(data), ...chunkShowings(data), ...sumShowings(data), ...storeShowings(data)];
}

function namedShowings({ journals }: WitnessData): string[] {
  const named = journals?.named ?? null;
  if (named === null) return [];
  const { journal, begin, fault, header, recordsWrong, recordsUnknown } = named;
  const place = `The batch at ${begin} of ${journal}, which the violation names,`;
  if (fault !== null)
    return [`${place} does not verify in the kept journal either: ${fault}. The broker took or kept it so.`];
  if (header?.kind !== 'chunks') return [`${place} verifies in the kept journal.`];
  if (recordsWrong > 0) {
    return [`${place} verifies, but ${recordsWrong} of its ${header.count} records are not what the seed says.`];
  }
  if (recordsUnknown > 0) {
    return [`${place} verifies, but ${recordsUnknown} of its ${header.count} records are of no producer of this run.`];
  }
  return [
    `${place} verifies in the kept journal, and its ${header.count} records are what the seed says. ` +
      'Whoever found something else there was not given what the journal holds, or misread it.',
  ];
}

function chunkShowings({ file, expected, journals }: WitnessData): string[] {
  if (file === null || journals === null) return [];
  const { records, bounds, digest } = journals;
  if (expected === null) return ['The file is of no producer of this run: nobody published it.'];
  const wrong = records.filter(({ isRight }) => isRight === false);
  if (wrong.length > 0) {
    const sequences = [...new Set(wrong.map(({ sequence }) => sequence))].join(', ');
    return [
      `Chunk ${sequences} of the file is in the journal, and not what the seed says: it was wrong before the fold.`,
    ];
  }
  const missing = missingOf(
    records.map(({ sequence }) => sequence),
    expected.lastSequence,
  );
  const [bound] = bounds;
  const trimmed = bound === undefined || bound.begin === 0 ? '' : ` The journal was trimmed below ${bound.begin}.`;
  if (missing.length > 0) {
    if (missing.length === expected.lastSequence) return [`No record of the file is in the kept journal.${trimmed}`];
    return [`Chunk ${missing.slice(0, 12).join(', ')} of the file is not in the kept journal.${trimmed}`];
  }
  const twice = records.length > expected.lastSequence ? ' Some of its chunks stand there more than once.' : '';
  const same = digest === expected.digest ? 'their digest is that of the seed' : 'their digest is not that of the seed';
  return [`All ${expected.lastSequence} records of the file are in the kept journal, and ${same}.${twice}`];
}

/** Missing sequences, from 1 on. */
function missingOf(sequences: readonly number[], last: number): number[] {
  const known = new Set(sequences);
  return Array.from({ length: last }, (_, at) => at + 1).filter((sequence) => !known.has(sequence));
}

function sumShowings({ file, expected, journals }: WitnessData): string[] {
  if (file === null || journals === null) return [];
  const { sums, digest: kept } = journals;
  if (sums.length === 0) return [`The sums journal${trimmedSums(journals)} has no sum of the file.`];
  const lines = sums.map(({ begin, index, shard, epoch, digest, bytes, lastSequence }) => {
    const place = `at ${begin}, record ${index} of shard ${shard ?? 'unknown'} with epoch ${epoch}`;
    if (expected === null) return `A sum of the file stands in the sums journal ${place}.`;
    const isRight = digest === expected.digest && bytes === expected.bytes && lastSequence === expected.lastSequence;
    return isRight
      ? `A right sum of the file stands in the sums journal ${place}.`
      : `A WRONG sum of it stands ${place}.`;
  });
  const isWrong = expected !== null && sums.some(({ digest }) => digest !== expected.digest);
  if (isWrong && kept === expected.digest) {
    lines.push('The journal holds the right bytes: the sum went wrong in who folded or published it.');
  }
  if (sums.length > 1) lines.push(`There are ${sums.length} sums of one file: it was published more than once.`);
  return lines;
}

function trimmedSums({ bounds }: KeptJournals): string {
  const begin = bounds.at(-1)?.begin ?? 0;
  return begin === 0 ? '' : `, which was trimmed below ${begin},`;
}

function storeShowings({ file, expected, stores }: WitnessData): string[] {
  return stores.flatMap(({ process, shard, unread, offset, nextSum, state, unpublished }) => {
    if (unread !== undefined) return [`The store of ${process} could not be read: ${unread}.`];
    const folded = `folded up to ${offset ?? '?'}, its next sum is ${nextSum ?? '?'}`;
    const place = `The store of ${process} has shard ${shard} ${folded}`;
    if (file === null) return [`${place}.`];
    if (unpublished !== null) {
      const right = expected === null || unpublished.digest === expected.digest ? '' : ', with a wrong digest';
      const finished = `the file's sum is finished there, as record ${unpublished.index}${right}`;
      return [`${place}; ${finished}, and not yet known there to be published.`];
    }
    if (state === null) return [`${place}; the file is not open there.`];
    const { lastSequence, digest, expectedDigest } = state;
    const open = `${place}; the file is open there, folded up to chunk ${lastSequence}`;
    if (expectedDigest === null) return [`${open}.`];
    const isRight = digest === expectedDigest;
    return [`${open}, and its state is ${isRight ? 'that of a fold by node:crypto' : 'WRONG'}.`];
  });
}
