/** Batches of generated chunks, one after the other without end, as a chunker publishes them to one partition. */

import { CHUNK_HEADER_BYTES } from '../../src/message/chunk.ts';
import { BATCH_HEADER_BYTES, type BatchHeader } from '../../src/message/batch.ts';
import type { Range } from '../../src/core/units.ts';
import { Generator } from '../../src/chunker/stream/generator.ts';
import { Workload } from '../../src/workload/workload.ts';

const PRODUCER = '80bebc4000000001';
export const FILES_OPEN = 100;
export const CHUNKS_OF_FILE: Range = { low: 100, high: 100 };

export class GeneratedBatches {
  /** Data chunks that fit into a batch. Ends of files now and then take some of the room. */
  readonly chunksPerBatch: number;
  readonly workload: Workload;
  readonly #generator: Generator;
  readonly #buffer: Buffer;
  readonly #view: DataView;
  #lastCount = 0;

  /** `filesOpen` and the chunks of a file default to those of the pipeline. */
  constructor(options: {
    readonly seed: number;
    readonly chunkBytes: number;
    readonly batchBytes: number;
    readonly filesOpen?: number;
  }) {
    const { seed, chunkBytes, batchBytes, filesOpen } = options;
    this.workload = new Workload({
      seed,
      chunkerNumber: 0,
      filesOpen: filesOpen ?? FILES_OPEN,
      chunks: CHUNKS_OF_FILE,
      chunkBytes: { low: chunkBytes, high: chunkBytes },
      partitions: 1,
    });
    this.#generator = new Generator({ workload: this.workload, producer: PRODUCER, fileCount: null });
    this.#buffer = Buffer.allocUnsafeSlow(batchBytes - BATCH_HEADER_BYTES);
    this.#view = new DataView(this.#buffer.buffer);
    this.chunksPerBatch = Math.floor(this.#buffer.length / (CHUNK_HEADER_BYTES + chunkBytes));
  }

  /** Records generated so far. */
  get step(): number {
    return this.#generator.step;
  }

  /** Records of the last payload, ends of files included. */
  get lastCount(): number {
    return this.#lastCount;
  }

  /** A view that the next call overwrites. */
  nextPayload(): Buffer {
    let used = 0;
    let count = 0;
    for (;;) {
      const next = this.#generator.peek();
      if (next === null || used + next.recordBytes > this.#buffer.length) break;
      this.#generator.write(this.#view, used);
      used += next.recordBytes;
      count += 1;
    }
    this.#lastCount = count;
    return this.#buffer.subarray(0, used);
  }

  /** A copy that belongs to the caller, and the header with which it would be sealed. */
  nextBatch(): { readonly header: BatchHeader; readonly payload: Buffer } {
    const firstIndex = this.#generator.indexes[0] ?? 0;
    const payload = Buffer.from(this.nextPayload());
    const header = { kind: 'chunks', producer: PRODUCER, firstIndex, count: this.#lastCount, epoch: 0 } as const;
    return { header, payload };
  }
}
