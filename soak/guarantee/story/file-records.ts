/**
 * Where the chunks of a file stand in its producer's journals, without any payload: what a producer publishes is a pure
 * function of its workload, so that its generator tells the index of each record.
 */

import { Generator } from '../../../src/chunker/stream/generator.ts';
import { Workload } from '../../../src/workload/workload.ts';
import type { Producer } from './chronicle.ts';

export type FileRecord = {
  readonly partition: number;
  /** Of the record in its producer's records of this partition, from 0. */
  readonly index: number;
  /** Of the chunk in its file, from 1; the end counts. */
  readonly sequence: number;
  readonly isEnd: boolean;
};

/**
 * The records of these files by file number, each file's in their order. `stepsMax`: no further than so many records; a
 * file that is not open by then has none, and one that has not ended has those before.
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
