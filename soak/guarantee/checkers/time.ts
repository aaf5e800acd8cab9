/**
 * Time from the acknowledgement of a file's end to its sum, by the stamps of the journals, against the SLA. A file
 * without a sum is censored, never dropped; another checker finds it lost. The longest unavailability of a shard is the
 * longest time without a new sum while a completed file waited for one.
 */

import { SUMS_JOURNAL } from '../../../src/journal/journals.ts';
import { fileIdOf, fileNumberOf } from '../../../src/message/chunk.ts';
import { type BatchEvent, BatchReader, type OpenedBatch, partitionOfJournal } from './batch-reader.ts';
import { FindingList } from './finding-list.ts';
import type { Checker, Findings, HistoryEvent } from '../history.ts';

/** A file that has ended, or whose sum was read. Times are `null` until they come, and 0 when they are unknown. */
type TimedFile = {
  readonly file: string;
  readonly partition: number;
  /** Record index of the file's end. */
  readonly endIndex: number;
  acknowledgedNs: number | null;
  sumNs: number | null;
};

type Lane = {
  /** Index of the next record in the journal. */
  next: number;
  acknowledged: number;
  /** Acknowledgements beyond what was read of the journal. */
  readonly stamps: { readonly through: number; readonly stampNs: number }[];
  /** Ends in the journal that are not acknowledged, in the order of their indexes. */
  readonly unacknowledged: TimedFile[];
};

type Producer = {
  readonly lanes: readonly Lane[];
  /** Ended files that wait for their sum or their acknowledgement. */
  readonly ended: Map<number, TimedFile>;
  /** Sums of files whose end was not read yet: when the sums became durable. */
  readonly sums: Map<number, number>;
  /** Nobody is left who could say what it was told before it died. */
  isRetired: boolean;
};

/** The share of a run's files that may lack a stamp. */
const UNSTAMPED_SHARE_MAX = 1 / 20;

export class TimeChecker implements Checker {
  readonly name = 'time';
  readonly #found = new FindingList(this.name);
  readonly #reader: BatchReader;
  readonly #producers = new Map<string, Producer>();
  /** By partition, when the last sum became durable. */
  readonly #lastSumNs = new Map<number, number>();
  /** Processes whose last producer has not drained. */
  readonly #undrained = new Set<string>();
  #drainNs: number | null = null;
  #slaMs = Number.NaN;
  #nowNs = 0;
  #isBlind = false;
  /** By partition: files that were judged, and files that could not be judged for lack of a stamp. */
  readonly #judged = new Map<number, number>();
  readonly #unstamped = new Map<number, number>();
  #filesCensored = 0;
  #delayNsMax = 0;
  #unavailabilityNsMax = 0;

  constructor(reader: BatchReader = new BatchReader()) {
    this.#reader = reader;
  }

