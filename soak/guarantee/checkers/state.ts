/**
 * State and offsets together (invariants 2 and 3): the committed state of a shard equals a fold of its journal by
 * node:crypto up to the committed offset: open files, producers' next indexes, finished sums.
 *
 * It follows each journal with one hash for each open file. By the order of a history, the fold stands exactly at the
 * offset of a checkpoint when the checkpoint comes.
 */

import { unreachable } from '../../../src/core/assert.ts';
import type { ViolationKind, ViolationWitness } from '../../../src/core/errors.ts';
import { SUMS_JOURNAL, chunkJournal } from '../../../src/journal/journals.ts';
import type { Batch } from '../../../src/message/batch.ts';
import { fileIdOf, fileNumberOf } from '../../../src/message/chunk.ts';
import { SUM_BYTES, encodeSum } from '../../../src/message/sum.ts';
import { type BatchEvent, BatchReader, partitionOfJournal, shardOfProducer } from './batch-reader.ts';
import type { ChunkCursor } from './chunk-cursor.ts';
import { FindingList } from './finding-list.ts';
import { GatheredHash, GatheringSlots } from './gathered-hash.ts';
import type { Checker, Findings, HistoryEvent, OpenFileState } from '../history.ts';

type Checkpoint = Extract<HistoryEvent, { event: 'checkpoint' }>;

type OpenFile = { readonly hash: GatheredHash; bytes: number; lastSequence: number };

/** A finished file whose sum is not in the sums journal. `digest` null: it was not computed, and `hash` has it. */
type Unpublished = {
  readonly fileId: string;
  readonly lastSequence: number;
  readonly bytes: number;
  readonly hash: GatheredHash;
  readonly digest: string | null;
};

type ProducerFold = {
  next: number;
  /** Files of this partition begin in the order of their numbers; all up to this one have begun. */
  lastFile: number;
  readonly files: Map<number, OpenFile>;
};

type ShardFold = {
  offset: number;
  nextSum: number;
  readonly producers: Map<string, ProducerFold>;
  readonly ended: Set<string>;
  /** Index of the shard's next sum in the sums journal. */
  sumsRead: number;
  /** By index, the files of the sums from `sumsRead` to `nextSum`. */
  readonly unpublished: Map<number, Unpublished>;
  end: Checkpoint | null;
};

/** A difference between a checkpoint and the fold. */
type Difference = { readonly kind: ViolationKind; readonly detail: string } & ViolationWitness;

export class StateChecker implements Checker {
  readonly name = 'state';
  readonly #found = new FindingList(this.name);
  readonly #reader: BatchReader;
  readonly #slots = new GatheringSlots();
  readonly #shards = new Map<number, ShardFold>();
  readonly #heads = new Map<string, number>();
  /** The current producer of each process, and producers that are over: drained, or replaced by another. */
  readonly #currentProducers = new Map<string, string>();
  readonly #overProducers = new Set<string>();
  #hasEnded = false;
  #isBlind = false;

  constructor(reader: BatchReader = new BatchReader()) {
    this.#reader = reader;
  }

  observe(event: HistoryEvent): void {
    this.#found.at(event);
    if (this.#isBlind) return;
    if (event.event === 'batch') this.#read(event);
    else if (event.event === 'checkpoint') this.#compare(event);
    else if (event.event === 'producer') this.#begin(event.process, event.producer);
    else if (event.event === 'drained') this.#overProducers.add(event.producer);
    else if (event.event === 'head') this.#heads.set(event.journal, event.offset);
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
      for (const [number, { end, sumsRead }] of this.#shards) if (end !== null) this.#judgeEnd(number, end, sumsRead);
    }
    return this.#found.findings;
  }

  #begin(process: string, producer: string): void {
    const before = this.#currentProducers.get(process);
    if (before !== undefined && before !== producer) this.#overProducers.add(before);
    this.#currentProducers.set(process, producer);
  }

  // --- folding ---

