// The tasks of the hash suite that hash many files: one for each contender and each shape of a chunk set. Every task
// is checked: the digests of some files over all its runs, against node:crypto on the same bytes.

import { createHash } from 'node:crypto';

import { assert } from '../../src/core/assert.ts';
import { ViolationError } from '../../src/core/errors.ts';
import type { Task } from '../harness/task.ts';
import { timedTask } from '../harness/timed-task.ts';
import {
  type Contender,
  hashPoolOfRecords,
  hashWasmOfChunks,
  nobleOfChunks,
  nodeCryptoOfChunks,
  nodeCryptoOfRecords,
  slotPoolOfChunks,
} from './contenders.ts';
import { ChunkSet, type ChunkSetShape } from './chunk-set.ts';

/** How many files of each contender are checked, spread over all files that were given data. */
const CHECKED_FILES = 16;

/** One task: a contender on a chunk set. */
export function contenderTask(benchmark: string, chunkSet: ChunkSet, contender: Contender): Task {
  let runs = 0;
  const { files, chunkBytes } = chunkSet.shape;
  return timedTask({
    benchmark,
    parameters: { contender: contender.name, files, chunk_bytes: chunkBytes },
    metric: 'chunk_time_s',
    operations: contender.chunks,
    prepare: () => contender.prepare(),
    run: () => {
      contender.run();
      runs += 1;
    },
    check: () => checkDigests(chunkSet, contender, runs),
  });
}

function checkDigests(chunkSet: ChunkSet, contender: Contender, runs: number): void {
  const files = chunkSet.filesOf(contender.chunks);
  // Any two contenders agree on the digest of nothing.
  assert(runs > 0 && files.length > 0, 'a contender is checked on what it has hashed');
  const step = Math.ceil(files.length / CHECKED_FILES);
  const checked = files.filter((_, index) => index % step === 0);
  const digests = contender.digests(checked);
  for (const [index, file] of checked.entries()) {
    const data = chunkSet.dataOf(file, contender.chunks);
    const expected = createHash('sha256');
    for (let run = 0; run < runs; run++) expected.update(data);
    if (!expected.digest().equals(digests[index] ?? Buffer.alloc(0))) {
      throw new ViolationError(
        'mismatched',
        `${contender.name} computed another digest of file ${file} than node:crypto`,
      );
    }
  }
}

/** Chunks that are already sliced: the addon and its peers. */
export async function slicedTasks(shape: ChunkSetShape, seed: number): Promise<Task[]> {
  const chunkSet = new ChunkSet(shape, seed);
  // A long turn of the slow contenders would only delay the others.
  const slowChunks = Math.min(chunkSet.chunks, Math.max(20, Math.round(2_000_000 / (shape.chunkBytes + 64))));
  const contenders = [
    nodeCryptoOfChunks(chunkSet),
    slotPoolOfChunks(chunkSet),
    await hashWasmOfChunks(chunkSet, slowChunks),
    nobleOfChunks(chunkSet, slowChunks),
  ];
  return contenders.map((contender) => contenderTask('sliced-chunks', chunkSet, contender));
}

/** Batches of records, parsed and looked up by file id. */
export function recordTasks(shape: ChunkSetShape, seed: number): Task[] {
  const chunkSet = new ChunkSet(shape, seed);
  const contenders = [nodeCryptoOfRecords(chunkSet), hashPoolOfRecords(chunkSet)];
  return contenders.map((contender) => contenderTask('record-batches', chunkSet, contender));
}
