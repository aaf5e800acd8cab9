/** The `codec` suite: generating records, and sealing, checking and parsing batches. */

import { crc32 } from 'node:zlib';
import { ViolationError } from '../../src/core/errors.ts';
import { crc32c } from '../../src/hash/crc32c.ts';
import { BATCH_HEADER_BYTES, decodeBatch, encodeBatch, sealBatch } from '../../src/message/batch.ts';
import { CHUNK_HEADER_BYTES, decodeChunks } from '../../src/message/chunk.ts';
import { decodeSums, encodeSum, type Sum } from '../../src/message/sum.ts';
import { SCALES } from '../harness/scales.ts';
import type { Scale, Suite, Task } from '../harness/task.ts';
import { operationTask, timedTask } from '../harness/timed-task.ts';
import { GeneratedBatches } from '../workload/generated-batches.ts';

const JOURNAL = 'chunks/0';
const BATCH_BYTES = 256 * 1024;
const CHECKSUM_BYTES = 64 * 1024;
const SUMS = 1000;

export function createCodecSuite({ seed, scale }: { readonly seed: number; readonly scale: Scale }): Suite {
  const { chunkBytes } = SCALES[scale].codec;
  const batches = chunkBytes.flatMap((bytes) => [generate(bytes, seed), seal(bytes, seed), open(bytes, seed)]);
  return {
    name: 'codec',
    tasks: [...batches, parseChunks(seed), ...sums(), ...checksums()],
    close: () => Promise.resolve(),
  };
}

function check(condition: boolean, detail: string): void {
  if (!condition) throw new ViolationError('corrupt', detail);
}

/** Generates chunks into batches, as the chunker does: the records alone. */
function generate(chunkBytes: number, seed: number): Task {
  const source = new GeneratedBatches({ seed, chunkBytes, batchBytes: BATCH_BYTES });
  let payload = source.nextPayload();
  return timedTask({
    benchmark: 'generate',
    parameters: { chunk_bytes: chunkBytes },
    metric: 'chunk_time_s',
    operations: source.chunksPerBatch,
    run: () => {
      payload = source.nextPayload();
    },
    check: () => check(decodeChunks(payload)?.length === source.lastCount, 'what was generated cannot be parsed'),
  });
}

/** Writes the header and the checksum of a batch whose records are in place. */
function seal(chunkBytes: number, seed: number): Task {
  const source = new GeneratedBatches({ seed, chunkBytes, batchBytes: BATCH_BYTES });
  const { header, payload } = source.nextBatch();
  const batch = Buffer.concat([Buffer.alloc(BATCH_HEADER_BYTES), payload]);
  return timedTask({
    benchmark: 'batch-seal',
    parameters: { chunk_bytes: chunkBytes, bytes: batch.length },
    metric: 'batch_time_s',
    operations: 1,
    run: () => sealBatch(batch, header, JOURNAL, crc32c),
    check: () => check(!('fault' in decodeBatch(batch, JOURNAL, crc32c)), 'a sealed batch does not verify'),
  });
}

/** Checks everything that a reader checks of a batch before it parses records. */
function open(chunkBytes: number, seed: number): Task {
  const source = new GeneratedBatches({ seed, chunkBytes, batchBytes: BATCH_BYTES });
  const { header, payload } = source.nextBatch();
  const batch = encodeBatch(header, payload, JOURNAL, crc32c);
  let opened = decodeBatch(batch, JOURNAL, crc32c);
  return timedTask({
    benchmark: 'batch-open',
    parameters: { chunk_bytes: chunkBytes, bytes: batch.length },
    metric: 'batch_time_s',
    operations: 1,
    run: () => {
      opened = decodeBatch(batch, JOURNAL, crc32c);
    },
    check: () =>
      check('payload' in opened && payload.equals(opened.payload), 'a batch was not opened as it was sealed'),
  });
}

/** Walks records in JavaScript, as audits do. */
function parseChunks(seed: number): Task {
  const source = new GeneratedBatches({ seed, chunkBytes: 32, batchBytes: BATCH_BYTES });
  const { header, payload } = source.nextBatch();
  let chunks = decodeChunks(payload);
  return timedTask({
    benchmark: 'chunks-parse',
    parameters: { chunk_bytes: 32 },
    metric: 'chunk_time_s',
    operations: header.count,
    run: () => {
      chunks = decodeChunks(payload);
    },
    check: () => {
      const bytes = chunks?.reduce((total, { data }) => total + CHUNK_HEADER_BYTES + data.length, 0);
      check(chunks?.length === header.count && bytes === payload.length, 'records were lost in parsing');
    },
  });
}

function sums(): Task[] {
  const values = Array.from(
    { length: SUMS },
    (_, index): Sum => ({
      fileId: index.toString(16).padStart(32, '0'),
      lastSequence: index + 1,
      bytes: index,
      digest: index.toString(16).padStart(64, 'f'),
    }),
  );
  const encoded = Buffer.concat(values.map(encodeSum));
  let last = encoded;
  let decoded = decodeSums(encoded);
  const common = { metric: 'sum_time_s', operations: SUMS, parameters: {} };
  return [
    timedTask({
      ...common,
      benchmark: 'sums-encode',
      run: () => {
        last = Buffer.concat(values.map(encodeSum));
      },
      check: () => check(last.equals(encoded), 'sums were not encoded alike twice'),
    }),
    timedTask({
      ...common,
      benchmark: 'sums-decode',
      run: () => {
        decoded = decodeSums(encoded);
      },
      check: () => check(JSON.stringify(decoded) === JSON.stringify(values), 'sums were not decoded as encoded'),
    }),
  ];
}

/** The addon's CRC-32C, and zlib's CRC-32 of Node. */
function checksums(): Task[] {
  const data = Buffer.alloc(CHECKSUM_BYTES);
  data.write('123456789', 0, 'latin1');
  let ours = 0;
  let theirs = 0;
  return [
    operationTask({
      parameters: { operation: 'crc32c', bytes: CHECKSUM_BYTES },
      calls: 10,
      run: () => {
        ours = crc32c(crc32c(0, data.subarray(0, 9)), data.subarray(9));
      },
      check: () => {
        check(crc32c(0, data.subarray(0, 9)) === 0xe3069283, 'the CRC-32C of 123456789 is wrong (RFC 3720)');
        check(ours === crc32c(0, data), 'a continued CRC-32C differs');
      },
    }),
    operationTask({
      parameters: { operation: 'zlib-crc32', bytes: CHECKSUM_BYTES },
      calls: 10,
      run: () => {
        theirs = crc32(data);
      },
      check: () => check(theirs === crc32(data), 'the CRC-32 differs'),
    }),
  ];
}
