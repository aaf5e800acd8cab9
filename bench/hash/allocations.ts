// What folding allocates on the JavaScript heap: nothing for a chunk or a batch. Shown by the heap's growth over many
// batches during which nothing was collected.

import { getHeapStatistics } from 'node:v8';
import { PerformanceObserver } from 'node:perf_hooks';

import { HashPool } from '../../src/hash/pool.ts';
import { Workload } from './workload.ts';

/**
 * JavaScript heap bytes that folding one batch of 1,000 records allocates, on average over `batches`; null when the heap
 * was collected meanwhile.
 */
export function measureAllocations(batches: number): number | null {
  const workload = new Workload({ files: 100, chunkBytes: 32, batchChunks: 1000, batches: 1 }, 1);
  const [batch] = workload.batches;
  if (batch === undefined) throw new Error('the workload has a batch');
  const { records } = batch;
  const noSums = new Uint8Array(0);
  const pool = new HashPool();
  const fold = (): void => {
    workload.renumber();
    if (pool.fold(records, 1000, 0, noSums) !== 0) throw new Error(`refused: ${JSON.stringify(pool.failure())}`);
  };
  // Until everything is compiled.
  for (let round = 0; round < 200; round++) fold();
  let collections = 0;
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length;
  });
  observer.observe({ entryTypes: ['gc'] });
  const before = getHeapStatistics().used_heap_size;
  for (let round = 0; round < batches; round++) fold();
  const grown = getHeapStatistics().used_heap_size - before;
  collections += observer.takeRecords().length;
  observer.disconnect();
  return collections > 0 ? null : grown / batches;
}
