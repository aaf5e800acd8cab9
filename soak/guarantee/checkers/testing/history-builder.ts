/**
 * Makes histories as a faultless system would leave them: real workloads and generators, real batches, sums by
 * node:crypto, restarts of summers and chunkers in between, and journals that are read early or late. A test plants its
 * error by a `Tampering`, which changes what is written, or by changing events afterwards.
 */

import { Generator } from '../../../../src/chunker/stream/generator.ts';
import { Prng } from '../../../../src/core/prng.ts';
import { SUMS_JOURNAL, chunkJournal } from '../../../../src/journal/journals.ts';
import { shardProducer } from '../../../../src/message/batch.ts';
import { fileIdOf } from '../../../../src/message/chunk.ts';
import { type Sum, encodeSum } from '../../../../src/message/sum.ts';
import { Workload, type WorkloadOptions } from '../../../../src/workload/workload.ts';
import type { HistoryEvent } from '../../history.ts';
import { Log, Shard } from './built-journal.ts';

export type Checkpoint = Extract<HistoryEvent, { event: 'checkpoint' }>;

export type RecordPlace = { readonly producer: string; readonly partition: number; readonly index: number };

/** Replaces what is written. A function that returns its argument changes nothing. */
export type Tampering = {
  /** The records that stand in the journal instead of this one. */
  readonly record?: (record: Buffer, place: RecordPlace) => readonly Buffer[];
  /** The sums that are published instead of this one. */
  readonly sum?: (sum: Sum, place: { readonly shard: number; readonly index: number }) => readonly Sum[];
  /** The epoch under which a batch of sums is written. */
  readonly epoch?: (epoch: number, place: { readonly shard: number; readonly index: number }) => number;
  readonly checkpoint?: (checkpoint: Checkpoint) => Checkpoint;
};

export type HistoryOptions = {
  readonly seed: number;
  readonly chunkers: number;
  readonly partitions: number;
  readonly filesOpen: number;
  readonly chunks: WorkloadOptions['chunks'];
  readonly chunkBytes: WorkloadOptions['chunkBytes'];
  /** The most records that a chunker generates in one round. */
  readonly records: number;
  readonly tampering: Tampering;
};

export const SLA_MS = 1_000;
const ROUNDS: readonly (readonly ['warm-up' | 'steady' | 'faults' | 'heal', number])[] = [
  ['warm-up', 6],
  ['steady', 8],
  ['faults', 12],
  ['heal', 6],
];

export function buildHistory(options: Partial<HistoryOptions> = {}): HistoryEvent[] {
  return new HistoryBuilder({
    seed: 1,
    chunkers: 2,
    partitions: 3,
    filesOpen: 5,
    chunks: { low: 0, high: 6 },
    chunkBytes: { low: 1, high: 90 },
    records: 40,
    tampering: {},
    ...options,
  }).build();
}

/** An event without its time. */
type Said<Event> = Event extends unknown ? Omit<Event, 'atNs'> : never;

type Chunker = {
  readonly process: string;
  readonly producer: string;
  readonly workload: WorkloadOptions;
  readonly fileCount: number | null;
  readonly generator: Generator;
  /** By partition: records that are in no batch yet, and the index of the next batch. */
  readonly pending: Buffer[][];
  readonly nextIndexes: number[];
  filesCompleted: number;
};

class HistoryBuilder {
  readonly #options: HistoryOptions;
  readonly #prng: Prng;
  readonly #events: HistoryEvent[] = [];
  readonly #logs: Log[];
  readonly #sums = new Log(SUMS_JOURNAL);
  readonly #shards: Shard[];
  readonly #chunkers: Chunker[];
  readonly #verified = new Set<string>();
  #nowNs = 5e9;
  #faults = 0;

