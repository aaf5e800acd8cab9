/**
 * The history of a faultless soak of any length, event by event, without holding it: real workloads, generators and
 * batches, sums by node:crypto. As a program it makes the folder of such a run, for measuring an audit:
 *
 *     node dist/soak/audit/testing/long-history.js FOLDER EVENTS [RECORDS_A_BATCH]
 */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Generator } from '../../../src/chunker/stream/generator.ts';
import type { ChunkerProgress, ComponentEvent } from '../../../src/component/protocol.ts';
import { makeFoldersSync } from '../../../src/core/folder.ts';
import { ManualClock } from '../../../src/core/testing/manual-clock.ts';
import { crc32c } from '../../../src/hash/crc32c.ts';
import { SUMS_JOURNAL, chunkJournal } from '../../../src/journal/journals.ts';
import { type BatchHeader, encodeBatch, shardProducer } from '../../../src/message/batch.ts';
import { fileIdOf } from '../../../src/message/chunk.ts';
import { encodeSum } from '../../../src/message/sum.ts';
import { writeRunFile } from '../../../src/results/run-folder.ts';
import { Workload, type WorkloadOptions } from '../../../src/workload/workload.ts';
import type { Happening, HistoryEvent } from '../../guarantee/history.ts';
import { WHOLE_FOLDER } from '../../guarantee/whole-history.ts';
import { WholeRecorder } from '../../live/whole-recorder.ts';

const PARTITIONS = 8;
const CHUNKERS = 3;
/** The time between two rounds. */
const ROUND_NS = 1e7;
const ROUNDS_PER_SECOND = 100;

type Place = { begin: number; index: number };

type Chunker = {
  readonly process: string;
  readonly producer: string;
  readonly generator: Generator;
  readonly workload: Workload;
  readonly options: WorkloadOptions;
  /** By partition. */
  readonly indexes: number[];
  readonly pending: { bytes: Buffer[]; count: number }[];
  files: number;
  toldFiles: number;
};

export type LongHistoryOptions = {
  /** The approximate number of events; the end adds a few. */
  readonly events: number;
  readonly recordsPerBatch: number;
};

/** The history of one run that holds. */
export function* longHistory(options: LongHistoryOptions): IterableIterator<HistoryEvent> {
  const maker = new Maker(options.recordsPerBatch);
  let events = 0;
  for (const happening of maker.happenings(() => events < options.events)) {
    yield { atNs: maker.nowNs, ...happening };
    events += 1;
  }
  yield { atNs: maker.nowNs, event: 'end', events };
}

class Maker {
  readonly #recordsPerBatch: number;
  readonly #chunkers: readonly Chunker[];
  readonly #heads = new Map<string, number>();
  readonly #sums: Place[] = Array.from({ length: PARTITIONS }, () => ({ begin: 0, index: 0 }));
  /** By shard, the sums that are still to be published. */
  readonly #finished: Buffer[][] = Array.from({ length: PARTITIONS }, () => []);
  nowNs = 5e9;

  constructor(recordsPerBatch: number) {
    this.#recordsPerBatch = recordsPerBatch;
    this.#chunkers = Array.from({ length: CHUNKERS }, (_, number) => chunkerOf(number));
  }

  *happenings(goesOn: () => boolean): IterableIterator<Happening> {
    yield* this.#begin();
    for (let round = 0; goesOn(); round += 1) {
      this.nowNs += ROUND_NS;
      for (const chunker of this.#chunkers) yield* this.#publish(chunker, this.#recordsPerBatch * PARTITIONS);
      yield* this.#publishSums();
      if (round % ROUNDS_PER_SECOND === ROUNDS_PER_SECOND - 1) yield* this.#report();
    }
    yield* this.#report();
    yield* this.#end();
  }

  *#begin(): IterableIterator<Happening> {
    const chunkers = this.#chunkers.map(({ process }) => process);
    const processes = ['broker', 'summer-0', ...chunkers];
    const run = { seed: 1, slaMs: 30_000, partitions: PARTITIONS, processes, faults: {}, faultKinds: [] };
    yield { event: 'run', ...run, flowMsMin: 1_000, isAudited: true };
    yield { event: 'phase', phase: 'warm-up' };
    for (const process of processes) yield { event: 'ready', process };
    for (let shard = 0; shard < PARTITIONS; shard += 1) {
      const claim = { process: 'summer-0', shard, epoch: 1, sumsHead: 0 };
      yield { event: 'raised', ...claim };
      yield { event: 'confirmed', ...claim };
    }
    for (const [chunkerNumber, { process, producer, options }] of this.#chunkers.entries()) {
      const said = { event: 'ready', component: 'chunker', pid: 1, producer, chunkerNumber } as const;
      yield { event: 'said', process, said: { ...said, resumed: false, verifiedTotal: 0 } };
      yield { event: 'producer', process, producer, workload: options, fileCount: null };
    }
    yield { event: 'up' };
  }