  observe(event: HistoryEvent): void {
    this.#found.at(event);
    this.#nowNs = event.atNs;
    if (this.#isBlind) return;
    if (event.event === 'batch') this.#read(event);
    else if (event.event === 'acknowledged') this.#acknowledge(event);
    else if (event.event === 'producer') this.#begin(event);
    else if (event.event === 'phase') this.#enter(event.phase, event.atNs);
    else if (event.event === 'drained') this.#undrained.delete(event.process);
    else if (event.event === 'retired') this.#retire(event);
    else if (event.event === 'run') this.#slaMs = event.slaMs;
    else if (event.event === 'unread') this.#isBlind = true;
  }

  get hasFound(): boolean {
    return this.#found.hasViolation;
  }

  get findings(): Findings {
    return this.#found.findings;
  }

  finish(): Findings {
    for (const { ended, isRetired } of this.#producers.values()) {
      for (const file of ended.values()) if (!isRetired || file.sumNs === null) this.#censor(file);
    }
    this.#judgeStamps();
    return this.#found.findings;
  }

  summary(): Readonly<Record<string, number>> {
    return {
      filesJudged: totalOf(this.#judged),
      filesUnstamped: totalOf(this.#unstamped),
      filesCensored: this.#filesCensored,
      delayMsMax: this.#delayNsMax / 1e6,
      unavailabilityMsMax: this.#unavailabilityNsMax / 1e6,
    };
  }

  /** A few missing stamps are no reason to doubt. Most stamps of a partition are, and so are too many of all. */
  #judgeStamps(): void {
    const judged = totalOf(this.#judged);
    const unstamped = totalOf(this.#unstamped);
    const why = 'its stamp, or that of the end of its file, is unknown';
    if (judged === 0 && unstamped > 0) this.#found.inconclusive(`no sum was timed: ${why}`);
    else if (unstamped > (judged + unstamped) * UNSTAMPED_SHARE_MAX) {
      this.#found.inconclusive(`${unstamped} of ${judged + unstamped} sums were not timed: ${why}`);
    }
    for (const [partition, count] of this.#unstamped) {
      const timed = this.#judged.get(partition) ?? 0;
      if (judged === 0 || timed > count) continue;
      this.#found.inconclusive(`${count} of ${timed + count} sums of partition ${partition} were not timed: ${why}`);
    }
  }

  /**
   * Everything has healed. From now on a completed file is verified within the SLA, or its verifier, or what the
   * verifier waits for, is stuck.
   */
  #enter(phase: string, atNs: number): void {
    if (phase === 'drain') this.#drainNs = atNs;
    if (phase !== 'audit' || this.#drainNs === null || atNs - this.#drainNs <= this.#slaMs * 1e6) return;
    for (const process of this.#undrained) {
      const seconds = ((atNs - this.#drainNs) / 1e9).toFixed(3);
      this.#found.violation('late', `${process} had not drained ${seconds} s after it was told to`);
    }
  }

  #begin({ producer: id, process, workload }: Extract<HistoryEvent, { event: 'producer' }>): void {
    if (this.#producers.has(id)) return;
    this.#undrained.add(process);
    const lanes = Array.from({ length: workload.partitions }, () => ({
      next: 0,
      acknowledged: 0,
      stamps: [],
      unacknowledged: [],
    }));
    this.#producers.set(id, { lanes, ended: new Map(), sums: new Map(), isRetired: false });
  }

  #retire({ process, producer: id }: Extract<HistoryEvent, { event: 'retired' }>): void {
    this.#undrained.delete(process);
    const producer = this.#producers.get(id);
    if (producer !== undefined) producer.isRetired = true;
  }

  #acknowledge(event: Extract<HistoryEvent, { event: 'acknowledged' }>): void {
    const producer = this.#producers.get(event.producer);
    const lane = producer?.lanes[event.partition];
    if (producer === undefined || lane === undefined || event.through <= lane.acknowledged) return;
    const { through, stampNs } = event;
    lane.acknowledged = through;
    if (through > lane.next) lane.stamps.push({ through, stampNs });
    let count = 0;
    for (const file of lane.unacknowledged) {
      if (file.endIndex >= through) break;
      file.acknowledgedNs = stampNs;
      this.#judge(producer, file);
      count += 1;
    }
    lane.unacknowledged.splice(0, count);
  }

  #read(event: BatchEvent): void {
    const batch = this.#reader.readNew(event);
    if (batch === null) return;
    if (event.journal === SUMS_JOURNAL) this.#readSums(batch, event.stampNs);
    else if (batch.kind === 'chunks') this.#readEnds(event.journal, batch);
  }

  #readEnds(journal: string, batch: OpenedBatch): void {
    const producer = this.#producers.get(batch.producer);
    const partition = partitionOfJournal(journal);
    const lane = partition === null ? undefined : producer?.lanes[partition];
    if (producer === undefined || partition === null || lane === undefined) return;
    for (const { index: endIndex, fileNumber } of batch.ends) {
      if (endIndex < lane.next) continue;
      const file = fileIdOf(batch.producer, fileNumber);
      const sumNs = producer.sums.get(fileNumber) ?? null;
      producer.sums.delete(fileNumber);
      const ended = { file, partition, endIndex, acknowledgedNs: stampOf(lane, endIndex), sumNs };
      producer.ended.set(fileNumber, ended);
      if (ended.acknowledgedNs === null) lane.unacknowledged.push(ended);
      else this.#judge(producer, ended);
    }
    lane.next = Math.max(lane.next, batch.firstIndex + batch.count);
  }

  #readSums(batch: OpenedBatch, stampNs: number): void {
    for (const { fileId } of batch.sums) {
      const producer = this.#producers.get(fileId.slice(0, 16));
      const fileNumber = fileNumberOf(fileId);
      const ended = producer?.ended.get(fileNumber);
      if (producer === undefined) continue;
      if (ended === undefined) producer.sums.set(fileNumber, stampNs);
      else if (ended.sumNs === null) {
        ended.sumNs = stampNs;
        this.#judge(producer, ended);
      }
    }
  }

  #judge(producer: Producer, { file, partition, acknowledgedNs, sumNs }: TimedFile): void {
    if (acknowledgedNs === null || sumNs === null) return;
    producer.ended.delete(fileNumberOf(file));
    if (acknowledgedNs === 0 || sumNs === 0) {
      countOne(this.#unstamped, partition);
      return;
    }
    countOne(this.#judged, partition);
    const delayNs = sumNs - acknowledgedNs;
    this.#delayNsMax = Math.max(this.#delayNsMax, delayNs);
    if (delayNs > this.#slaMs * 1e6) {
      const detail = `the sum came ${(delayNs / 1e9).toFixed(3)} s after the end of its file was acknowledged`;
      this.#found.violation('late', detail, { journal: SUMS_JOURNAL, file });
    }
    this.#waited(partition, acknowledgedNs, sumNs);
    this.#lastSumNs.set(partition, Math.max(this.#lastSumNs.get(partition) ?? 0, sumNs));
  }

  #waited(partition: number, fromNs: number, toNs: number): void {
    const sinceNs = Math.max(fromNs, this.#lastSumNs.get(partition) ?? 0);
    this.#unavailabilityNsMax = Math.max(this.#unavailabilityNsMax, toNs - sinceNs);
  }

  #censor({ partition, acknowledgedNs, sumNs }: TimedFile): void {
    if (sumNs !== null) {
      countOne(this.#unstamped, partition);
      return;
    }
    this.#filesCensored += 1;
    if (acknowledgedNs !== null && acknowledgedNs > 0) this.#waited(partition, acknowledgedNs, this.#nowNs);
  }
}

/**
 * When the record was acknowledged, by the first acknowledgement that covers it. Forgets acknowledgements that cover
 * less.
 */
function stampOf({ stamps }: Lane, index: number): number | null {
  let passed = 0;
  while (passed < stamps.length && (stamps[passed]?.through ?? 0) <= index) passed += 1;
  if (passed > 0) stamps.splice(0, passed);
  return stamps[0]?.stampNs ?? null;
}

function countOne(counts: Map<number, number>, partition: number): void {
  counts.set(partition, (counts.get(partition) ?? 0) + 1);
}

function totalOf(counts: ReadonlyMap<number, number>): number {
  let total = 0;
  for (const count of counts.values()) total += count;
  return total;
}
