/**
 * Acknowledged means kept: every record that a chunker was told is durable is in its journal, at its index, byte for
 * byte as the seed says. The same holds for every other record in the journal.
 *
 * One generator for each producer runs forward as far as the journals have been read. Records that it made for
 * partitions that are read later wait as four numbers each. So memory is bounded by how far the journals are apart.
 */

import { chunkJournal } from '../../../src/journal/journals.ts';
import { type Batch, PRODUCER_ID_BYTES, writeProducer } from '../../../src/message/batch.ts';
import { CHUNK_HEADER_BYTES, fileIdOf } from '../../../src/message/chunk.ts';
import { Generator } from '../../../src/chunker/stream/generator.ts';
import { Workload, fillChunk } from '../../../src/workload/workload.ts';
import { type BatchEvent, BatchReader, partitionOfJournal } from './batch-reader.ts';
import { ChunkCursor } from './chunk-cursor.ts';
import { FindingList } from './finding-list.ts';
import type { Checker, Findings, HistoryEvent } from '../history.ts';
import { RecordQueue } from './record-queue.ts';

/** The most records that may wait for a journal to be read. */
const WAITING_RECORDS_MAX = 16_000_000;

type Lane = {
  /** The generated records from `next` on. */
  readonly generated: RecordQueue;
  /** Index of the next record in the journal. */
  next: number;
  acknowledged: number;
  /** The last record of the previous batch. */
  lastFile: number;
  lastSequence: number;
  hasEnded: boolean;
  /** The journal has other records than the seed says. Later records prove nothing more. */
  isBroken: boolean;
};

type Producer = {
  readonly id: string;
  /** The id as it stands in records: two u32, little-endian. */
  readonly idWords: Int32Array;
  readonly workload: Workload;
  readonly generator: Generator;
  readonly lanes: readonly Lane[];
  waitingRecords: number;
  hasDrained: boolean;
  /** Whether another process has ended this producer. */
  isRetired: boolean;
};

type Place = { readonly journal: string; readonly offset: number };

