/**
 * The generator: a random interleave of the chunks of many open files, one record a step. Step `n` is the same in every
 * run of the same workload, and the generator can be saved and restored at any step.
 *
 * The decision to end depends on time: from `endStep` on no file is opened. The owner makes that step durable before
 * anything is sent that depends on it.
 */

import { assert, isCount } from '../../core/assert.ts';
import { Prng } from '../../core/prng.ts';
import { CHUNK_HEADER_BYTES } from '../../message/chunk.ts';
import { PRODUCER_ID_BYTES, writeProducer } from '../../message/batch.ts';
import { type Workload, fillChunk } from '../../workload/workload.ts';

const GENERATOR = 0x67656e65;

export type GeneratorOptions = {
  readonly workload: Workload;
  readonly producer: string;
  /** Opens at most so many files; `null`: no bound. */
  readonly fileCount: number | null;
};

/** The record of the next step. One object, overwritten by each `peek`. */
export type NextRecord = {
  partition: number;
  fileNumber: number;
  fileSeed: number;
  /** Sequence of the chunk in its file, from 1; the end counts. */
  sequence: number;
  isEnd: boolean;
  /** Data bytes; 0 at the end of a file. */
  dataBytes: number;
  /** Bytes of the whole record. */
  recordBytes: number;
};

