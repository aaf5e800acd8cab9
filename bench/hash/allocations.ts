// What folding allocates on the JavaScript heap: nothing for a chunk or a batch. The growth of the heap over many
// batches, in which nothing was collected, shows it.

import { PerformanceObserver } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { getHeapStatistics } from 'node:v8';

import { HashPool } from '../../src/hash/pool.ts';
import { median } from '../../src/measure/statistics.ts';
import { ChunkSet } from './chunk-set.ts';

/** With fewer calls in a window, the allocations of reading the heap would count. */
const CALLS_LEAST = 50;
/** Node now and then allocates some 700 KiB of its own, once. That falls into one window, and their median omits it. */
const WINDOWS = 9;

/**
 * JavaScript heap bytes that folding one batch of 1,000 records allocates, over at most `batches`; null when the heap
 * was collected all the time.
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
 * JavaScript heap bytes that a call allocates: the median of windows of calls, `calls` in all. When the heap was
 * collected in half of the windows, half as many calls follow, and so on; null when it is collected even in windows of
 * the fewest calls.
 */
export async function heapPerCall(call: () => void, calls: number): Promise<number | null> {
  let collections = 0;
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length;
  });
  observer.observe({ entryTypes: ['gc'] });
  try {
    const most = Math.ceil(calls / WINDOWS);
    for (let count = most; count >= Math.min(most, CALLS_LEAST); count = Math.floor(count / 2)) {
      const growths: number[] = [];
      for (let window = 0; window < WINDOWS; window++) {
        await collectionsAreKnown();
        collections = 0;
        const grown = heapGrowth(call, count);
        await collectionsAreKnown();
        if (collections === 0 && grown >= 0) growths.push(grown / count);
      }
      if (growths.length > WINDOWS / 2) return median(growths);
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
