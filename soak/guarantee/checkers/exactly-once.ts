/**
 * Exactly one correct sum of every completed file, and of no other file. The checker compares every sum in the sums
 * journal with every end of a file in the chunk journals, with expected sums computed from the seed by node:crypto. A
 * shard's sums stand in the order in which its files were completed.
 *
 * A sum may be read before the end of its file, or after it. So missing sums are judged at the end, and only for
 * journals whose end was read: in a history that was cut short nothing counts as lost. Memory: the files that are open
 * or wait for one of the two, and a watermark for each producer.
 */

import { SUMS_JOURNAL, chunkJournal } from '../../../src/journal/journals.ts';
import { fileIdOf, fileNumberOf } from '../../../src/message/chunk.ts';
import type { Sum } from '../../../src/message/sum.ts';
import { Ledger } from '../../../src/verifier/ledger.ts';
import { Workload } from '../../../src/workload/workload.ts';
import { type BatchEvent, BatchReader, type OpenedBatch, partitionOfJournal, shardOfProducer } from './batch-reader.ts';
import { FindingList } from './finding-list.ts';
import type { Checker, Findings, HistoryEvent } from '../history.ts';

/**
 * File numbers are dense. A number so far beyond all others is not a file of the seed, and neither are the journal's
 * records.
 */
const FILES_AHEAD_MAX = 1_000_000;

type Witness = {
  readonly journal: string;
  readonly offset: number;
  readonly index: number;
  readonly file: string;
};

/** A sum, and its ordinal among the sums of its shard in the journal, from 0. */
type FoundSum = { readonly sum: Sum; readonly ordinal: number; readonly witness: Witness };

type Producer = {
  readonly id: string;
  readonly process: string;
  readonly workload: Workload;
  /** Files of which both the end and the sum were read. */
  readonly ledger: Ledger;
  /** Ends without a sum: by file number, the ordinal of the file in its partition, from 0. */
  readonly completed: Map<number, number>;
  /** Sums without an end. */
  readonly sums: Map<number, FoundSum>;
  /** Files that their chunker claims to have completed. */
  readonly claimed: Set<number>;
};

type Shard = {
  filesCompleted: number;
  sumsFound: number;
  /** Ordinal of the file for which both were read last. */
  lastCompleted: number;
  lastFound: number;
};

export class ExactlyOnceChecker implements Checker {
  readonly name = 'exactly-once';
  readonly #found = new FindingList(this.name);
  readonly #reader: BatchReader;
  readonly #producers = new Map<string, Producer>();
  readonly #shards = new Map<number, Shard>();
  /** Journals that are known to end where they were read to. */
  readonly #endedJournals = new Set<string>();
  #hasEnded = false;
  #isBlind = false;

  constructor(reader: BatchReader = new BatchReader()) {
    this.#reader = reader;
  }