  #read(event: BatchEvent): void {
    const partition = partitionOfJournal(event.journal);
    if (partition !== null) this.#shard(partition).offset = event.end;
    const batch = this.#reader.readNew(event);
    if (batch === null) return;
    switch (batch.kind) {
      case 'sums':
        this.#readSums(batch);
        break;
      case 'end':
        if (partition !== null) this.#endProducer(this.#shard(partition), batch.producer);
        break;
      case 'chunks':
        if (partition !== null) this.#fold(this.#shard(partition), batch);
        break;
      default:
        unreachable(batch.kind);
    }
  }

  #shard(number: number): ShardFold {
    let shard = this.#shards.get(number);
    if (shard === undefined) {
      shard = {
        offset: 0,
        nextSum: 0,
        producers: new Map(),
        ended: new Set(),
        sumsRead: 0,
        unpublished: new Map(),
        end: null,
      };
      this.#shards.set(number, shard);
    }
    return shard;
  }

  #readSums({ producer, firstIndex, count }: Batch): void {
    const number = shardOfProducer(producer);
    if (number === null) return;
    const shard = this.#shard(number);
    const read = firstIndex + count - shard.sumsRead;
    if (read <= 0) return;
    for (let index = shard.sumsRead; index < shard.sumsRead + read; index += 1) {
      shard.unpublished.get(index)?.hash.free();
      shard.unpublished.delete(index);
    }
    shard.sumsRead += read;
  }

  #endProducer(shard: ShardFold, producer: string): void {
    for (const { hash } of shard.producers.get(producer)?.files.values() ?? []) hash.free();
    shard.producers.delete(producer);
    shard.ended.add(producer);
  }

  #fold(shard: ShardFold, batch: Batch): void {
    let producer = shard.producers.get(batch.producer);
    if (producer === undefined) {
      if (shard.ended.has(batch.producer)) return;
      producer = { next: 0, lastFile: -1, files: new Map() };
      shard.producers.set(batch.producer, producer);
    }
    const record = this.#reader.recordsOf(batch);
    for (let index = batch.firstIndex; record.next(); index += 1) {
      // Records below the next index were folded before.
      if (index >= producer.next) this.#foldRecord(shard, producer, { id: batch.producer, record });
    }
    producer.next = Math.max(producer.next, batch.firstIndex + batch.count);
  }

  #foldRecord(
    shard: ShardFold,
    producer: ProducerFold,
    { id, record }: { readonly id: string; readonly record: ChunkCursor },
  ): void {
    const { view, fileNumber, sequence, dataBytes, dataOffset } = record;
    let file = producer.files.get(fileNumber);
    if (dataBytes === 0) {
      this.#finishFile(shard, fileIdOf(id, fileNumber), file, sequence);
      producer.files.delete(fileNumber);
    } else {
      if (file === undefined) {
        file = { hash: new GatheredHash(this.#slots), bytes: 0, lastSequence: 0 };
        producer.files.set(fileNumber, file);
      }
      file.hash.update(view, dataOffset, dataOffset + dataBytes);
      file.bytes += dataBytes;
      file.lastSequence = sequence;
    }
    producer.lastFile = Math.max(producer.lastFile, fileNumber);
  }

  #finishFile(shard: ShardFold, fileId: string, file: OpenFile | undefined, lastSequence: number): void {
    const index = shard.nextSum;
    shard.nextSum += 1;
    const { hash, bytes } = file ?? { hash: new GatheredHash(this.#slots), bytes: 0 };
    const isAsked = index >= shard.sumsRead;
    const digest = isAsked && this.#slots.areScarce ? hash.digest() : null;
    if (isAsked) shard.unpublished.set(index, { fileId, lastSequence, bytes, hash, digest });
    if (!isAsked || digest !== null) hash.free();
  }

  // --- comparing ---

  #compare(checkpoint: Checkpoint): void {
    const shard = this.#shard(checkpoint.shard);
    if (checkpoint.moment === 'end') shard.end = checkpoint;
    const difference =
      differenceOfOffset(shard, checkpoint) ??
      differenceOfIndexes(shard, checkpoint) ??
      this.#differenceOfFiles(shard, checkpoint) ??
      differenceOfSums(shard, checkpoint);
    if (difference === null) return;
    const { kind, detail, ...witness } = difference;
    const { process, moment, offset } = checkpoint;
    const whole = `${detail} (the state of ${process} at its ${moment})`;
    this.#found.violation(kind, whole, { journal: chunkJournal(checkpoint.shard), offset, ...witness });
  }

  #differenceOfFiles(shard: ShardFold, checkpoint: Checkpoint): Difference | null {
    for (const [file, state] of Object.entries(checkpoint.openFiles)) {
      const difference = this.#differenceOfFile(shard, checkpoint, file, state);
      if (difference !== null) return difference;
    }
    for (const [id, { files }] of shard.producers) {
      for (const fileNumber of files.keys()) {
        const file = fileIdOf(id, fileNumber);
        if (checkpoint.openFiles[file] !== undefined) continue;
        const kind = checkpoint.nextSum > shard.nextSum ? 'state-ahead' : 'state-behind';
        return { kind, detail: 'the file is open in the journal, and not in the state', file };
      }
    }
    return null;
  }

  #differenceOfFile(shard: ShardFold, { moment }: Checkpoint, file: string, state: OpenFileState): Difference | null {
    const id = file.slice(0, 16);
    const fileNumber = fileNumberOf(file);
    const isOver = shard.ended.has(id) || (moment === 'end' && this.#overProducers.has(id));
    if (isOver) return { kind: 'leak', detail: 'the file is open, and its producer is over', file };
    const producer = shard.producers.get(id);
    const open = producer?.files.get(fileNumber);
    if (open === undefined) {
      const hasBegun = fileNumber <= (producer?.lastFile ?? -1);
      return hasBegun
        ? { kind: 'state-behind', detail: 'the file is open in the state, and has ended in the journal', file }
        : { kind: 'state-ahead', detail: 'the file is open in the state, and has not begun in the journal', file };
    }
    if (state.lastSequence !== open.lastSequence) {
      const kind = state.lastSequence > open.lastSequence ? 'state-ahead' : 'state-behind';
      return { kind, detail: `chunk ${state.lastSequence} is folded last, and should be ${open.lastSequence}`, file };
    }
    const digest = open.hash.digest();
    if (state.bytes === open.bytes && state.digest === digest) return null;
    const detail =
      `after chunk ${state.lastSequence} the state is ${state.digest} of ${state.bytes} bytes, ` +
      `and should be ${digest} of ${open.bytes}`;
    return { kind: 'mismatched', detail, file };
  }

  #judgeEnd(number: number, { offset, nextSum }: Checkpoint, sumsRead: number): void {
    const journal = chunkJournal(number);
    const head = this.#heads.get(journal) ?? offset;
    const witness = { journal, offset };
    if (offset < head) this.#found.violation('state-behind', `the journal ends at ${head}`, witness);
    if (offset > head) this.#found.violation('state-ahead', `the journal ends at ${head}`, witness);
    const detail = `${nextSum} sums are finished, and ${sumsRead} are in the sums journal`;
    const sum = { journal: SUMS_JOURNAL, index: Math.min(nextSum, sumsRead) };
    if (!this.#heads.has(SUMS_JOURNAL)) return;
    if (nextSum > sumsRead) this.#found.violation('lost', detail, sum);
    if (nextSum < sumsRead) this.#found.violation('state-behind', detail, sum);
  }
}

