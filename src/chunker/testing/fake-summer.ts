/** Sums by node:crypto of the files in the journals, in journal order. The test decides which of them are published. */

import { type Hash, createHash } from 'node:crypto';
import type { Batch } from '../../message/batch.ts';
import { decodeChunks } from '../../message/chunk.ts';
import type { Sum } from '../../message/sum.ts';
import type { FakeJournals } from './fake-journals.ts';

export class FakeSummer {
  /** What is published for a sum. */
  alter: (sum: Sum) => Sum[] = (sum) => [sum];
  isPaused = false;
  readonly #journals: FakeJournals;
  readonly #files = new Map<string, { readonly hash: Hash; bytes: number }>();
  readonly #waiting: { partition: number; sum: Sum }[] = [];

  constructor(journals: FakeJournals) {
    this.#journals = journals;
    journals.onAppended = (partition, batch) => this.#fold(partition, batch);
  }

  /** Sums that are finished and not published. */
  get waiting(): number {
    return this.#waiting.length;
  }

  resume(): void {
    this.isPaused = false;
    this.#publish();
  }

  #fold(partition: number, batch: Batch): void {
    if (batch.kind !== 'chunks') return;
    for (const { fileId, sequence, data } of decodeChunks(batch.payload) ?? []) {
      const file = this.#files.get(fileId) ?? { hash: createHash('sha256'), bytes: 0 };
      this.#files.set(fileId, file);
      file.hash.update(data);
      file.bytes += data.length;
      if (data.length > 0) continue;
      this.#files.delete(fileId);
      const sum = { fileId, lastSequence: sequence, bytes: file.bytes, digest: file.hash.digest('hex') };
      this.#waiting.push({ partition, sum });
    }
    this.#publish();
  }

  #publish(): void {
    if (this.isPaused) return;
    for (let partition = 0; partition < this.#journals.partitions; partition += 1) {
      const own = this.#waiting.filter((waiting) => waiting.partition === partition);
      this.#journals.publish(
        partition,
        own.flatMap(({ sum }) => this.alter(sum)),
      );
    }
    this.#waiting.length = 0;
  }
}
