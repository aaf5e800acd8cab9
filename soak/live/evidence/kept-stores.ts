/**
 * What the stores of the summers have of one file and its shard when the run is over, read from copies: the offset up
 * to which the shard is folded, the file's state compared with a fold by node:crypto, and the file's sum when it is
 * finished but not published.
 */

import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { OperatingError } from '../../../src/core/errors.ts';
import { fileNumberOf } from '../../../src/message/chunk.ts';
import { decodeSums } from '../../../src/message/sum.ts';
import { readLmdbStore } from '../../../src/store/lmdb-store.ts';
import { SUMMER_TABLES } from '../../../src/summer/rows.ts';
import { type Workload, fillChunk } from '../../../src/workload/workload.ts';
import { readCheckpoint } from '../../guarantee/checkpoint.ts';

/** A file that is open in a store. */
export type KeptState = {
  readonly lastSequence: number;
  readonly bytes: number;
  readonly digest: string;
  /** The digest by node:crypto over as many chunks from the seed; null: the file belongs to no producer of this run. */
  readonly expectedDigest: string | null;
};

export type KeptShard = {
  readonly process: string;
  readonly shard: number;
  /** Why nothing is known about it; otherwise absent. */
  readonly unread?: string;
  /** The offset up to which the journal is folded; null: the store has nothing of this shard. */
  readonly offset: number | null;
  readonly nextSum: number | null;
  /** The next index of the file's producer. */
  readonly nextIndex: number | null;
  readonly openFiles: number;
  readonly state: KeptState | null;
  readonly unpublishedSums: number;
  /** The sum of the file among the unpublished ones. */
  readonly unpublished: { readonly index: number; readonly digest: string } | null;
};

const SUMMER_FOLDER = /^summer-\d+(?:\.\d+)?$/;

/** For every summer with a store: one entry for each of these shards that the store has something of. */
export async function readKeptStores(
  { dataFolder, scratchFolder }: { readonly dataFolder: string; readonly scratchFolder: string },
  of: { readonly shards: readonly number[]; readonly file: string | null; readonly workload: Workload | null },
): Promise<KeptShard[]> {
  const summers = readdirSync(dataFolder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && SUMMER_FOLDER.test(entry.name))
    .map(({ name }) => name)
    .toSorted();
  const found: KeptShard[] = [];
  for (const process of summers) {
    const options = {
      folder: join(dataFolder, process),
      scratchFolder,
      kind: 'summer',
      tables: SUMMER_TABLES,
    } as const;
    try {
      const kept = await readLmdbStore(options, (reader) =>
        of.shards.map((shard) => keptShard(process, shard, readCheckpoint(reader, shard), of)),
      );
      found.push(...kept.filter(({ offset }) => offset !== null));
    } catch (error) {
      if (!(error instanceof OperatingError)) throw error;
      found.push(...of.shards.map((shard) => ({ ...keptShard(process, shard, null, of), unread: error.message })));
    }
  }
  return found;
}

function keptShard(
  process: string,
  shard: number,
  checkpoint: ReturnType<typeof readCheckpoint>,
  { file, workload }: { readonly file: string | null; readonly workload: Workload | null },
): KeptShard {
  const { offset = null, nextSum = null, nextIndexes = {}, openFiles = {}, outbox = [] } = checkpoint ?? {};
  const state = file === null ? undefined : openFiles[file];
  const sums = outbox.flatMap(({ first, sums: bytes }) =>
    (decodeSums(bytes) ?? []).map((sum, at) => ({ ...sum, index: first + at })),
  );
  const own = sums.find(({ fileId }) => fileId === file);
  return {
    process,
    shard,
    offset,
    nextSum,
    nextIndex: file === null ? null : (nextIndexes[file.slice(0, 16)] ?? null),
    openFiles: Object.keys(openFiles).length,
    state:
      state === undefined || file === null
        ? null
        : { ...state, expectedDigest: workload === null ? null : foldOf(workload, file, state.lastSequence) },
    unpublishedSums: sums.length,
    unpublished: own === undefined ? null : { index: own.index, digest: own.digest },
  };
}

/** SHA-256 of the first chunks of a file, by node:crypto and the seed. */
export function foldOf(workload: Workload, file: string, lastSequence: number): string {
  const fileSeed = workload.fileSeed(fileNumberOf(file));
  const hash = createHash('sha256');
  for (let sequence = 1; sequence <= lastSequence; sequence += 1) {
    const chunk = Buffer.alloc(workload.chunkBytes(fileSeed, sequence));
    fillChunk(new DataView(chunk.buffer, chunk.byteOffset, chunk.length), 0, chunk.length, fileSeed, sequence);
    hash.update(chunk);
  }
  return hash.digest('hex');
}
