/**
 * The parts that bound a pipeline on this machine: the generator, hashing, transport and durable commits, each alone
 * with the machine, on the batches of the throughput tasks.
 */

import { join } from 'node:path';
import { assert } from '../../src/core/assert.ts';
import { ViolationError } from '../../src/core/errors.ts';
import { HashPool, SUM_BYTES } from '../../src/hash/pool.ts';
import { BATCH_HEADER_BYTES } from '../../src/message/batch.ts';
import { CHUNK_HEADER_BYTES } from '../../src/message/chunk.ts';
import { SCALES } from '../harness/scales.ts';
import type { Task } from '../harness/task.ts';
import { timedTask } from '../harness/timed-task.ts';
import { Ring, commitTask } from '../store/suite.ts';
import type { SuiteContext } from '../harness/suite-context.ts';
import { batchTask, Line } from '../transport/suite.ts';
import { GeneratedBatches } from '../workload/generated-batches.ts';
import { checkFolded } from './folded-batches.ts';
import { CEILINGS, loadOf } from './loads.ts';

/** The open parts of one chunk size while their ceilings are measured. */
export class Ceilings {
  readonly #context: SuiteContext;
  readonly #open: { close(): Promise<void> }[] = [];

  constructor(context: SuiteContext) {
    this.#context = context;
  }

  async tasks(chunkBytes: number): Promise<Task[]> {
    const { seed, dataFolder, scale } = this.#context;
    const { batchBytes } = loadOf(seed, chunkBytes);
    const chunksPerBatch = Math.floor((batchBytes - BATCH_HEADER_BYTES) / (CHUNK_HEADER_BYTES + chunkBytes));
    const shape = { values: CEILINGS.commitBatches, bytes: batchBytes - 24 };
    const ring = await Ring.open(join(dataFolder, `commits-${chunkBytes}`), shape);
    const line = await Line.open('ipc', join(dataFolder, `transport-${chunkBytes}`));
    this.#open.push(ring, line);
    const callBytes = SCALES[scale].pipeline.ceilingCallBytes ?? batchBytes;
    return [
      this.#ceiling('generator', chunkBytes, generating(seed, chunkBytes, batchBytes), 1),
      this.#ceiling('hashing', chunkBytes, hashing(seed, chunkBytes, batchBytes), 1),
      this.#ceiling('transport', chunkBytes, batchTask(line, batchBytes, callBytes), chunksPerBatch),
      this.#ceiling('commits', chunkBytes, commitTask(ring), chunksPerBatch * CEILINGS.commitBatches),
    ];
  }

  /** A task that turns the time of `chunks` chunks into a rate. */
  #ceiling(part: string, chunkBytes: number, timed: Task, chunks: number): Task {
    const { ceiling } = SCALES[this.#context.scale].pipeline.durations;
    return {
      benchmark: 'ceiling',
      parameters: { part, chunk_bytes: chunkBytes },
      warmsUp: false,
      measure: async () => {
        if (ceiling > 0) await timed.measure({ milliseconds: ceiling / 3, callsMin: 1 });
        const [{ value }] = (await timed.measure({ milliseconds: ceiling, callsMin: 1 })).measurements;
        assert(value !== null, 'a timed task has a time');
        return {
          measurements: [
            { metric: 'chunks_per_s', unit: '1/s', better: 'higher', value: chunks / value },
            { metric: 'bytes_per_s', unit: 'B/s', better: 'higher', value: (chunks * chunkBytes) / value },
          ],
        };
      },
      check: () => timed.check(),
    };
  }

  async close(): Promise<void> {
    for (const opened of this.#open) await opened.close();
  }
}

/** Generates chunks into batches. */
function generating(seed: number, chunkBytes: number, batchBytes: number): Task {
  const source = new GeneratedBatches({ seed, chunkBytes, batchBytes });
  let chunks = 0;
  return timedTask({
    benchmark: 'ceiling',
    parameters: {},
    metric: 'chunk_time_s',
    operations: source.chunksPerBatch,
    run: () => {
      source.nextPayload();
      chunks += source.lastCount;
    },
    check: () => {
      if (chunks !== source.step) throw new ViolationError('lost', 'the generator skipped a step');
    },
  });
}

/** Folds batches whose files end now and then. node:crypto checks the result of the last pass. */
function hashing(seed: number, chunkBytes: number, batchBytes: number): Task {
  const source = new GeneratedBatches({ seed, chunkBytes, batchBytes });
  const count = Math.ceil(CEILINGS.hashedBytes / batchBytes);
  const batches = Array.from({ length: count }, () => source.nextBatch());
  const sums = Buffer.alloc(batches.reduce((most, { header }) => Math.max(most, header.count), 0) * SUM_BYTES);
  const pool = new HashPool();
  /** Batches of this pass that are already folded. */
  let folded = 0;
  let found: Buffer[] = [];
  return timedTask({
    benchmark: 'ceiling',
    parameters: {},
    metric: 'chunk_time_s',
    operations: source.chunksPerBatch,
    prepare: () => {
      if (folded < count) return;
      pool.clear();
      folded = 0;
      found = [];
    },
    run: () => {
      const batch = batches[folded];
      assert(batch !== undefined, 'a pass is begun anew after its last batch');
      folded += 1;
      const ended = pool.fold(batch.payload, batch.header.count, 0, sums);
      if (ended < 0) throw new Error(`refused: ${JSON.stringify(pool.failure())}`);
      if (ended > 0) found.push(Buffer.from(sums.subarray(0, ended * SUM_BYTES)));
    },
    check: () => {
      const payloads = batches.slice(0, folded).map(({ payload }) => payload);
      checkFolded({ payloads, workload: source.workload, pool, sums: Buffer.concat(found) });
    },
  });
}