function differenceOfOffset({ offset }: ShardFold, checkpoint: Checkpoint): Difference | null {
  if (checkpoint.offset === offset) return null;
  const kind = checkpoint.offset > offset ? 'state-ahead' : 'state-behind';
  return { kind, detail: `the state is folded to ${checkpoint.offset}, and was to ${offset} before` };
}

function differenceOfIndexes(shard: ShardFold, { nextIndexes }: Checkpoint): Difference | null {
  for (const [id, next] of Object.entries(nextIndexes)) {
    if (shard.ended.has(id)) return { kind: 'state-behind', detail: `producer ${id} has ended`, index: next };
    const folded = shard.producers.get(id)?.next ?? 0;
    if (next === folded) continue;
    const kind = next > folded ? 'state-ahead' : 'state-behind';
    return { kind, detail: `the next record of ${id} is ${next}, and should be ${folded}`, index: folded };
  }
  for (const [id, { next }] of shard.producers) {
    if (nextIndexes[id] !== undefined || next === 0) continue;
    return { kind: 'state-behind', detail: `the next record of ${id} is unknown, and should be ${next}`, index: next };
  }
  return null;
}

function differenceOfSums(shard: ShardFold, { nextSum, outbox, moment }: Checkpoint): Difference | null {
  if (nextSum !== shard.nextSum) {
    const kind = nextSum > shard.nextSum ? 'state-ahead' : 'state-behind';
    const index = Math.min(nextSum, shard.nextSum);
    return { kind, detail: `${nextSum} sums are finished, and should be ${shard.nextSum}`, index };
  }
  // Invariant 4: a sum is published when the transaction that finished it is durable. At the end all sums are judged.
  if (moment !== 'end' && nextSum < shard.sumsRead) {
    const detail = `${nextSum} sums are finished, and ${shard.sumsRead} are in the sums journal`;
    return { kind: 'state-behind', detail, index: nextSum };
  }
  let next: number | null = null;
  for (const { first, sums } of outbox) {
    if (next !== null && first !== next) {
      const kind = first > next ? 'gap' : 'duplicate';
      return { kind, detail: `the outbox holds sum ${first} after sum ${next - 1}`, index: next };
    }
    const wrong = wrongSum(shard, first, sums);
    if (wrong !== null) return { kind: 'mismatched', detail: 'a sum in the outbox is wrong', ...wrong };
    next = first + sums.length / SUM_BYTES;
  }
  if (next === null || next === nextSum) return null;
  const kind = next > nextSum ? 'state-ahead' : 'state-behind';
  return { kind, detail: `the outbox ends before sum ${next}, the next one is ${nextSum}`, index: next };
}

/** The first sum that differs. Sums that are by now in the sums journal are compared there. */
function wrongSum(
  { sumsRead, unpublished: unpublishedSums }: ShardFold,
  first: number,
  sums: Uint8Array,
): ViolationWitness | null {
  for (let at = 0; at * SUM_BYTES < sums.length; at += 1) {
    const index = first + at;
    const unpublished = index < sumsRead ? undefined : unpublishedSums.get(index);
    const sum = sums.subarray(at * SUM_BYTES, (at + 1) * SUM_BYTES);
    if (unpublished === undefined || expectedSum(unpublished).compare(sum) === 0) continue;
    return { index, file: Buffer.from(sum.buffer, sum.byteOffset, 16).toString('hex') };
  }
  return null;
}

function expectedSum({ fileId, lastSequence, bytes, hash, digest }: Unpublished): Buffer {
  return encodeSum({ fileId, lastSequence, bytes, digest: digest ?? hash.digest() });
}
