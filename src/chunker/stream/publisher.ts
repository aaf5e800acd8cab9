/**
 * Packs records into batches by partition and hands the batches of each partition to one appender. The generator asks
 * for the place of a record, and writes the record there.
 *
 * A batch is sent when it is full, or at once when nothing of its partition is under way. So batches grow as the
 * journal gets slower, without a timer.
 */

import { assert } from '../../core/assert.ts';
import type { Clock } from '../../core/clock.ts';
import { crc32c } from '../../hash/crc32c.ts';
import { Appender } from '../../journal/appender.ts';
import { type Journals, chunkJournal } from '../../journal/journals.ts';
import { BATCH_HEADER_BYTES, encodeBatch, sealBatch } from '../../message/batch.ts';

/** The most batches of one partition under way. */
export const WINDOW_BATCHES = 4;

/**
 * A buffer that is full to this part or more is sent itself. From an emptier buffer a copy of just its bytes is sent.
 */
const HANDED_OVER_PART = 0.75;

export type PublisherEvents = {
  /** Records of the partition below `through` are durable. */
  onAcknowledged(partition: number, through: number, stampNs: number): void;
  onLatency(latencyNs: number): void;
  /**
   * The producer has ended in this partition, by its own end record or by another process. The journal has `n` records
   * of it.
   */
  onEnded(partition: number, n: number): void;
  onError(error: unknown): void;
};

export type PublisherOptions = {
  readonly journals: Journals;
  readonly clock: Clock;
  readonly producer: string;
  readonly batchBytes: number;
  /** By partition: records below this index are already in the journal. */
  readonly durable: readonly number[];
  readonly events: PublisherEvents;
};

/** What the publisher needs to know of a record before it is written. */
export type RecordShape = {
  readonly partition: number;
  readonly isEnd: boolean;
  /** Data bytes; 0 at the end of a file. */
  readonly dataBytes: number;
  /** Bytes of the whole record. */
  readonly recordBytes: number;
};

/** Where a record is written. One object a partition, overwritten by each `place`. */
export type Place = { readonly view: DataView; readonly offset: number };

type Lane = {
  readonly journal: string;
  readonly appender: Appender;
  building: Buffer;
  view: DataView;
  /** Offset at which the last placed record begins. */
  offset: number;
  usedBytes: number;
  /** Index of the first record in `building`, the number of its records, and the number of its data records. */
  first: number;
  count: number;
  dataCount: number;
  dataBytes: number;
  /** Records that were handed over and are not acknowledged, for the counts. */
  readonly pending: { end: number; dataCount: number; dataBytes: number }[];
};

