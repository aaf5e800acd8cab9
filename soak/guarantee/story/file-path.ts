/**
 * The path of a file through a run: the batches that hold its chunks, when these became durable and were folded, its
 * sum, and its verification. Pure. What the history does not tell is said as such.
 */

import { chunkJournal } from '../../../src/journal/journals.ts';
import { fileIdOf, fileNumberOf } from '../../../src/message/chunk.ts';
import { partitionOfJournal, shardOfProducer } from '../checkers/batch-reader.ts';
import type { LoggedBatch } from '../logged-event.ts';
import type { Chronicle, Producer, Told } from './chronicle.ts';
import { recordsText } from './event-line.ts';
import { type FileRecord, recordsOfFiles } from './file-records.ts';

type NumberedBatch = LoggedBatch & { readonly n: number; readonly atNs: number };

export type PathStep = {
  /** `null`: the time is not known. */
  readonly atNs: number | null;
  readonly stage: 'durable' | 'folded' | 'acknowledged' | 'completed' | 'state' | 'sum' | 'verified';
  /** The process in which it happened. */
  readonly process: string;
  readonly what: string;
  /** Number of the event that tells of it. */
  readonly n: number;
};

export type FilePath = {
  /** 32 hexadecimal digits. */
  readonly file: string;
  /** `null`: no producer of the history has this file. */
  readonly producer: Producer | null;
  readonly fileNumber: number;
  readonly partition: number | null;
  readonly records: readonly FileRecord[];
  /** Records that are in no batch of the history. */
  readonly unseen: readonly FileRecord[];
  /** In the order of time. A step at an unknown time stands where the history first tells of it. */
  readonly steps: readonly PathStep[];
  readonly hasSum: boolean;
  readonly isVerified: boolean;
};

export class FilePaths {
  readonly #chronicle: Chronicle;
  /** By journal and producer, in the order of their records. */
  readonly #batches = new Map<string, NumberedBatch[]>();
  /** By file. */
  readonly #sums = new Map<string, NumberedBatch[]>();
  /** By file. A chunker that continues from a snapshot generates some ends again. */
  readonly #completed = new Map<string, Told<'completed'>[]>();
  readonly #verified = new Map<string, Told<'verified'>>();
  readonly #states = new Map<string, Told<'checkpoint'>[]>();
  /** By producer and partition. */
  readonly #acknowledged = new Map<string, Told<'acknowledged'>[]>();
  /** By producer and partition: the index after the last known record. */
  readonly #through = new Map<string, Map<number, number>>();

