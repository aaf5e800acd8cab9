// The `hash` suite: what a chunk costs in Node, native pool against node:crypto and the other libraries, in one process.

import { parametersText, type Sample } from '../../src/measure/samples.ts';
import { measureAllocations } from './allocations.ts';
import {
  type Contender,
  hashPoolOfRecords,
  hashWasmOfChunks,
  nobleOfChunks,
  nodeCryptoOfChunks,
  nodeCryptoOfRecords,
  slotPoolOfChunks,
} from './contenders.ts';
import { measureMicro } from './micro.ts';
import { checkDigests, type RoundsPlan, runRounds, type Timings } from './rounds.ts';
import { Workload, type WorkloadShape } from './workload.ts';

/** One measured column: a shape, and each contender's nanoseconds a chunk by round. */
export interface Column {
  readonly benchmark: 'sliced-chunks' | 'record-batches';
  readonly shape: WorkloadShape;
  readonly timings: Timings;
}

/** What the suite found. */
export interface HashResults {
  readonly columns: readonly Column[];
  /** Nanoseconds of single operations, by name. */
  readonly micro: ReadonlyMap<string, readonly number[]>;
  /** JavaScript heap bytes that a fold of one batch allocates, on average. */
  readonly heapBytesPerBatch: number;
}

export interface HashSuiteOptions {
  readonly seed: number;
  /** Only shows that all of it works: a few chunks, one round. */
  readonly smoke: boolean;
}

const CHUNK_BYTES = [32, 256, 1024, 4096, 65_536];
/** Batches of 1,000 chunks a round, so that rounds of all sizes take about as long. */
const BATCHES: Readonly<Record<number, number>> = { 32: 30, 256: 20, 1024: 10, 4096: 4, 65_536: 1 };

const REPETITIONS: Readonly<Record<number, number>> = { 32: 5, 256: 3, 1024: 2 };

function shapeOf(files: number, chunkBytes: number, smoke: boolean): WorkloadShape {
  if (smoke) return { files: files > 1000 ? 1001 : 300, chunkBytes, batchChunks: 100, batches: 2 };
  // At 100,000 files a round touches about all of them at 32 bytes, so that none stays in a cache.
  const batches = files > 1000 ? 100 : (BATCHES[chunkBytes] ?? 1);
  return { files, chunkBytes, batchChunks: 1000, batches };
}

async function slicedColumn(chunkBytes: number, smoke: boolean, plan: RoundsPlan): Promise<Column> {
  const workload = new Workload(shapeOf(1000, chunkBytes, smoke), plan.seed);
  // A long round of the slow ones would only delay the others.
  const slowChunks = Math.min(workload.chunks, Math.max(20, Math.round(2_000_000 / (chunkBytes + 64))));
  const contenders: Contender[] = [
    nodeCryptoOfChunks(workload),
    slotPoolOfChunks(workload),
    await hashWasmOfChunks(workload, slowChunks),
    nobleOfChunks(workload, slowChunks),
  ];
  const timings = runRounds(contenders, plan);
  checkDigests(contenders);
  return { benchmark: 'sliced-chunks', shape: workload.shape, timings };
}

function recordsColumn(files: number, chunkBytes: number, smoke: boolean, plan: RoundsPlan): Column {
  const workload = new Workload(shapeOf(files, chunkBytes, smoke), plan.seed);
  const contenders = [nodeCryptoOfRecords(workload), hashPoolOfRecords(workload)];
  const timings = runRounds(contenders, plan);
  checkDigests(contenders);
  return { benchmark: 'record-batches', shape: workload.shape, timings };
}

/** Runs the suite; `progress` is told what comes next. */
export async function runHashSuite(options: HashSuiteOptions, progress: (line: string) => void): Promise<HashResults> {
  const { seed, smoke } = options;
  const planOf = (chunkBytes: number): RoundsPlan =>
    smoke
      ? { rounds: 1, warmUpRounds: 0, repetitions: 1, seed }
      : { rounds: 21, warmUpRounds: 3, repetitions: REPETITIONS[chunkBytes] ?? 1, seed };
  const columns: Column[] = [];
  for (const chunkBytes of CHUNK_BYTES) {
    progress(`1,000 files, chunks of ${chunkBytes} B`);
    const plan = planOf(chunkBytes);
    columns.push(await slicedColumn(chunkBytes, smoke, plan), recordsColumn(1000, chunkBytes, smoke, plan));
  }
  for (const chunkBytes of [32, 1024]) {
    progress(`100,000 files, chunks of ${chunkBytes} B`);
    columns.push(recordsColumn(100_000, chunkBytes, smoke, { ...planOf(chunkBytes), repetitions: 1 }));
  }
  progress('single operations');
  const micro = await measureMicro(smoke);
  progress('allocations');
  return { columns, micro, heapBytesPerBatch: measureAllocations(smoke ? 100 : 10_000) };
}

/** The results as rows of samples.csv, in seconds and bytes. */
export function hashSamples(results: HashResults): Sample[] {
  const suite = 'hash';
  const chunkRows = results.columns.flatMap(({ benchmark, shape, timings }) =>
    Array.from(timings, ([contender, values]) =>
      values.map((nanoseconds, index): Sample => {
        const parameters = parametersText({ contender, files: shape.files, chunk_bytes: shape.chunkBytes });
        const value = nanoseconds / 1e9;
        return {
          suite,
          benchmark,
          parameters,
          metric: 'chunk_time_s',
          unit: 's',
          better: 'lower',
          round: index + 1,
          value,
        };
      }),
    ).flat(),
  );
  const microRows = Array.from(results.micro, ([operation, values]) =>
    values.map((nanoseconds, index): Sample => {
      const parameters = parametersText({ operation });
      const value = nanoseconds / 1e9;
      const row = { suite, benchmark: 'operations', parameters, metric: 'operation_time_s', unit: 's' };
      return { ...row, better: 'lower', round: index + 1, value };
    }),
  ).flat();
  const allocation: Sample = {
    suite,
    benchmark: 'allocations',
    parameters: '',
    metric: 'heap_per_batch_bytes',
    unit: 'B',
    better: 'lower',
    round: 1,
    value: results.heapBytesPerBatch,
  };
  return [...chunkRows, ...microRows, allocation];
}
