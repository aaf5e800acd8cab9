/**
 * Batches that are not folded as they stand in the journal. The change of a batch depends on the batch alone, as in a
 * replay.
 */

import { type StoredBatch, SUMS_JOURNAL } from '../../../src/journal/journals.ts';
import { type Chunk, decodeChunks, encodeChunk } from '../../../src/message/chunk.ts';
import type { Decorations, Subject } from '../decorations.ts';
import { withLargeBatches } from './adapt.ts';
import { ChangedReads, opened, resealed } from './decorated.ts';
import type { Mutant } from './mutant.ts';

/** One in so many batches is changed. */
const RARITY = 20;
/** The missing batch is the first one of its journal from this record of its producer on. */
const MISSING_FROM = 20;

export const FOLDING_MUTANTS: readonly Mutant[] = [
  {
    name: 'batch-folded-twice',
    class: 'folding',
    bug: 'a batch is handed to the fold twice',
    kinds: ['duplicate'],
    decorations: () =>
      changedBatches(({ prng, tookEffect }) => (_journal, stored) => {
        if (prng.below(RARITY) > 0) return [stored];
        tookEffect();
        return [stored, stored];
      }),
  },
  {
    name: 'batch-dropped',
    class: 'folding',
    bug: 'a batch is left out',
    kinds: ['gap', 'state-behind'],
    decorations: () =>
      changedBatches(({ prng, tookEffect }) => {
        const dropped = new Set<string>();
        return (journal, stored) => {
          if (dropped.has(journal)) tookEffect();
          if (prng.below(RARITY) > 0) return [stored];
          dropped.add(journal);
          return [];
        };
      }),
  },
  {
    name: 'batches-reordered',
    class: 'folding',
    bug: 'a batch is folded after the one that follows it',
    kinds: ['gap', 'state-behind'],
    decorations: () =>
      changedBatches(({ prng, tookEffect }) => {
        const held = new Map<string, StoredBatch>();
        return (journal, stored) => {
          const before = held.get(journal);
          if (before !== undefined) {
            tookEffect();
            return [stored, before];
          }
          if (prng.below(RARITY) > 0) return [stored];
          held.set(journal, stored);
          return [];
        };
      }),
  },
  {
    name: 'batch-cut',
    class: 'folding',
    bug: 'a batch is cut at a record boundary, and its last records are not folded',
    kinds: ['gap', 'state-behind'],
    decorations: () =>
      changedBatches(({ tookEffect }) => {
        const cut = new Set<string>();
        return (journal, stored) => {
          const batch = opened(stored.bytes, journal);
          const lane = `${journal} ${batch.producer}`;
          if (cut.has(lane)) tookEffect();
          const chunks = decodeChunks(batch.payload) ?? [];
          if (chunks.length < 2) return [stored];
          cut.add(lane);
          const kept = chunks.slice(0, -1);
          return [{ ...stored, bytes: resealed(batch, journal, { count: kept.length, payload: payloadOf(kept) }) }];
        };
      }),
    adapt: withLargeBatches,
  },
  {
    name: 'gap-folded-over',
    class: 'folding',
    bug: 'a batch that is missing is not noticed, and the records after it move up',
    kinds: ['state-behind', 'gap', 'lost'],
    decorations: gapFoldedOver,
  },
  {
    name: 'chunks-swapped',
    class: 'folding',
    bug: 'the data of chunks of two files are swapped',
    kinds: ['mismatched'],
    decorations: () => changedChunks(withSwappedData),
    adapt: withLargeBatches,
  },
  {
    name: 'chunk-folded-twice',
    class: 'folding',
    bug: 'the data of a chunk are folded twice',
    kinds: ['mismatched'],
    decorations: () => changedChunks(withDoubledData),
  },
  {
    name: 'last-chunk-not-folded',
    class: 'folding',
    bug: 'a file ends one chunk early',
    kinds: ['mismatched', 'state-behind'],
    decorations: () => changedChunks(withEarlyEnd),
    adapt: withLargeBatches,
  },
  {
    name: 'end-of-empty-file-skipped',
    class: 'folding',
    bug: 'the end of an empty file gives no sum',
    kinds: ['state-behind', 'lost'],
    decorations: () => changedChunks(withoutEmptyEnds),
  },
];

type Change = (journal: string, stored: StoredBatch) => readonly StoredBatch[];

/** `make` is called for each incarnation of a summer. */
function changedBatches(make: (subject: Subject) => Change): Decorations {
  return {
    summer: (options, subject) => {
      const change = make(subject);
      const journals = new ChangedReads(options.journals, (journal, stored) =>
        journal === SUMS_JOURNAL ? [stored] : change(journal, stored),
      );
      return { ...options, journals };
    },
  };
}

