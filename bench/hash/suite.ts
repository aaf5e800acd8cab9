// The `hash` suite: the cost of a chunk in Node, for the native pool, node:crypto and other libraries, and for the
// backends.

import { availableBackends } from '../../src/hash/backend.ts';
import { type HashSizes, SCALES } from '../harness/scales.ts';
import type { Outcome, Scale, Suite, Task } from '../harness/task.ts';
import { measureAllocations } from './allocations.ts';
import { type BackendProcess, backendTask, startBackend } from './backend-tasks.ts';
import { recordTasks, slicedTasks } from './chunk-tasks.ts';
import { operationTasks } from './operations.ts';
import type { ChunkSetShape } from './chunk-set.ts';

function shapeOf(sizes: HashSizes, chunkBytes: number): ChunkSetShape {
  const { files, batchChunks, batchesBySize } = sizes;
  return { files, chunkBytes, batchChunks, batches: batchesBySize[chunkBytes] ?? 1 };
}

export async function createHashSuite({ seed, scale }: { seed: number; scale: Scale }): Promise<Suite> {
  const tasks: Task[] = [];
  const { hash: sizes } = SCALES[scale];
  for (const chunkBytes of sizes.chunkBytes) {
    const shape = shapeOf(sizes, chunkBytes);
    tasks.push(...(await slicedTasks(shape, seed)), ...recordTasks(shape, seed));
  }
  for (const chunkBytes of sizes.manyFilesChunkBytes) {
    const { manyFiles: files, batchChunks, manyFilesBatches: batches } = sizes;
    tasks.push(...recordTasks({ files, chunkBytes, batchChunks, batches }, seed));
  }
  tasks.push(...operationTasks(), allocationTask(sizes.allocationBatches));
  const shape = shapeOf(sizes, sizes.backendChunkBytes);
  const processes: BackendProcess[] = [];
  for (const backend of availableBackends()) {
    const process = await startBackend(backend, shape, seed);
    processes.push(process);
    tasks.push(backendTask(backend, shape, process));
  }
  return {
    name: 'hash',
    tasks,
    close: async () => {
      for (const process of processes) await process.end();
    },
  };
}

/** JavaScript heap bytes that a fold of one batch allocates, on average. */
function allocationTask(batches: number): Task {
  return {
    benchmark: 'allocations',
    parameters: {},
    warmsUp: false,
    measure: async (): Promise<Outcome> => ({
      measurements: [
        { metric: 'heap_per_batch_bytes', unit: 'B', better: 'lower', value: await measureAllocations(batches) },
      ],
    }),
    check: () => undefined,
  };
}