  constructor(options: HistoryOptions) {
    this.#options = options;
    this.#prng = Prng.fromSeed(options.seed, 0x6869_7374);
    this.#logs = Array.from({ length: options.partitions }, (_, partition) => new Log(chunkJournal(partition)));
    this.#shards = this.#logs.map(() => new Shard());
    this.#chunkers = Array.from({ length: options.chunkers }, (_, number) => this.#makeChunker(number));
  }

  build(): HistoryEvent[] {
    this.#begin();
    for (const [phase, rounds] of ROUNDS) {
      this.#say({ event: 'phase', phase });
      for (let round = 0; round < rounds; round += 1) {
        this.#round(true);
        if (phase === 'faults' && round % 4 === 1) this.#restartSummer();
        if (phase === 'faults' && round % 4 === 3) this.#restartChunker();
      }
    }
    this.#drain();
    this.#end();
    return this.#events;
  }

  #makeChunker(number: number): Chunker {
    const { seed, partitions, filesOpen, chunks, chunkBytes } = this.#options;
    const workload = { seed, chunkerNumber: number, filesOpen, chunks, chunkBytes, partitions };
    const producer = fileIdOf('', seed * 16 + number).replace(/^../, 'c0');
    const fileCount = number % 2 === 1 ? 60 : null;
    return {
      process: `chunker-${number}`,
      producer,
      workload,
      fileCount,
      generator: new Generator({ workload: new Workload(workload), producer, fileCount }),
      pending: Array.from({ length: partitions }, () => []),
      nextIndexes: Array.from({ length: partitions }, () => 0),
      filesCompleted: 0,
    };
  }

  #say(event: Said<HistoryEvent>): void {
    this.#nowNs += this.#prng.between(1, 1_000);
    this.#events.push({ ...event, atNs: this.#nowNs });
  }

  #begin(): void {
    const { seed, partitions } = this.#options;
    const processes = ['broker', 'summer-0', ...this.#chunkers.map(({ process }) => process)];
    const faults = { 'kill-summer': 3, 'kill-chunker': 1 };
    this.#say({ event: 'run', seed, slaMs: SLA_MS, partitions, processes, faults, tells: ['completed'] });
    for (const process of processes) this.#say({ event: 'started', process });
    for (const shard of this.#shards.keys()) this.#claim(shard);
    for (const chunker of this.#chunkers) this.#sayProducer(chunker);
    for (const process of processes) this.#say({ event: 'ready', process });
  }

  #sayProducer({ process, producer, workload, fileCount }: Chunker): void {
    this.#say({ event: 'producer', process, producer, workload, fileCount });
  }

  #claim(shard: number): void {
    const claim = { process: 'summer-0', shard, epoch: this.#shards[shard]?.epoch ?? 1, sumsHead: this.#sums.head };
    this.#say({ event: 'raised', ...claim });
    this.#say({ event: 'confirmed', ...claim });
  }

  /** Does a part of everything that can be done; without `isPartly` everything. */
  #round(isPartly: boolean): void {
    this.#nowNs += this.#prng.between(1, 20) * 1e6;
    for (const chunker of this.#chunkers) this.#generate(chunker, this.#part(this.#options.records, isPartly));
    for (const chunker of this.#chunkers) this.#append(chunker, isPartly);
    for (const [partition, shard] of this.#shards.entries()) this.#fold(shard, partition, isPartly);
    const isEager = this.#prng.below(2) === 0;
    if (isEager) this.#showChunks(isPartly);
    for (const [number, shard] of this.#shards.entries()) this.#publish(shard, number, isPartly);
    this.#showSums();
    if (!isEager) this.#showChunks(isPartly);
  }

  #part(of: number, isPartly: boolean): number {
    return isPartly ? this.#prng.between(0, of) : of;
  }

  #generate(chunker: Chunker, records: number): void {
    const { generator, producer } = chunker;
    for (let made = 0; made < records; made += 1) {
      const next = generator.peek();
      if (next === null) return;
      const { partition, fileNumber, isEnd, recordBytes } = next;
      const index = generator.indexes[partition] ?? 0;
      const record = Buffer.alloc(recordBytes);
      generator.write(new DataView(record.buffer, record.byteOffset, record.length), 0);
      const written = this.#options.tampering.record?.(record, { producer, partition, index }) ?? [record];
      chunker.pending[partition]?.push(...written);
      if (!isEnd) continue;
      chunker.filesCompleted += 1;
      this.#say({ event: 'completed', producer, fileNumber, endIndex: index, intendedNs: this.#nowNs });
    }
  }

  #append({ pending, nextIndexes, producer }: Chunker, isPartly: boolean): void {
    for (const [partition, records] of pending.entries()) {
      while (records.length > 0) {
        const count = this.#prng.between(1, records.length);
        const first = nextIndexes[partition] ?? 0;
        const header = { kind: 'chunks', producer, firstIndex: first, count, epoch: 0 } as const;
        this.#logs[partition]?.append(header, Buffer.concat(records.splice(0, count)), this.#nowNs);
        nextIndexes[partition] = first + count;
        if (isPartly && this.#prng.below(3) === 0) break;
      }
      if (isPartly && this.#prng.below(3) === 0) continue;
      this.#acknowledge(producer, partition, nextIndexes[partition] ?? 0);
    }
  }

  #acknowledge(producer: string, partition: number, through: number): void {
    if (through > 0) this.#say({ event: 'acknowledged', producer, partition, through, stampNs: this.#nowNs });
  }

  #fold(shard: Shard, partition: number, isPartly: boolean): void {
    const unread = this.#logs[partition]?.batches.slice(shard.folded) ?? [];
    for (const batch of unread.slice(0, this.#part(unread.length, isPartly))) shard.fold(batch);
  }

  #publish(shard: Shard, number: number, isPartly: boolean): void {
    const { sum: replace, epoch: replaceEpoch } = this.#options.tampering;
    const count = this.#part(shard.sums.length - shard.published, isPartly);
    const sums = shard.sums.slice(shard.published, shard.published + count);
    const written = sums.flatMap((sum, at) => replace?.(sum, { shard: number, index: shard.published + at }) ?? [sum]);
    shard.published += count;
    if (written.length === 0) return;
    const place = { shard: number, index: shard.nextIndex };
    const header = {
      kind: 'sums',
      producer: shardProducer(number),
      firstIndex: shard.nextIndex,
      count: written.length,
      epoch: replaceEpoch?.(shard.epoch, place) ?? shard.epoch,
    } as const;
    this.#sums.append(header, Buffer.concat(written.map(encodeSum)), this.#nowNs);
    shard.nextIndex += written.length;
  }

  /** Shows chunk journals only as far as they are folded. */
  #showChunks(isPartly: boolean): void {
    for (const [partition, shard] of this.#shards.entries()) {
      const log = this.#logs[partition];
      if (log !== undefined) this.#show(log, this.#part(shard.folded - log.shown, isPartly));
    }
  }

  #show(log: Log, count: number): void {
    for (const batch of log.batches.slice(log.shown, log.shown + count)) this.#say({ event: 'batch', ...batch });
    log.shown += count;
  }

  #showSums(): void {
    this.#show(this.#sums, this.#sums.batches.length - this.#sums.shown);
    for (const { sums, published } of this.#shards) {
      for (const { fileId } of sums.slice(0, published)) {
        if (this.#verified.has(fileId)) continue;
        this.#verified.add(fileId);
        this.#say({
          event: 'verified',
          producer: fileId.slice(0, 16),
          fileNumber: Number.parseInt(fileId.slice(16), 16),
        });
      }
    }
  }

  #fault(kind: string, target: string): void {
    this.#faults += 1;
    this.#say({ event: 'fault', id: this.#faults, kind, target });
    this.#say({ event: 'fault-effective', id: this.#faults, kind, target });
    this.#say({ event: 'ended', process: target, exitCode: null });
  }

  #restartSummer(): void {
    this.#fault('kill-summer', 'summer-0');
    this.#showChunks(false);
    this.#checkpoints('restart');
    this.#say({ event: 'started', process: 'summer-0' });
    for (const [number, shard] of this.#shards.entries()) {
      shard.epoch += 1;
      this.#claim(number);
    }
    this.#say({ event: 'ready', process: 'summer-0' });
  }

  /** The chunker repeats what it has said before. */
  #restartChunker(): void {
    const chunker = this.#chunkers[0];
    if (chunker === undefined) return;
    this.#fault('kill-chunker', chunker.process);
    this.#say({ event: 'started', process: chunker.process });
    this.#sayProducer(chunker);
    for (const [partition, through] of chunker.nextIndexes.entries()) {
      this.#acknowledge(chunker.producer, partition, through);
    }
    const said = this.#events.filter((event) => event.event === 'completed' && event.producer === chunker.producer);
    for (const event of said.slice(-5)) this.#events.push({ ...event, atNs: this.#nowNs });
    this.#say({ event: 'ready', process: chunker.process });
  }

  #checkpoints(moment: Checkpoint['moment']): void {
    const { tampering } = this.#options;
    for (const [number, shard] of this.#shards.entries()) {
      // The newest sums may be acknowledged and still be in the outbox.
      const first = Math.max(0, shard.published - this.#prng.below(3));
      const middle = this.#prng.between(first, shard.sums.length);
      const entries = [first, middle].map((from, at) => {
        const sums = shard.sums.slice(from, at === 0 ? middle : shard.sums.length);
        return { first: from, sums: Buffer.concat(sums.map(encodeSum)) };
      });
      const checkpoint = {
        event: 'checkpoint',
        process: 'summer-0',
        shard: number,
        moment,
        offset: shard.offset,
        nextSum: shard.sums.length,
        nextIndexes: Object.fromEntries(shard.nextIndexes),
        openFiles: shard.openFiles,
        outbox: entries.filter(({ sums }) => sums.length > 0),
        atNs: this.#nowNs,
      } as const;
      this.#say(tampering.checkpoint?.(checkpoint) ?? checkpoint);
    }
  }

  #drain(): void {
    this.#say({ event: 'phase', phase: 'drain' });
    for (const { generator, fileCount, producer } of this.#chunkers) {
      if (fileCount === null) this.#say({ event: 'ending', producer, endStep: generator.endSoon(0) });
    }
    while (!this.#chunkers.every(({ generator }) => generator.isEnded)) this.#round(true);
    this.#round(false);
    for (const { producer, nextIndexes } of this.#chunkers) {
      for (const [partition, firstIndex] of nextIndexes.entries()) {
        const header = { kind: 'end', producer, firstIndex, count: 1, epoch: 0 } as const;
        this.#logs[partition]?.append(header, new Uint8Array(0), this.#nowNs);
        nextIndexes[partition] = firstIndex + 1;
        this.#acknowledge(producer, partition, firstIndex + 1);
      }
    }
    this.#round(false);
    for (const { process, producer, filesCompleted } of this.#chunkers) {
      const totals = { verifiedTotal: filesCompleted, filesCompletedTotal: filesCompleted };
      this.#say({ event: 'drained', process, producer, ...totals });
      this.#say({ event: 'ended', process, exitCode: 0 });
    }
  }

  #end(): void {
    this.#say({ event: 'phase', phase: 'audit' });
    this.#say({ event: 'ended', process: 'summer-0', exitCode: 0 });
    this.#checkpoints('end');
    for (const { name, head } of [...this.#logs, this.#sums]) this.#say({ event: 'head', journal: name, offset: head });
    this.#say({ event: 'ended', process: 'broker', exitCode: 0 });
    this.#say({ event: 'end', events: this.#events.length });
  }
}
