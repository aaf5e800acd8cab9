// The `hash` suite: the cost of a chunk in Node, for the native pool, node:crypto and other libraries, and for the
// backends.

import { availableBackends } from '../../src/hash/backend.ts';
import type { Outcome, Scale, Suite, Task } from '../harness/task.ts';
import { measureAllocations } from './allocations.ts';
import { type BackendProcess, backendTask, startBackend } from './backend-tasks.ts';
import { recordTasks, slicedTasks } from './chunk-tasks.ts';
import { operationTasks } from './operations.ts';
import type { WorkloadShape } from './workload.ts';

const CHUNK_BYTES = [32, 256, 1024, 4096, 65_536];
const CHUNK_BYTES_QUICK = [32, 1024, 65_536];
/** Batches of 1,000 chunks a call, so that calls of all sizes take about as long. */
const BATCHES: Readonly<Record<number, number>> = { 32: 30, 256: 20, 1024: 10, 4096: 4, 65_536: 1 };
const MANY_FILES = 100_000;
const BACKEND_CHUNK_BYTES = 1024;

function shapeOf(files: number, chunkBytes: number, scale: Scale): WorkloadShape {
  if (scale === 'smoke') return { files: files > 1000 ? 1001 : 300, chunkBytes, batchChunks: 100, batches: 2 };
  // At 100,000 files a call touches nearly all of them, so that no file stays in a cache.
  const batches = files > 1000 ? 100 : (BATCHES[chunkBytes] ?? 1);
  return { files, chunkBytes, batchChunks: 1000, batches };
}

export async function createHashSuite({ seed, scale }: { seed: number; scale: Scale }): Promise<Suite> {
  const tasks: Task[] = [];
  for (const chunkBytes of scale === 'quick' ? CHUNK_BYTES_QUICK : CHUNK_BYTES) {
    const shape = shapeOf(1000, chunkBytes, scale);
    tasks.push(...(await slicedTasks(shape, seed)), ...recordTasks(shape, seed));
  }
  for (const chunkBytes of scale === 'quick' ? [32] : [32, 1024]) {
    tasks.push(...recordTasks(shapeOf(MANY_FILES, chunkBytes, scale), seed));
  }
  tasks.push(...operationTasks(), allocationTask(scale));
  const shape = shapeOf(1000, BACKEND_CHUNK_BYTES, scale);
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
function allocationTask(scale: Scale): Task {
  const batches = scale === 'smoke' ? 100 : 2000;
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