  constructor(chronicle: Chronicle) {
    this.#chronicle = chronicle;
    for (const event of chronicle.events) {
      if (event.event === 'batch') this.#addBatch(event);
      else if (event.event === 'completed') {
        const { producer, fileNumber } = event;
        append(this.#completed, fileIdOf(producer, fileNumber), event);
      } else if (event.event === 'verified') {
        const file = fileIdOf(event.producer, event.fileNumber);
        if (!this.#verified.has(file)) this.#verified.set(file, event);
      } else if (event.event === 'acknowledged') {
        append(this.#acknowledged, `${event.producer} ${event.partition}`, event);
        this.#reaches(event.producer, event.partition, event.through);
      } else if (event.event === 'checkpoint') {
        for (const file of [...Object.keys(event.openFiles ?? {}), ...(event.unpublishedFiles ?? [])]) {
          append(this.#states, file, event);
        }
      }
    }
    for (const batches of this.#batches.values()) batches.sort((one, other) => (one.index ?? 0) - (other.index ?? 0));
  }

  /** Files that an event names, by id: completed, summed or verified, in the order of these events. */
  get known(): string[] {
    return [...new Set([...this.#completed.keys(), ...this.#sums.keys(), ...this.#verified.keys()])];
  }

  /** The paths of these files, in their order. */
  of(files: readonly string[]): FilePath[] {
    const records = new Map<string, ReadonlyMap<number, readonly FileRecord[]>>();
    for (const producer of this.#chronicle.producers.values()) {
      const own = files.filter((file) => file.startsWith(producer.producer)).map(fileNumberOf);
      const numbers = new Set(own.filter((number) => !Number.isNaN(number)));
      if (numbers.size === 0) continue;
      records.set(producer.producer, recordsOfFiles(producer, numbers, this.#stepsMaxOf(producer)));
    }
    return files.map((file) => {
      const fileNumber = fileNumberOf(file);
      return this.#path(file, records.get(file.slice(0, 16))?.get(fileNumber) ?? []);
    });
  }

  #addBatch(event: NumberedBatch): void {
    const { journal, producer, index, count, files = [] } = event;
    if (producer === undefined || index === undefined || count === undefined) return;
    for (const file of files) append(this.#sums, file, event);
    if (files.length > 0 || shardOfProducer(producer) !== null) return;
    append(this.#batches, `${journal} ${producer}`, event);
    this.#reaches(producer, partitionOfJournal(journal) ?? -1, index + count);
  }

  #reaches(producer: string, partition: number, through: number): void {
    const known = this.#through.get(producer) ?? new Map<number, number>();
    this.#through.set(producer, known);
    known.set(partition, Math.max(known.get(partition) ?? 0, through));
  }

  /** Beyond what the history shows, a producer has generated at most the chunks of its open files. */
  #stepsMaxOf({ producer, workload }: Producer): number {
    const known = [...(this.#through.get(producer)?.values() ?? [])].reduce((sum, through) => sum + through, 0);
    return known + (workload.filesOpen + 1) * (workload.chunks.high + 1);
  }

  #path(file: string, records: readonly FileRecord[]): FilePath {
    const producer = this.#chronicle.producers.get(file.slice(0, 16)) ?? null;
    const [first] = records;
    const partition = first?.partition ?? null;
    const batches = first === undefined || producer === null ? [] : this.#batchesOf(producer, records);
    const sums = this.#sums.get(file) ?? [];
    const verified = this.#verified.get(file);
    const steps = [
      ...batches.flatMap(({ batch, own }) => this.#chunkSteps(batch, own)),
      ...(producer === null ? [] : this.#producerSteps(file, producer, records)),
      ...(this.#states.get(file) ?? []).map((event) => stateStep(event, file)),
      ...sums.map((batch) => this.#sumStep(batch)),
    ];
    const seen = new Set(batches.flatMap(({ own }) => own));
    return {
      file,
      producer,
      fileNumber: fileNumberOf(file),
      partition,
      records,
      unseen: records.filter((record) => !seen.has(record)),
      steps: steps.toSorted((one, other) => this.#toldByNs(one) - this.#toldByNs(other)),
      hasSum: sums.length > 0,
      isVerified: verified !== undefined,
    };
  }

  /** When the step had happened at the latest. */
  #toldByNs({ atNs, n }: PathStep): number {
    return atNs ?? this.#chronicle.numbered(n)?.atNs ?? Number.MAX_VALUE;
  }

  /** Batches that hold records of the file, and which records. */
  #batchesOf({ producer }: Producer, records: readonly FileRecord[]): { batch: NumberedBatch; own: FileRecord[] }[] {
    const partition = records[0]?.partition ?? 0;
    const all = this.#batches.get(`${chunkJournal(partition)} ${producer}`) ?? [];
    const first = records[0]?.index ?? 0;
    const last = records.at(-1)?.index ?? 0;
    return all
      .filter(({ index = 0, count = 0 }) => index <= last && index + count > first)
      .map((batch) => {
        const { index: from = 0, count = 0 } = batch;
        return { batch, own: records.filter(({ index }) => index >= from && index < from + count) };
      })
      .filter(({ own }) => own.length > 0);
  }

  #chunkSteps(batch: NumberedBatch, own: readonly FileRecord[]): PathStep[] {
    const { journal, begin, index = 0, count = 0, stampNs, atNs, n } = batch;
    const chunks = chunksText(own);
    const place = `${journal} at ${begin}, ${recordsText(index, count)}`;
    const isAudit = this.#chronicle.phases.some(({ phase, fromNs }) => phase === 'audit' && atNs >= fromNs);
    const summer = this.#chronicle.ownerAt(partitionOfJournal(journal) ?? -1, atNs) ?? 'a summer';
    return [
      {
        atNs: stampNs === 0 ? null : stampNs,
        stage: 'durable',
        process: 'broker',
        what: `${chunks} durable: ${place}`,
        n,
      },
      isAudit
        ? { atNs, stage: 'folded', process: 'broker', what: `${chunks} read by the audit: ${place}`, n }
        : { atNs, stage: 'folded', process: summer, what: `${chunks} durably folded by now: ${place}`, n },
    ];
  }

  #producerSteps(file: string, { producer, process }: Producer, records: readonly FileRecord[]): PathStep[] {
    const last = records.at(-1);
    const told =
      last === undefined
        ? undefined
        : this.#acknowledged.get(`${producer} ${last.partition}`)?.find(({ through }) => through > last.index);
    const completed = this.#completed.get(file) ?? [];
    const verified = this.#verified.get(file);
    const steps: PathStep[] = [];
    for (const [index, { atNs, n, endIndex }] of completed.entries()) {
      const again = index === 0 ? '' : ' again';
      steps.push({ atNs, stage: 'completed', process, what: `its end generated${again}, as record ${endIndex}`, n });
    }
    if (told !== undefined) {
      const { atNs, n } = told;
      steps.push({ atNs, stage: 'acknowledged', process, what: `${process} told that all of it is durable`, n });
    }
    if (verified !== undefined) {
      const { atNs, n } = verified;
      steps.push({ atNs, stage: 'verified', process, what: `its sum verified by ${process}`, n });
    }
    return steps;
  }

  #sumStep(batch: NumberedBatch): PathStep {
    const { journal, begin, producer = '', stampNs, atNs, epoch = 0, n } = batch;
    const shard = shardOfProducer(producer);
    const owner = shard === null ? undefined : this.#chronicle.ownerAt(shard, atNs);
    return {
      atNs: stampNs === 0 ? atNs : stampNs,
      stage: 'sum',
      process: owner ?? 'broker',
      what: `its sum durable: ${journal} at ${begin}, by shard ${shard ?? '?'} with epoch ${epoch}`,
      n,
    };
  }
}

function stateStep({ atNs, n, process, moment, openFiles = {}, shard }: Told<'checkpoint'>, file: string): PathStep {
  const state = openFiles[file];
  const what =
    state === undefined
      ? 'its sum finished and not published'
      : `it open, chunks up to ${state.lastSequence} folded, ${state.bytes} bytes`;
  return { atNs, stage: 'state', process, what: `the store of ${process} (${moment}, shard ${shard}): ${what}`, n };
}

/** `chunk 1`, `chunks 3 to 5`, `chunks 3, 4, 7`, `chunks 3 to 5 and its end`. */
export function chunksText(records: readonly FileRecord[]): string {
  const data = records.filter(({ isEnd }) => !isEnd).map(({ sequence }) => sequence);
  const end = data.length < records.length ? 'its end' : '';
  if (data.length === 0) return end;
  const [first = 0] = data;
  const last = data.at(-1) ?? first;
  const isDense = last - first === data.length - 1;
  const list = data.length > 2 && isDense ? `${first} to ${last}` : data.join(', ');
  return `chunk${data.length === 1 ? '' : 's'} ${list}${end === '' ? '' : ` and ${end}`}`;
}

function append<T>(map: Map<string, T[]>, key: string, value: T): void {
  const values = map.get(key);
  if (values === undefined) map.set(key, [value]);
  else values.push(value);
}