export class AcknowledgedChecker implements Checker {
  readonly name = 'acknowledged';
  readonly #found = new FindingList(this.name);
  readonly #reader: BatchReader;
  readonly #producers = new Map<string, Producer>();
  readonly #actual = new ChunkCursor();
  /** The payload that a batch should have. */
  #expected: Buffer = Buffer.alloc(0);
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
    else if (event.event === 'acknowledged') this.#acknowledge(event);
    else if (event.event === 'producer') this.#begin(event);
    else if (event.event === 'ending') this.#end(event.producer, event.endStep);
    else if (event.event === 'drained') this.#drain(event.producer);
    else if (event.event === 'retired') this.#retire(event.producer);
    else if (event.event === 'trimmed') this.#trim(event);
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
      for (const producer of this.#producers.values()) {
        for (let partition = 0; partition < producer.lanes.length; partition += 1) this.#judge(producer, partition);
      }
    }
    return this.#found.findings;
  }

  #begin(event: Extract<HistoryEvent, { event: 'producer' }>): void {
    if (this.#producers.has(event.producer)) return;
    const workload = new Workload(event.workload);
    const id = Buffer.alloc(PRODUCER_ID_BYTES);
    writeProducer(id, 0, event.producer);
    this.#producers.set(event.producer, {
      id: event.producer,
      idWords: Int32Array.of(id.readInt32LE(0), id.readInt32LE(4)),
      workload,
      generator: new Generator({ workload, producer: event.producer, fileCount: event.fileCount }),
      lanes: Array.from({ length: event.workload.partitions }, () => ({
        generated: new RecordQueue(),
        next: 0,
        acknowledged: 0,
        lastFile: -1,
        lastSequence: 0,
        hasEnded: false,
        isBroken: false,
      })),
      waitingRecords: 0,
      hasDrained: false,
      isRetired: false,
    });
  }

  #acknowledge(event: Extract<HistoryEvent, { event: 'acknowledged' }>): void {
    const lane = this.#producers.get(event.producer)?.lanes[event.partition];
    if (lane === undefined) return;
    if (event.through < lane.acknowledged) {
      // A restarted chunker would publish these records again, and nobody would notice the loss.
      const detail =
        `${event.producer} was told that records below ${lane.acknowledged} are durable, ` +
        `and then that only records below ${event.through} are`;
      const witness = { journal: chunkJournal(event.partition), index: event.through };
      this.#found.violation('acknowledged-loss', detail, witness);
    }
    lane.acknowledged = Math.max(lane.acknowledged, event.through);
  }

  #trim({ journal, begin, needed }: Extract<HistoryEvent, { event: 'trimmed' }>): void {
    if (begin <= needed) return;
    const detail = `the journal was trimmed up to ${begin}, and what follows ${needed} is still to be read`;
    this.#found.violation('acknowledged-loss', detail, { journal, offset: needed });
  }

  #drain(id: string): void {
    const producer = this.#producers.get(id);
    if (producer !== undefined) producer.hasDrained = true;
  }

  #retire(id: string): void {
    const producer = this.#producers.get(id);
    if (producer !== undefined) producer.isRetired = true;
  }

  #end(id: string, endStep: number): void {
    const generator = this.#producers.get(id)?.generator;
    if (generator === undefined || generator.endStep === endStep) return;
    if (endStep >= generator.step && generator.endStep === Number.POSITIVE_INFINITY) generator.endAt(endStep);
    else {
      const before = generator.endStep === Number.POSITIVE_INFINITY ? '' : `, after step ${generator.endStep},`;
      const detail = `${id} decided to end at step ${endStep}${before} and step ${generator.step} is in a journal`;
      this.#found.violation('mismatched', detail);
    }
  }

  #read(event: BatchEvent): void {
    const partition = partitionOfJournal(event.journal);
    const batch = this.#reader.readNew(event);
    if (batch === null || partition === null) return;
    const producer = this.#producers.get(batch.producer);
    const lane = producer?.lanes[partition];
    if (producer === undefined || lane === undefined || lane.isBroken || lane.hasEnded) return;
    if (batch.kind === 'end') lane.hasEnded = true;
    // The checker of journals names gaps and repetitions.
    if (batch.firstIndex !== lane.next) {
      lane.isBroken = true;
      lane.next = Math.max(lane.next, batch.firstIndex + batch.count);
      return;
    }
    if (batch.kind === 'chunks') this.#compare({ producer, lane, partition, batch, event });
    lane.next = batch.firstIndex + batch.count;
  }

  #compare(read: { producer: Producer; lane: Lane; partition: number; batch: Batch; event: BatchEvent }): void {
    const { producer, lane, partition, batch, event } = read;
    if (this.#generate(producer, partition, batch.count) === 'too far') return;
    const bytes = this.#write(producer, lane, batch);
    const { payload } = batch;
    const isEqual =
      bytes === payload.length && this.#expected.compare(payload, 0, payload.length, 0, payload.length) === 0;
    if (isEqual) this.#drop(producer, lane, batch.count);
    else {
      lane.isBroken = true;
      this.#name(producer, lane, batch, { journal: event.journal, offset: event.begin });
    }
  }

  /** Runs the generator until the partition's next `count` records are generated, or it has ended. */
  #generate(producer: Producer, partition: number, count: number): 'there' | 'too far' {
    const { generator, lanes } = producer;
    const wanted = lanes[partition]?.generated;
    for (;;) {
      if (wanted === undefined || wanted.length >= count) return 'there';
      const record = generator.peek();
      if (record === null) return 'there';
      lanes[record.partition]?.generated.push(record);
      generator.skip();
      producer.waitingRecords += 1;
      if (producer.waitingRecords <= WAITING_RECORDS_MAX) continue;
      this.#isBlind = true;
      this.#found.inconclusive(`the journals of ${producer.id} are more than ${WAITING_RECORDS_MAX} records apart`);
      return 'too far';
    }
  }

  /**
   * Writes the payload that the batch should have. Returns its length, or NaN when it would be longer or end earlier.
   */
  #write({ idWords }: Producer, { generated }: Lane, { payload, count }: Batch): number {
    if (this.#expected.length < payload.length) this.#expected = Buffer.alloc(payload.length * 2);
    const expected = this.#expected;
    const view = new DataView(expected.buffer, expected.byteOffset, expected.length);
    let at = 0;
    for (let record = 0; record < count; record += 1) {
      if (generated.length <= record) return Number.NaN;
      const fileNumber = generated.fileNumberAt(record);
      const sequence = generated.sequenceAt(record);
      const dataBytes = generated.dataBytesAt(record);
      const end = at + CHUNK_HEADER_BYTES + dataBytes;
      if (end > payload.length) return Number.NaN;
      view.setUint32(at, dataBytes, true);
      view.setUint32(at + 4, sequence, true);
      view.setInt32(at + 8, idWords[0] ?? 0, true);
      view.setInt32(at + 12, idWords[1] ?? 0, true);
      view.setUint32(at + 16, Math.floor(fileNumber / 0x1_0000_0000), false);
      view.setUint32(at + 20, fileNumber % 0x1_0000_0000, false);
      if (dataBytes > 0) fillChunk(view, at + CHUNK_HEADER_BYTES, dataBytes, generated.fileSeedAt(record), sequence);
      at = end;
    }
    return at;
  }

  #drop(producer: Producer, lane: Lane, records: number): void {
    lane.lastFile = lane.generated.fileNumberAt(records - 1);
    lane.lastSequence = lane.generated.sequenceAt(records - 1);
    lane.generated.drop(records);
    producer.waitingRecords -= records;
  }

  /** Finds the first record that differs, and names the difference. */
  #name({ id, workload }: Producer, lane: Lane, batch: Batch, place: Place): void {
    const { generated } = lane;
    const actual = this.#actual;
    actual.start(batch.payload);
    let record = 0;
    while (actual.next() && this.#isExpected(generated, batch.payload, record)) record += 1;
    const { fileNumber, sequence } = actual;
    const witness = { ...place, index: batch.firstIndex + record, file: fileIdOf(id, fileNumber) };
    if (generated.length <= record) {
      this.#found.violation('phantom', 'a record beyond the last one that the seed gives', witness);
      return;
    }
    const expected = { fileNumber: generated.fileNumberAt(record), sequence: generated.sequenceAt(record) };
    const detail =
      `the record is chunk ${sequence} of file ${fileNumber}, ` +
      `and should be chunk ${expected.sequence} of file ${expected.fileNumber}`;
    if (fileNumber === expected.fileNumber && sequence === expected.sequence) {
      this.#found.violation('mismatched', 'the record differs from what the seed says', witness);
    } else if (!isOfSeed(workload, actual, batch.payload)) {
      this.#found.violation('phantom', `${detail}; the seed gives no such record at all`, witness);
    } else if (this.#cameBefore(lane, record)) this.#found.violation('duplicate', detail, witness);
    else if (this.#comesLater(expected)) this.#found.violation('out-of-order', detail, witness);
    else this.#found.violation('gap', `${detail}, which is missing`, witness);
  }

  /** Whether the record at the cursor is the record that was generated `record` places ahead. */
  #isExpected(generated: RecordQueue, payload: Uint8Array, record: number): boolean {
    const { fileNumber, sequence, dataBytes, offset, dataOffset } = this.#actual;
    if (generated.length <= record) return false;
    if (generated.fileNumberAt(record) !== fileNumber || generated.sequenceAt(record) !== sequence) return false;
    if (generated.dataBytesAt(record) !== dataBytes) return false;
    const end = dataOffset + dataBytes;
    return this.#expected.compare(payload, offset, end, offset, end) === 0;
  }

  /**
   * Whether the record at the cursor repeats an earlier record of the same batch, all of which are as generated, or the
   * last record before the batch.
   */
  #cameBefore({ generated, lastFile, lastSequence }: Lane, record: number): boolean {
    const { fileNumber, sequence } = this.#actual;
    if (fileNumber === lastFile && sequence === lastSequence) return true;
    for (let before = 0; before < record; before += 1) {
      if (generated.fileNumberAt(before) === fileNumber && generated.sequenceAt(before) === sequence) return true;
    }
    return false;
  }

  /** Whether the record comes after the cursor in the same batch. */
  #comesLater({ fileNumber, sequence }: { fileNumber: number; sequence: number }): boolean {
    const actual = this.#actual;
    while (actual.next()) if (actual.fileNumber === fileNumber && actual.sequence === sequence) return true;
    return false;
  }

  #judge(producer: Producer, partition: number): void {
    const lane = producer.lanes[partition];
    const journal = chunkJournal(partition);
    if (lane === undefined || !this.#endedJournals.has(journal)) return;
    const { id, generator, isRetired } = producer;
    // The dead chunker was not told of its end, which may be in the place of a lost record.
    const records = isRetired && lane.hasEnded ? lane.next - 1 : lane.next;
    if (lane.acknowledged > records) {
      const lost = `records ${records} to ${lane.acknowledged - 1} of ${id}`;
      const detail = `${lost} were acknowledged, and the journal does not have them`;
      this.#found.violation('acknowledged-loss', detail, { journal, index: records });
    }
    // A producer that has never published has nothing to end.
    const isKnown = producer.lanes.some(({ next }) => next > 0);
    if (isRetired && isKnown && !lane.isBroken && !lane.hasEnded) {
      const detail = `${id} was retired, and its end is not in the journal`;
      this.#found.violation('acknowledged-loss', detail, { journal, index: lane.next });
    }
    if (!producer.hasDrained || lane.isBroken) return;
    if (!lane.hasEnded) {
      const detail = `${id} has drained, and its end is not in the journal`;
      this.#found.violation('acknowledged-loss', detail, { journal, index: lane.next });
    } else if (!generator.isEnded && generator.endStep === Number.POSITIVE_INFINITY) {
      this.#found.inconclusive(`${id} has drained, and its decision to end was not seen`);
    } else if (lane.generated.length > 0 || !generator.isEnded) {
      const detail = `${id} has drained, and its end stands before the end of its stream`;
      this.#found.violation('gap', detail, { journal, index: lane.next });
    }
  }
}

/** Whether the record at the cursor is the seed's chunk of that file, wherever it belongs. */
export function isOfSeed(
  workload: Workload,
  { fileNumber, sequence, dataBytes, dataOffset }: ChunkCursor,
  payload: Uint8Array,
): boolean {
  if (!Number.isSafeInteger(fileNumber) || sequence < 1) return false;
  const seed = workload.fileSeed(fileNumber);
  const chunks = workload.chunkCount(seed);
  if (sequence > chunks) return sequence === chunks + 1 && dataBytes === 0;
  if (dataBytes !== workload.chunkBytes(seed, sequence)) return false;
  const expected = Buffer.alloc(dataBytes);
  fillChunk(new DataView(expected.buffer, expected.byteOffset, dataBytes), 0, dataBytes, seed, sequence);
  return expected.equals(payload.subarray(dataOffset, dataOffset + dataBytes));
}