/** `change` gets the chunks of a batch and returns as many; `null`: they stay as they are. */
function changedChunks(change: (chunks: readonly Chunk[]) => readonly Chunk[] | null): Decorations {
  return changedBatches(({ tookEffect }) => (journal, stored) => {
    const batch = opened(stored.bytes, journal);
    const chunks = batch.kind === 'chunks' ? change(decodeChunks(batch.payload) ?? []) : null;
    if (chunks === null) return [stored];
    tookEffect();
    return [{ ...stored, bytes: resealed(batch, journal, { payload: payloadOf(chunks) }) }];
  });
}

function payloadOf(chunks: readonly Chunk[]): Buffer {
  return Buffer.concat(chunks.map(encodeChunk));
}

/** In each journal the same batch is missing for every reader, and the next batch begins at its begin. */
function gapFoldedOver(): Decorations {
  const gaps = new Map<string, { readonly begin: number; readonly producer: string; readonly count: number }>();
  return changedBatches(({ tookEffect }) => {
    const begins = new Map<string, number>();
    return (journal, stored) => {
      const batch = opened(stored.bytes, journal);
      const { producer, firstIndex, count } = batch;
      if (!gaps.has(journal) && batch.kind === 'chunks' && firstIndex >= MISSING_FROM) {
        gaps.set(journal, { begin: stored.begin, producer, count });
      }
      const gap = gaps.get(journal);
      if (gap === undefined || stored.begin < gap.begin) return [stored];
      if (stored.begin === gap.begin) {
        begins.set(journal, stored.begin);
        return [];
      }
      tookEffect();
      const begin = begins.get(journal) ?? stored.begin;
      begins.delete(journal);
      const bytes =
        producer === gap.producer ? resealed(batch, journal, { firstIndex: firstIndex - gap.count }) : stored.bytes;
      return [{ ...stored, begin, bytes }];
    };
  });
}

/** Swaps the data of the first two chunks of different files whose data differs. */
function withSwappedData(chunks: readonly Chunk[]): Chunk[] | null {
  const one = chunks.find(({ data }) => data.length > 0);
  if (one === undefined) return null;
  const isOther = ({ fileId, data }: Chunk): boolean =>
    fileId !== one.fileId && data.length > 0 && Buffer.compare(data, one.data) !== 0;
  const other = chunks.find(isOther);
  if (other === undefined) return null;
  const swapped = new Map([
    [one, { ...one, data: other.data }],
    [other, { ...other, data: one.data }],
  ]);
  return chunks.map((chunk) => swapped.get(chunk) ?? chunk);
}

function withDoubledData(chunks: readonly Chunk[]): Chunk[] | null {
  const doubled = chunks.find(({ data }) => data.length > 0);
  if (doubled === undefined) return null;
  const { data } = doubled;
  return chunks.map((chunk) => (chunk === doubled ? { ...chunk, data: Buffer.concat([data, data]) } : chunk));
}

/**
 * The last chunk of a file ends it, when the end is in the same batch. The end then opens the file again, because no
 * other record can take its place.
 */
function withEarlyEnd(chunks: readonly Chunk[]): Chunk[] | null {
  const end = chunks.find(
    ({ fileId, sequence, data }) => data.length === 0 && lastOf(chunks, fileId, sequence) !== null,
  );
  const last = end === undefined ? null : lastOf(chunks, end.fileId, end.sequence);
  if (end === undefined || last === null) return null;
  const changed = new Map([
    [last, { ...last, data: Buffer.alloc(0) }],
    [end, { ...end, sequence: 1, data: Buffer.alloc(1) }],
  ]);
  return chunks.map((chunk) => changed.get(chunk) ?? chunk);
}

/** The chunk of the file before its end. */
function lastOf(chunks: readonly Chunk[], fileId: string, endSequence: number): Chunk | null {
  return chunks.find((chunk) => chunk.fileId === fileId && chunk.sequence === endSequence - 1) ?? null;
}

/** Empty ends become data, so the files stay open. */
function withoutEmptyEnds(chunks: readonly Chunk[]): Chunk[] | null {
  if (!chunks.some(isEmptyEnd)) return null;
  return chunks.map((chunk) => (isEmptyEnd(chunk) ? { ...chunk, data: Buffer.alloc(1) } : chunk));
}

function isEmptyEnd({ sequence, data }: Chunk): boolean {
  return sequence === 1 && data.length === 0;
}