  *#publish(chunker: Chunker, records: number): IterableIterator<Happening> {
    const { generator, pending, producer, workload } = chunker;
    for (let made = 0; made < records; made += 1) {
      const next = generator.peek();
      if (next === null) break;
      const { partition, fileNumber, isEnd, recordBytes } = next;
      const record = Buffer.alloc(recordBytes);
      generator.write(new DataView(record.buffer, record.byteOffset, record.length), 0);
      const lane = pending[partition];
      if (lane !== undefined) {
        lane.bytes.push(record);
        lane.count += 1;
      }
      if (!isEnd) continue;
      chunker.files += 1;
      const sum = encodeSum({ fileId: fileIdOf(producer, fileNumber), ...workload.expectedSum(fileNumber) });
      this.#finished[partition]?.push(sum);
    }
    for (const [partition, lane] of pending.entries()) {
      if (lane.count === 0) continue;
      const firstIndex = chunker.indexes[partition] ?? 0;
      const header = { kind: 'chunks', producer, firstIndex, count: lane.count, epoch: 0 } as const;
      yield this.#batch(chunkJournal(partition), header, Buffer.concat(lane.bytes));
      chunker.indexes[partition] = firstIndex + lane.count;
      pending[partition] = { bytes: [], count: 0 };
    }
  }

  *#publishSums(): IterableIterator<Happening> {
    for (const [shard, sums] of this.#finished.entries()) {
      const place = this.#sums[shard];
      if (sums.length === 0 || place === undefined) continue;
      const { length: count } = sums;
      const header = {
        kind: 'sums',
        producer: shardProducer(shard),
        firstIndex: place.index,
        count,
        epoch: 1,
      } as const;
      yield this.#batch(SUMS_JOURNAL, header, Buffer.concat(sums));
      place.index += count;
      this.#finished[shard] = [];
    }
  }

  #batch(journal: string, header: BatchHeader, payload: Uint8Array): Happening {
    const bytes = encodeBatch(header, payload, journal, crc32c);
    const begin = this.#heads.get(journal) ?? 0;
    this.#heads.set(journal, begin + bytes.length);
    return { event: 'batch', journal, begin, end: begin + bytes.length, stampNs: this.nowNs, bytes };
  }

  /** The reports of the chunkers, one a second. */
  *#report(): IterableIterator<Happening> {
    for (const chunker of this.#chunkers) {
      const { process, producer, files, toldFiles, indexes } = chunker;
      yield { event: 'said', process, said: progressOf(chunker) };
      for (const [partition, through] of indexes.entries()) {
        if (through > 0) yield { event: 'acknowledged', producer, partition, through, stampNs: this.nowNs };
      }
      if (files > toldFiles) yield { event: 'verified-files', producer, files: files - toldFiles };
      chunker.toldFiles = files;
    }
  }

  *#end(): IterableIterator<Happening> {
    const sumsVerified = this.#chunkers.reduce((sum, { files }) => sum + files, 0);
    const chunksPublished = this.#chunkers.reduce((sum, { indexes }) => sum + indexes.reduce((a, b) => a + b, 0), 0);
    yield { event: 'flowed', phase: 'warm-up', seconds: (this.nowNs - 5e9) / 1e9, chunksPublished, sumsVerified };
    yield { event: 'phase', phase: 'drain' };
    for (const { producer, generator } of this.#chunkers) {
      yield { event: 'ending', producer, endStep: generator.endSoon(0) };
    }
    for (const chunker of this.#chunkers) {
      while (!chunker.generator.isEnded) {
        this.nowNs += ROUND_NS;
        yield* this.#publish(chunker, this.#recordsPerBatch * PARTITIONS);
        yield* this.#publishSums();
      }
    }
    for (const { producer, indexes } of this.#chunkers) {
      for (const [partition, firstIndex] of indexes.entries()) {
        const header = { kind: 'end', producer, firstIndex, count: 1, epoch: 0 } as const;
        yield this.#batch(chunkJournal(partition), header, new Uint8Array(0));
        indexes[partition] = firstIndex + 1;
      }
    }
    yield* this.#report();
    yield* this.#stop(sumsVerified);
  }

  *#stop(sumsBefore: number): IterableIterator<Happening> {
    for (const { process, producer, files } of this.#chunkers) {
      const totals = { verifiedTotal: files, filesCompletedTotal: files };
      yield { event: 'said', process, said: { event: 'drained', ...totals } };
      yield { event: 'drained', process, producer, ...totals };
      yield { event: 'ended', process, exitCode: 0 };
    }
    const sumsVerified = this.#chunkers.reduce((sum, { files }) => sum + files, 0) - sumsBefore;
    yield { event: 'flowed', phase: 'drain', seconds: 1, chunksPublished: 0, sumsVerified };
    yield { event: 'phase', phase: 'audit' };
    yield { event: 'audited' };
    yield { event: 'ended', process: 'summer-0', exitCode: 0 };
    for (const [shard, { index: nextSum }] of this.#sums.entries()) {
      const state = { offset: this.#heads.get(chunkJournal(shard)) ?? 0, nextSum, nextIndexes: {}, openFiles: {} };
      yield { event: 'checkpoint', process: 'summer-0', shard, moment: 'end', ...state, outbox: [] };
    }
    const journals = [...Array.from({ length: PARTITIONS }, (_, partition) => chunkJournal(partition)), SUMS_JOURNAL];
    for (const journal of journals) yield { event: 'head', journal, offset: this.#heads.get(journal) ?? 0 };
    yield { event: 'ended', process: 'broker', exitCode: 0 };
    yield { event: 'flowed', phase: 'audit', seconds: 0, chunksPublished: 0, sumsVerified: 0 };
  }
}