  observe(event: HistoryEvent): void {
    this.#found.at(event);
    if (this.#isBlind) return;
    if (event.event === 'batch') this.#read(event);
    else if (event.event === 'completed') this.#claim(event.producer, event.fileNumber);
    else if (event.event === 'producer') this.#begin(event);
    else if (event.event === 'head') this.#endedJournals.add(event.journal);
    else if (event.event === 'unread') this.#isBlind = true;
    else if (event.event === 'end') this.#hasEnded = true;
  }

  get hasFound(): boolean {
    return this.#found.hasViolation;
  }

  get findings(): Findings {
    return this.#found.findings;
  }

  finish(): Findings {
    if (this.#hasEnded && !this.#isBlind) {
      for (const producer of this.#producers.values()) this.#judgeMissing(producer);
    }
    return this.#found.findings;
  }

  /** Two processes that publish as one producer would each take the other's records for their own. */
  #begin({ producer: id, process, workload }: Extract<HistoryEvent, { event: 'producer' }>): void {
    const known = this.#producers.get(id);
    if (known !== undefined) {
      if (known.process === process) return;
      this.#found.violation(
        'duplicate',
        `${process} publishes as producer ${id}, which is that of ${known.process}`,
        {},
      );
      return;
    }
    this.#producers.set(id, {
      id,
      process,
      workload: new Workload(workload),
      ledger: new Ledger(),
      completed: new Map(),
      sums: new Map(),
      claimed: new Set(),
    });
  }

  #claim(id: string, fileNumber: number): void {
    const producer = this.#producers.get(id);
    if (producer !== undefined && !producer.ledger.isVerified(fileNumber)) producer.claimed.add(fileNumber);
  }

  #read(event: BatchEvent): void {
    const batch = this.#reader.readNew(event);
    if (batch === null) return;
    if (event.journal === SUMS_JOURNAL) this.#readSums(event, batch);
    else if (batch.kind === 'chunks') this.#readEnds(event, batch);
  }

  #readEnds({ journal }: BatchEvent, batch: OpenedBatch): void {
    const producer = this.#producers.get(batch.producer);
    const partition = partitionOfJournal(journal);
    if (producer === undefined || partition === null) return;
    for (const { fileNumber } of batch.ends) this.#complete(producer, fileNumber, partition);
  }

  #complete(producer: Producer, fileNumber: number, partition: number): void {
    const { ledger, completed, sums } = producer;
    if (!(fileNumber < ledger.next + FILES_AHEAD_MAX)) return;
    ledger.cover(fileNumber + 1);
    // A second end means that the record stands twice, which the checker of journals names.
    if (ledger.isVerified(fileNumber) || completed.has(fileNumber)) return;
    const shard = this.#shard(partition);
    completed.set(fileNumber, shard.filesCompleted);
    shard.filesCompleted += 1;
    const sum = sums.get(fileNumber);
    if (sum !== undefined) this.#settle(producer, fileNumber, sum);
  }

  #readSums(event: BatchEvent, batch: OpenedBatch): void {
    const shard = shardOfProducer(batch.producer);
    if (shard === null) return;
    let index = batch.firstIndex;
    for (const sum of batch.sums) {
      this.#readSum(sum, shard, { journal: SUMS_JOURNAL, offset: event.begin, index, file: sum.fileId });
      index += 1;
    }
  }

  #readSum(sum: Sum, shard: number, witness: Witness): void {
    const producer = this.#producers.get(sum.fileId.slice(0, 16));
    const fileNumber = fileNumberOf(sum.fileId);
    if (producer === undefined || Number.isNaN(fileNumber)) {
      this.#found.violation('phantom', 'a sum of a file that does not belong to this run', witness);
    } else if (producer.workload.partitionOf(fileNumber) !== shard) {
      this.#found.violation('phantom', `shard ${shard} has summed a file of another partition`, witness);
    } else if (producer.ledger.isVerified(fileNumber) || producer.sums.has(fileNumber)) {
      this.#found.violation('duplicate', 'a second sum of the file', witness);
    } else {
      const state = this.#shard(shard);
      const found = { sum, ordinal: state.sumsFound, witness };
      state.sumsFound += 1;
      producer.sums.set(fileNumber, found);
      if (producer.completed.has(fileNumber)) this.#settle(producer, fileNumber, found);
    }
  }

  /** Both the end and the sum of the file were read. */
  #settle(producer: Producer, fileNumber: number, { sum, ordinal, witness }: FoundSum): void {
    const { lastSequence, bytes, digest } = producer.workload.expectedSum(fileNumber);
    if (sum.digest !== digest || sum.bytes !== bytes || sum.lastSequence !== lastSequence) {
      const detail =
        `the sum ${sum.digest} of ${sum.bytes} bytes in ${sum.lastSequence} chunks ` +
        `should be ${digest} of ${bytes} in ${lastSequence}`;
      this.#found.violation('mismatched', detail, witness);
    }
    const completed = producer.completed.get(fileNumber) ?? 0;
    const shard = this.#shard(producer.workload.partitionOf(fileNumber));
    // Pairs are met in the order of the later of the two, so among any files out of order two are neighbours.
    if (completed < shard.lastCompleted !== ordinal < shard.lastFound) {
      const before = `file ${shard.lastCompleted + 1} had sum ${shard.lastFound + 1}`;
      const detail =
        `file ${completed + 1} of its partition to be completed has sum ${ordinal + 1} of its shard, ` +
        `after ${before}`;
      this.#found.violation('out-of-order', detail, witness);
    }
    shard.lastCompleted = completed;
    shard.lastFound = ordinal;
    producer.completed.delete(fileNumber);
    producer.sums.delete(fileNumber);
    producer.claimed.delete(fileNumber);
    producer.ledger.verify(fileNumber);
  }

  #judgeMissing({ id, workload, completed, sums, claimed }: Producer): void {
    if (this.#endedJournals.has(SUMS_JOURNAL)) {
      for (const fileNumber of completed.keys()) {
        const journal = chunkJournal(workload.partitionOf(fileNumber));
        const detail = 'the end of the file is in its journal, and no sum of it in the sums journal';
        this.#found.violation('lost', detail, { journal, file: fileIdOf(id, fileNumber) });
      }
    }
    for (const [fileNumber, { witness }] of sums) {
      // A file that a chunker has completed and no journal has is a loss of chunks, not an invented sum.
      if (claimed.has(fileNumber)) continue;
      if (!this.#endedJournals.has(chunkJournal(workload.partitionOf(fileNumber)))) continue;
      this.#found.violation('phantom', 'a sum of a file that was never completed', witness);
    }
  }

  #shard(number: number): Shard {
    let shard = this.#shards.get(number);
    if (shard === undefined) {
      shard = { filesCompleted: 0, sumsFound: 0, lastCompleted: -1, lastFound: -1 };
      this.#shards.set(number, shard);
    }
    return shard;
  }
}