export class Generator {
  readonly #options: GeneratorOptions;
  readonly #workload: Workload;
  readonly #fileCount: number;
  readonly #producerWords: Int32Array;
  #prng: Prng;
  #step = 0;
  #endStep = Number.POSITIVE_INFINITY;
  #nextFile = 0;
  /** Next record index of each partition's journal. */
  readonly #indexes: number[];
  // The open files, dense: slot `i` of each array is one file.
  #open = 0;
  readonly #numbers: Float64Array;
  readonly #seeds: Int32Array;
  readonly #chunkCounts: Uint32Array;
  readonly #sequences: Uint32Array;
  readonly #partitions: Uint16Array;
  #slot = -1;
  readonly #next: NextRecord = {
    partition: 0,
    fileNumber: 0,
    fileSeed: 0,
    sequence: 0,
    isEnd: false,
    dataBytes: 0,
    recordBytes: 0,
  };

  constructor(options: GeneratorOptions) {
    const { seed, chunkerNumber, filesOpen, partitions } = options.workload.options;
    this.#options = options;
    this.#workload = options.workload;
    this.#fileCount = options.fileCount ?? Number.POSITIVE_INFINITY;
    const id = Buffer.alloc(PRODUCER_ID_BYTES);
    writeProducer(id, 0, options.producer);
    this.#producerWords = Int32Array.of(id.readInt32LE(0), id.readInt32LE(4));
    this.#prng = Prng.fromSeed(GENERATOR, seed % 0x1_0000_0000, Math.floor(seed / 0x1_0000_0000), chunkerNumber);
    this.#indexes = Array.from({ length: partitions }, () => 0);
    this.#numbers = new Float64Array(filesOpen);
    this.#seeds = new Int32Array(filesOpen);
    this.#chunkCounts = new Uint32Array(filesOpen);
    this.#sequences = new Uint32Array(filesOpen);
    this.#partitions = new Uint16Array(filesOpen);
  }

  /** The number of steps taken. */
  get step(): number {
    return this.#step;
  }

  get endStep(): number {
    return this.#endStep;
  }

  get filesOpen(): number {
    return this.#open;
  }

  /** The number of files opened so far, which is the number of the next file. */
  get nextFile(): number {
    return this.#nextFile;
  }

  /** Next record index in each partition's journal. */
  get indexes(): readonly number[] {
    return this.#indexes;
  }

  get isEnded(): boolean {
    return this.#open === 0 && !this.#opensFiles;
  }

  get #opensFiles(): boolean {
    return this.#step < this.#endStep && this.#nextFile < this.#fileCount;
  }

  /**
   * From the returned step on no file is opened. It is the first step whose record is not chosen yet, and not below
   * `notBefore`. Nothing of that step may be sent before the owner has made the decision durable.
   */
  endSoon(notBefore: number): number {
    this.endAt(Math.max(notBefore, this.#slot < 0 ? this.#step : this.#step + 1));
    return this.#endStep;
  }

  /** Applies the decision of an earlier incarnation. A snapshot that was taken after the decision already knows it. */
  endAt(step: number): void {
    if (step === this.#endStep) return;
    assert(step >= this.#step, 'the past does not change');
    this.#endStep = Math.min(step, this.#endStep);
  }

  /** The record of the next step, or `null` at the end. Calling it again changes nothing. */
  peek(): NextRecord | null {
    if (this.#slot < 0) {
      if (this.isEnded) return null;
      this.#choose();
    }
    return this.#next;
  }

  /** Writes the record that `peek` has shown, and takes the step. */
  write(view: DataView, offset: number): void {
    const slot = this.#slot;
    assert(slot >= 0, 'peek comes before write');
    const { dataBytes, fileNumber, fileSeed, sequence, partition, isEnd } = this.#next;
    view.setUint32(offset, dataBytes, true);
    view.setUint32(offset + 4, sequence, true);
    view.setInt32(offset + 8, this.#producerWords[0] ?? 0, true);
    view.setInt32(offset + 12, this.#producerWords[1] ?? 0, true);
    view.setUint32(offset + 16, Math.floor(fileNumber / 0x1_0000_0000), false);
    view.setUint32(offset + 20, fileNumber % 0x1_0000_0000, false);
    if (dataBytes > 0) fillChunk(view, offset + CHUNK_HEADER_BYTES, dataBytes, fileSeed, sequence);
    this.#advance(slot, sequence, partition, isEnd);
  }

  /** Takes the step without writing the record, which is already in the journal. */
  skip(): void {
    const slot = this.#slot;
    assert(slot >= 0, 'peek comes before skip');
    this.#advance(slot, this.#next.sequence, this.#next.partition, this.#next.isEnd);
  }

  #advance(slot: number, sequence: number, partition: number, isEnd: boolean): void {
    this.#sequences[slot] = sequence;
    this.#indexes[partition] = (this.#indexes[partition] ?? 0) + 1;
    this.#step += 1;
    this.#slot = -1;
    if (isEnd) this.#closeSlot(slot);
  }

  #choose(): void {
    const slots = this.#opensFiles ? this.#numbers.length : this.#open;
    let slot = this.#prng.below(slots);
    if (slot >= this.#open) slot = this.#openFile();
    const fileSeed = this.#seeds[slot] ?? 0;
    const sequence = (this.#sequences[slot] ?? 0) + 1;
    const isEnd = sequence > (this.#chunkCounts[slot] ?? 0);
    const next = this.#next;
    next.partition = this.#partitions[slot] ?? 0;
    next.fileNumber = this.#numbers[slot] ?? 0;
    next.fileSeed = fileSeed;
    next.sequence = sequence;
    next.isEnd = isEnd;
    next.dataBytes = isEnd ? 0 : this.#workload.chunkBytes(fileSeed, sequence);
    next.recordBytes = CHUNK_HEADER_BYTES + next.dataBytes;
    this.#slot = slot;
  }

  #openFile(): number {
    const slot = this.#open;
    this.#placeFile(slot, this.#nextFile, 0);
    this.#open += 1;
    this.#nextFile += 1;
    return slot;
  }

  #placeFile(slot: number, fileNumber: number, sequence: number): void {
    const seed = this.#workload.fileSeed(fileNumber);
    this.#numbers[slot] = fileNumber;
    this.#seeds[slot] = seed;
    this.#chunkCounts[slot] = this.#workload.chunkCount(seed);
    this.#sequences[slot] = sequence;
    this.#partitions[slot] = this.#workload.partitionOf(fileNumber);
  }

  #closeSlot(slot: number): void {
    this.#open -= 1;
    const last = this.#open;
    this.#numbers[slot] = this.#numbers[last] ?? 0;
    this.#seeds[slot] = this.#seeds[last] ?? 0;
    this.#chunkCounts[slot] = this.#chunkCounts[last] ?? 0;
    this.#sequences[slot] = this.#sequences[last] ?? 0;
    this.#partitions[slot] = this.#partitions[last] ?? 0;
  }

  /** Another generator at the same step, which goes on independently. */
  fork(): Generator {
    const copy = new Generator(this.#options);
    copy.#prng = Prng.fromState(this.#prng.state());
    copy.#step = this.#step;
    copy.#endStep = this.#endStep;
    copy.#nextFile = this.#nextFile;
    copy.#open = this.#open;
    copy.#slot = this.#slot;
    Object.assign(copy.#next, this.#next);
    for (const [partition, index] of this.#indexes.entries()) copy.#indexes[partition] = index;
    copy.#numbers.set(this.#numbers);
    copy.#seeds.set(this.#seeds);
    copy.#chunkCounts.set(this.#chunkCounts);
    copy.#sequences.set(this.#sequences);
    copy.#partitions.set(this.#partitions);
    return copy;
  }

  /** File numbers that are open. */
  openFiles(): number[] {
    return Array.from(this.#numbers.subarray(0, this.#open));
  }

  /**
   * The state at this step. Layout, little-endian: 8 f64 (step, end step, next file, open files, 4 words of the random
   * numbers' state), then one f64 index for each partition, then for each open file f64 number and u32 sequence.
   */
  save(): Buffer {
    assert(this.#slot < 0, 'a snapshot is taken between steps');
    const bytes = Buffer.alloc(HEADER_BYTES + this.#indexes.length * 8 + this.#open * OPEN_FILE_BYTES);
    const header = [this.#step, this.#endStep, this.#nextFile, this.#open, ...this.#prng.state(), ...this.#indexes];
    header.forEach((value, index) => bytes.writeDoubleLE(value, index * 8));
    let at = header.length * 8;
    for (let slot = 0; slot < this.#open; slot += 1) {
      bytes.writeDoubleLE(this.#numbers[slot] ?? 0, at);
      bytes.writeUInt32LE(this.#sequences[slot] ?? 0, at + 8);
      at += OPEN_FILE_BYTES;
    }
    return bytes;
  }

  /** Continues from a `save` with the same workload. Throws when the bytes cannot come from `save`. */
  restore(bytes: Buffer): void {
    const partitions = this.#indexes.length;
    assert(bytes.length >= HEADER_BYTES + partitions * 8, 'a snapshot has its header');
    const at = (index: number): number => bytes.readDoubleLE(index * 8);
    const open = at(3);
    assert(
      isCount(at(0)) && isCount(at(2)) && isCount(open) && open <= this.#numbers.length,
      'a snapshot has sound counts',
    );
    assert(bytes.length === HEADER_BYTES + partitions * 8 + open * OPEN_FILE_BYTES, 'a snapshot has its files');
    this.#step = at(0);
    this.#endStep = at(1);
    this.#nextFile = at(2);
    this.#prng = Prng.fromState([at(4), at(5), at(6), at(7)]);
    for (let partition = 0; partition < partitions; partition += 1) this.#indexes[partition] = at(8 + partition);
    this.#open = open;
    this.#slot = -1;
    for (let slot = 0; slot < open; slot += 1) {
      const place = HEADER_BYTES + partitions * 8 + slot * OPEN_FILE_BYTES;
      this.#placeFile(slot, bytes.readDoubleLE(place), bytes.readUInt32LE(place + 8));
    }
  }
}

const HEADER_BYTES = 64;
const OPEN_FILE_BYTES = 12;

/** Record indexes of each partition in a saved generator, without restoring it. */
export function savedIndexes(bytes: Buffer, partitions: number): number[] {
  return Array.from({ length: partitions }, (_, partition) => bytes.readDoubleLE(HEADER_BYTES + partition * 8));
}
