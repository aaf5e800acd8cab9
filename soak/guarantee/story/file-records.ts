/**
 * The places of a file's chunks in its producer's journals, without any payload. What a producer publishes is a pure
 * function of its workload, so its generator tells the index of each record.
 */

import { Generator } from '../../../src/chunker/stream/generator.ts';
import { Workload } from '../../../src/workload/workload.ts';
import type { Producer } from './chronicle.ts';

export type FileRecord = {
  readonly partition: number;
  /** Index of the record among its producer's records of this partition, from 0. */
  readonly index: number;
  /** Sequence of the chunk in its file, from 1; the end counts. */
  readonly sequence: number;
  readonly isEnd: boolean;
};

/**
 * The records of these files by file number, each file's in order. `stepsMax`: how many records to generate. A file
 * that is not open by then has no records, and a file that has not ended has those generated so far.
 */
export function recordsOfFiles(
  producer: Producer,
  files: ReadonlySet<number>,
  stepsMax: number,
): Map<number, readonly FileRecord[]> {
  const found = new Map<number, FileRecord[]>(Array.from(files, (file) => [file, []]));
  const generator = new Generator({
    workload: new Workload(producer.workload),
    producer: producer.producer,
    fileCount: producer.fileCount,
  });
  if (producer.endStep !== null) generator.endAt(producer.endStep);
  let missing = files.size;
  while (missing > 0 && generator.step < stepsMax) {
    const next = generator.peek();
    if (next === null) break;
    const { partition, fileNumber, sequence, isEnd } = next;
    const records = found.get(fileNumber);
    if (records !== undefined) {
      records.push({ partition, index: generator.indexes[partition] ?? 0, sequence, isEnd });
      if (isEnd) missing -= 1;
    }
    generator.skip();
  }
  return found;
}