function chunkerOf(number: number): Chunker {
  const options = {
    seed: 1,
    chunkerNumber: number,
    filesOpen: 100,
    chunks: { low: 100, high: 100 },
    chunkBytes: { low: 32, high: 32 },
    partitions: PARTITIONS,
  };
  const workload = new Workload(options);
  const producer = fileIdOf('', number + 1).replace(/^../, 'c0');
  return {
    process: `chunker-${number}`,
    producer,
    generator: new Generator({ workload, producer, fileCount: null }),
    workload,
    options,
    indexes: Array.from({ length: PARTITIONS }, () => 0),
    pending: Array.from({ length: PARTITIONS }, () => ({ bytes: [], count: 0 })),
    files: 0,
    toldFiles: 0,
  };
}

function progressOf({ files, indexes }: Chunker): ComponentEvent {
  const progress: ChunkerProgress = {
    event: 'progress',
    component: 'chunker',
    chunks: indexes.reduce((sum, index) => sum + index, 0),
    bytes: 0,
    filesCompleted: files,
    sumsVerified: files,
    chunksVerified: files * 100,
    bytesVerified: files * 3_200,
    filesOpen: 100,
    sumsOutstanding: 0,
    scheduleLagNsP99: 0,
    verifiedTotal: files,
    latency: null,
    acknowledgement: null,
    acknowledged: indexes,
  };
  return progress;
}

/** A run.json of a soak that held, with only what an audit reads. */
export async function writeHolding(folder: string): Promise<void> {
  await writeRunFile(folder, {
    schemaVersion: 1,
    kind: 'soak',
    commandLine: [],
    configuration: {},
    seed: 1,
    commit: null,
    dirty: null,
    environment: {} as never,
    startedAt: '',
    endedAt: '',
    verdict: 'HOLDS',
    exitCode: 0,
    reasons: [],
    digests: {},
  });
}

export async function writeLongHistory(folder: string, options: LongHistoryOptions): Promise<number> {
  makeFoldersSync(folder);
  await writeHolding(folder);
  // Its clock stands still, so that the recorder waits for a slow disk.
  const clock = new ManualClock();
  const recorder = new WholeRecorder(join(folder, WHOLE_FOLDER), { clock, pendingBytesMax: 2 ** 40 });
  let n = 0;
  for (const event of longHistory(options)) {
    n += 1;
    recorder.add({ n, event });
    if (n % 1_000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await recorder.close();
  return n;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , folder = '', events = '', recordsPerBatch = '8'] = process.argv;
  const n = await writeLongHistory(folder, { events: Number(events), recordsPerBatch: Number(recordsPerBatch) });
  process.stdout.write(`${n} events in ${folder}\n`);
}
