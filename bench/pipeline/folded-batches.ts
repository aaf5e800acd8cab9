/** The correct result of folding batches from an empty pool: every sum, and the state of every open file. */

import { createHash } from 'node:crypto';
import { assert } from '../../src/core/assert.ts';
import { ViolationError } from '../../src/core/errors.ts';
import type { HashPool } from '../../src/hash/pool.ts';
import { Sha256 } from '../../src/hash/sha256.ts';
import { type Chunk, decodeChunks, fileNumberOf } from '../../src/message/chunk.ts';
import { decodeSums } from '../../src/message/sum.ts';
import type { Workload } from '../../src/workload/workload.ts';

export type FoldedBatches = {
  /** Payloads in order. The first was folded by an empty pool. */
  readonly payloads: readonly Buffer[];
  readonly workload: Workload;
  readonly pool: Pick<HashPool, 'openFiles' | 'lookup'>;
  /** Sums as the pool has given them, back to back. */
  readonly sums: Buffer;
};

/** Throws a ViolationError when a sum or a file is missing or extra, or differs from the result of node:crypto. */
export function checkFolded({ payloads, workload, pool, sums }: FoldedBatches): void {
  const { ended, open } = filesOf(payloads);
  // With large chunks no file may have ended. Then the open files are the evidence.
  assert(ended.length + open.size > 0, 'what was folded has files');
  checkSums(ended, workload, sums);
  const found = pool.openFiles();
  if (found !== open.size) throw wrong('lost', `${open.size} files are open and the pool has ${found}`);
  checkOpenFiles(open, payloads, pool);
}

type Files = {
  /** Files in the order in which they ended. */
  readonly ended: readonly string[];
  /** Files with their last sequence. */
  readonly open: ReadonlyMap<string, number>;
};

function filesOf(payloads: readonly Buffer[]): Files {
  const ended: string[] = [];
  const open = new Map<string, number>();
  for (const payload of payloads) {
    for (const { fileId, sequence, data } of chunksOf(payload)) {
      if (data.length > 0) {
        open.set(fileId, sequence);
        continue;
      }
      open.delete(fileId);
      ended.push(fileId);
    }
  }
  return { ended, open };
}

function chunksOf(payload: Buffer): readonly Chunk[] {
  const chunks = decodeChunks(payload);
  assert(chunks !== null, 'a generated payload consists of chunks');
  return chunks;
}

function checkSums(ended: readonly string[], workload: Workload, bytes: Buffer): void {
  const sums = decodeSums(bytes);
  if (sums === null) throw wrong('corrupt', 'its output is not a row of sums');
  for (const [index, fileId] of ended.entries()) {
    const sum = sums[index];
    if (sum?.fileId !== fileId) throw wrong('lost', `no sum of ${fileId}`, fileId);
    const { lastSequence, bytes: length, digest } = workload.expectedSum(fileNumberOf(fileId));
    if (sum.lastSequence !== lastSequence || sum.bytes !== length || sum.digest !== digest) {
      throw wrong('mismatched', `a wrong sum of ${fileId}`, fileId);
    }
  }
  const more = sums[ended.length];
  if (more !== undefined) throw wrong('phantom', `a sum of ${more.fileId}, which has not ended`, more.fileId);
}

function checkOpenFiles(
  open: ReadonlyMap<string, number>,
  payloads: readonly Buffer[],
  pool: FoldedBatches['pool'],
): void {
  const hashes = new Map([...open.keys()].map((fileId) => [fileId, createHash('sha256')]));
  for (const payload of payloads) {
    for (const { fileId, data } of chunksOf(payload)) hashes.get(fileId)?.update(data);
  }
  for (const [fileId, lastSequence] of open) {
    const found = pool.lookup(Buffer.from(fileId, 'hex'));
    if (found === null) throw wrong('lost', `${fileId} is not open`, fileId);
    const digest = Sha256.deserialize(found.state).digest('hex');
    if (found.lastSequence !== lastSequence || digest !== hashes.get(fileId)?.digest('hex')) {
      throw wrong('mismatched', `a wrong state of ${fileId}`, fileId);
    }
  }
}

function wrong(kind: ViolationError['kind'], detail: string, file?: string): ViolationError {
  return new ViolationError(kind, `hashing: ${detail}`, file === undefined ? {} : { file });
}