export class Publisher {
  /** Data chunks and their bytes that are durable since this process started. */
  readonly counts: { chunks: number; bytes: number } = { chunks: 0, bytes: 0 };
  readonly #options: PublisherOptions;
  readonly #lanes: Lane[];

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#lanes = options.durable.map((durable, partition) => this.#makeLane(partition, durable));
  }

  /** Records of the partition below the result are durable, including records of dead incarnations. */
  durableThrough(partition: number): number {
    return this.#lane(partition).appender.acknowledged;
  }

  /** Whether everything that was written is durable. */
  get isIdle(): boolean {
    return this.#lanes.every(({ appender, count }) => count === 0 && appender.isEmpty);
  }

  /** Batches that were sent and are not known to be durable. */
  get batchesUnderWay(): number {
    return this.#lanes.reduce((sum, { appender }) => sum + appender.underWay, 0);
  }

  /** Whether the journal already has a partition's next record, of this index. Such a record is passed over. */
  passDurable(partition: number, index: number): boolean {
    const lane = this.#lane(partition);
    if (index >= lane.appender.acknowledged) return false;
    // Everything built so far is also below it.
    clear(lane);
    return true;
  }

  /**
   * The place of a partition's next record, which has this index. The record must be written there before the next
   * call. `null`: there is no room now, and nothing has changed.
   */
  place(record: RecordShape, index: number): Place | null {
    const lane = this.#lane(record.partition);
    if (lane.usedBytes + record.recordBytes > lane.building.length) {
      if (!lane.appender.hasRoom) return null;
      this.#cut(lane);
    }
    if (lane.count === 0) lane.first = index;
    lane.offset = lane.usedBytes;
    lane.usedBytes += record.recordBytes;
    lane.count += 1;
    if (!record.isEnd) {
      lane.dataCount += 1;
      lane.dataBytes += record.dataBytes;
    }
    return lane;
  }

  /** Sends the built batch of every partition that has nothing under way. */
  flush(): void {
    for (const lane of this.#lanes) {
      if (lane.count > 0 && lane.appender.isEmpty) this.#cut(lane);
    }
  }

  /** Appends the end of the producer to a partition, at the index after its last record. */
  end(partition: number, index: number): void {
    const lane = this.#lane(partition);
    assert(lane.count === 0, 'the end comes after everything else');
    const header = { kind: 'end', producer: this.#options.producer, firstIndex: index, count: 1, epoch: 0 } as const;
    const bytes = encodeBatch(header, new Uint8Array(0), lane.journal, crc32c);
    lane.appender.push({ first: index, count: 1, bytes, isEnd: true });
  }

  /** By partition: no dead incarnation sent anything from this index on. */
  sendsAloneFrom(indexes: readonly number[]): void {
    for (const [partition, index] of indexes.entries()) this.#lane(partition).appender.sendsAloneFrom(index);
  }

  /** Whether a journal that expects record `n` next can have got all records below `n` from this producer. */
  isOwn(partition: number, n: number): boolean {
    return this.#lane(partition).appender.isOwn(n);
  }

  stop(): void {
    for (const { appender } of this.#lanes) appender.stop();
  }

  /** Hands over the batch that is being built. */
  #cut(lane: Lane): void {
    const { building, usedBytes, first, count, journal, appender, dataCount, dataBytes } = lane;
    // The transport sends the buffer without a copy, and the appender keeps it until it is acknowledged. So it must
    // never change again.
    const isLarge = usedBytes >= building.length * HANDED_OVER_PART;
    const bytes = isLarge ? building.subarray(0, usedBytes) : Buffer.allocUnsafeSlow(usedBytes);
    if (isLarge) {
      lane.building = Buffer.allocUnsafeSlow(building.length);
      lane.view = viewOf(lane.building);
    } else building.copy(bytes, 0, 0, usedBytes);
    sealBatch(
      bytes,
      { kind: 'chunks', producer: this.#options.producer, firstIndex: first, count, epoch: 0 },
      journal,
      crc32c,
    );
    lane.pending.push({ end: first + count, dataCount, dataBytes });
    clear(lane);
    appender.push({ first, count, bytes });
  }

  #makeLane(partition: number, durable: number): Lane {
    const { journals, clock, producer, batchBytes, events } = this.#options;
    const building = Buffer.allocUnsafeSlow(batchBytes);
    const journal = chunkJournal(partition);
    const lane: Lane = {
      journal,
      building,
      view: viewOf(building),
      offset: 0,
      usedBytes: BATCH_HEADER_BYTES,
      first: 0,
      count: 0,
      dataCount: 0,
      dataBytes: 0,
      pending: [],
      appender: new Appender({
        journals,
        clock,
        journal,
        producer,
        acknowledged: durable,
        windowBatches: WINDOW_BATCHES,
        events: {
          onAcknowledged: (through, stampNs) => this.#acknowledged(partition, through, stampNs),
          onLatency: (latencyNs) => events.onLatency(latencyNs),
          onFenced: () => events.onError(new Error('a chunk append cannot be fenced')),
          onEnded: (n) => events.onEnded(partition, n),
          onError: (error) => events.onError(error),
        },
      }),
    };
    return lane;
  }

  #acknowledged(partition: number, through: number, stampNs: number): void {
    const { pending } = this.#lane(partition);
    for (let batch = pending[0]; batch !== undefined && batch.end <= through; batch = pending[0]) {
      this.counts.chunks += batch.dataCount;
      this.counts.bytes += batch.dataBytes;
      pending.shift();
    }
    this.#options.events.onAcknowledged(partition, through, stampNs);
  }

  #lane(partition: number): Lane {
    const lane = this.#lanes[partition];
    assert(lane !== undefined, `no partition ${partition}`);
    return lane;
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function clear(lane: Lane): void {
  lane.usedBytes = BATCH_HEADER_BYTES;
  lane.count = 0;
  lane.dataCount = 0;
  lane.dataBytes = 0;
}
