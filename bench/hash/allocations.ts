// What folding allocates on the JavaScript heap: nothing for a chunk or a batch. The growth of the heap over many
// batches, in which nothing was collected, shows it.

import { PerformanceObserver } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { getHeapStatistics } from 'node:v8';

import { HashPool } from '../../src/hash/pool.ts';
import { ChunkSet } from './chunk-set.ts';

/** With fewer calls, the allocations of reading the heap would count. */
const CALLS_LEAST = 50;

/**
 * JavaScript heap bytes that folding one batch of 1,000 records allocates, on average over at most `batches`; null when
 * the heap was collected all the time.
 */
export function measureAllocations(batches: number): Promise<number | null> {
  const chunkSet = new ChunkSet({ files: 100, chunkBytes: 32, batchChunks: 1000, batches: 1 }, 1);
  const [batch] = chunkSet.batches;
  if (batch === undefined) throw new Error('the chunk set has a batch');
  const { records } = batch;
  const noSums = new Uint8Array(0);
  const pool = new HashPool();
  const fold = (): void => {
    chunkSet.renumber();
    if (pool.fold(records, 1000, 0, noSums) !== 0) throw new Error(`refused: ${JSON.stringify(pool.failure())}`);
  };
  // Runs until everything is compiled.
  for (let round = 0; round < 200; round++) fold();
  return heapPerCall(fold, batches);
}

/**
 * JavaScript heap bytes that a call allocates, on average over `calls`. When the heap was collected meanwhile, over
 * half as many calls, and so on; null when it is collected even in the fewest calls.
 */
export async function heapPerCall(call: () => void, calls: number): Promise<number | null> {
  let collections = 0;
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length;
  });
  observer.observe({ entryTypes: ['gc'] });
  try {
    for (let count = calls; count >= Math.min(calls, CALLS_LEAST); count = Math.floor(count / 2)) {
      await collectionsAreKnown();
      collections = 0;
      const grown = heapGrowth(call, count);
      await collectionsAreKnown();
      if (collections === 0 && grown >= 0) return grown / count;
    }
    return null;
  } finally {
    observer.disconnect();
  }
}

function heapGrowth(call: () => void, count: number): number {
  const before = getHeapStatistics().used_heap_size;
  for (let round = 0; round < count; round++) call();
  return getHeapStatistics().used_heap_size - before;
}

/** Node reports a collection to its observers two turns after it, and never earlier. */
async function collectionsAreKnown(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await nextTurn();
}
