// The compared ways to hash many files. Each contender keeps its hashes over all rounds, and gives digests at the end,
// so that a contender that computed something else is found.

import { createHash, type Hash } from 'node:crypto';

import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { createSHA256 } from 'hash-wasm';

import { HashPool, RECORD_HEADER_BYTES, SUM_BYTES } from '../../src/hash/pool.ts';
import { DIGEST_BYTES } from '../../src/hash/sha256.ts';
import { SlotPool } from '../../src/hash/slot-pool.ts';
import type { ChunkSet } from './chunk-set.ts';

const nothing = (): void => undefined;

/** One way to hash. */
export interface Contender {
  readonly name: string;
  /** Chunks of a round that the contender gets: slow contenders get only the first few. */
  readonly chunks: number;
  /** Runs before each run and is not measured. */
  prepare(): void;
  /** Hashes all chunks once. */
  run(): void;
  /** The digests of these files, over all runs. Ends the contender. */
  digests(files: readonly number[]): Uint8Array[];
}

/** One node:crypto Hash a file. The views are made beforehand. */
export function nodeCryptoOfChunks(chunkSet: ChunkSet): Contender {
  const hashes = chunkSet.fileIds.map(() => createHash('sha256'));
  return {
    name: 'node:crypto',
    chunks: chunkSet.chunks,
    prepare: nothing,
    run: () => {
      for (const { files, views } of chunkSet.batches) {
        for (let chunk = 0; chunk < views.length; chunk++) {
          const view = views[chunk];
          if (view !== undefined) hashes[files[chunk] ?? 0]?.update(view);
        }
      }
    },
    digests: (files) => files.map((file) => hashes[file]?.digest() ?? Buffer.alloc(0)),
  };
}

/** The native pool on sliced chunks, one call a batch. */
export function slotPoolOfChunks(chunkSet: ChunkSet): Contender {
  const pool = new SlotPool();
  // The lowest free slot goes first, so slot and file are the same number.
  for (const _ of chunkSet.fileIds) pool.open();
  return {
    name: 'stream-sum',
    chunks: chunkSet.chunks,
    prepare: nothing,
    run: () => {
      for (const { files, ends, data } of chunkSet.batches) pool.fold(files, ends, data);
    },
    digests: (files) => {
      const digests = Buffer.alloc(files.length * DIGEST_BYTES);
      pool.finish(Uint32Array.from(files), digests);
      return files.map((_, index) => digests.subarray(index * DIGEST_BYTES, (index + 1) * DIGEST_BYTES));
    },
  };
}

interface Updatable {
  update(data: Uint8Array): unknown;
  digest(): Uint8Array;
}

/** A library with one instance a file, on the first `chunks` of a round. */
function instanceOfChunks(name: string, chunkSet: ChunkSet, chunks: number, hashes: readonly Updatable[]): Contender {
  return {
    name,
    chunks,
    prepare: nothing,
    run: () => {
      let left = chunks;
      for (const { files, views } of chunkSet.batches) {
        for (let chunk = 0; chunk < views.length && left > 0; chunk++, left--) {
          const view = views[chunk];
          if (view !== undefined) hashes[files[chunk] ?? 0]?.update(view);
        }
      }
    },
    digests: (files) => files.map((file) => hashes[file]?.digest() ?? Buffer.alloc(0)),
  };
}

/** hash-wasm, one instance a file, on a part of the chunks. */
export async function hashWasmOfChunks(chunkSet: ChunkSet, chunks: number): Promise<Contender> {
  const hashes = await Promise.all(
    chunkSet.fileIds.map(async () => {
      const hash = (await createSHA256()).init();
      return { update: (data: Uint8Array) => hash.update(data), digest: () => hash.digest('binary') };
    }),
  );
  return instanceOfChunks('hash-wasm', chunkSet, chunks, hashes);
}

/** @noble/hashes, one instance a file, on a part of the chunks. */
export function nobleOfChunks(chunkSet: ChunkSet, chunks: number): Contender {
  return instanceOfChunks(
    '@noble/hashes',
    chunkSet,
    chunks,
    chunkSet.fileIds.map(() => nobleSha256.create()),
  );
}

/** node:crypto on records: parsed in JavaScript, one Hash a file in a Map by the id as latin1. */
export function nodeCryptoOfRecords(chunkSet: ChunkSet): Contender {
  const hashes = new Map<string, Hash>(chunkSet.fileIds.map((id) => [id.toString('latin1'), createHash('sha256')]));
  const run = (records: Buffer): void => {
    const view = new DataView(records.buffer, records.byteOffset, records.length);
    for (let offset = 0; offset < records.length; ) {
      const start = offset + RECORD_HEADER_BYTES;
      const end = start + view.getUint32(offset, true);
      hashes.get(records.toString('latin1', offset + 8, start))?.update(records.subarray(start, end));
      offset = end;
    }
  };
  return {
    name: 'node:crypto',
    chunks: chunkSet.chunks,
    prepare: () => chunkSet.rewrite(),
    run: () => {
      for (const { records } of chunkSet.batches) run(records);
    },
    digests: (files) => files.map((file) => hashes.get(latin1(chunkSet, file))?.digest() ?? Buffer.alloc(0)),
  };
}

/** The native pool on records, one call a batch. */
export function hashPoolOfRecords(chunkSet: ChunkSet): Contender {
  const pool = new HashPool();
  const noSums = new Uint8Array(0);
  const count = chunkSet.shape.batchChunks;
  return {
    name: 'stream-sum',
    chunks: chunkSet.chunks,
    prepare: () => chunkSet.renumber(),
    run: () => {
      for (const { records } of chunkSet.batches) {
        if (pool.fold(records, count, 0, noSums) !== 0) throw new Error(`refused: ${JSON.stringify(pool.failure())}`);
      }
    },
    digests: (files) => {
      const ends = files.map((file) => {
        const id = chunkSet.fileIds[file] ?? Buffer.alloc(0);
        const end = Buffer.alloc(RECORD_HEADER_BYTES);
        end.writeUInt32LE(pool.lookup(id) === null ? 1 : chunkSet.nextSequence(file), 4);
        id.copy(end, 8);
        return end;
      });
      const sums = Buffer.alloc(ends.length * SUM_BYTES);
      const finished = pool.fold(Buffer.concat(ends), ends.length, 0, sums);
      if (finished !== ends.length) throw new Error(`refused: ${JSON.stringify(pool.failure())}`);
      return files.map((_, index) => sums.subarray(index * SUM_BYTES + 32, (index + 1) * SUM_BYTES));
    },
  };
}

function latin1(chunkSet: ChunkSet, file: number): string {
  return chunkSet.fileIds[file]?.toString('latin1') ?? '';
}
