/**
 * The engine for more than one machine: journals of a Gazette cluster, with ownership in its etcd.
 *
 * Appends are in `appends.ts`, reads in `stream.ts`, the state of shards in `state-journal.ts`, ownership in
 * `registry.ts`, and what an answer means in `status.ts`.
 */

import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { Clock } from '../../core/clock.ts';
import { OperatingError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { crc32c } from '../../hash/crc32c.ts';
import { BATCH_BYTES_MAX, type Batch, decodeBatch, shardProducer } from '../../message/batch.ts';
import {
  type AppendOutcome,
  type ExpectedOutcome,
  type Journals,
  type JournalsInfo,
  PARTITIONS_MAX,
  type PinOutcome,
  type RaiseOptions,
  type RaiseOutcome,
  type ReadStream,
  SUMS_JOURNAL,
  type ShardEpoch,
  type VouchOutcome,
  chunkJournal,
} from '../journals.ts';
import type { StateLog } from '../state-log.ts';
import { decodeWitness, encodeWitness } from '../witness.ts';
import { AppendLane } from './appends.ts';
import { Brokers } from './brokers.ts';
import { Etcd, closedError } from './etcd.ts';
import { STATE_FRAMES } from './frames.ts';
import { Indexes } from './indexes.ts';
import { Registry } from './registry.ts';
import type { RpcCalls } from './rpc.ts';
import { missingJournal } from './status.ts';
import { StateJournal } from './state-journal.ts';
import { GazetteStream, type StreamOptions } from './stream.ts';

/** Bytes that may wait while a journal is searched. */
const SEARCH_CREDIT_BYTES = 8 * 1024 * 1024;

export type GazetteOptions = {
  readonly clock: Clock;
  /** As the user named it. */
  readonly address: string;
  /** Stands before the name of each journal, and of each key in etcd; ends with a slash. */
  readonly prefix: string;
  /** Is told what the cluster does not answer. */
  readonly log?: Log | undefined;
};

export class GazetteJournals implements Journals {
  readonly #options: GazetteOptions;
  readonly #rpc: RpcCalls;
  readonly #closed = new AbortController();
  readonly #brokers: Brokers;
  readonly #registry: Registry;
  readonly #indexes: Indexes;
  readonly #lanes = new Map<string, AppendLane>();
  readonly #streams = new Set<GazetteStream>();

  /** The calls are this client's: it closes them. */
  constructor(rpc: RpcCalls, options: GazetteOptions) {
    const { clock, prefix, log } = options;
    const { signal } = this.#closed;
    // Each lane, barrier and request to etcd may wait at the same time.
    setMaxListeners(0, signal);
    this.#options = options;
    this.#rpc = rpc;
    this.#brokers = new Brokers({ rpc: this.#rpc, clock, signal, prefix, log });
    const etcd = new Etcd({ rpc: this.#rpc, clock, signal, log });
    this.#registry = new Registry({ etcd, prefix: `/${prefix}`, newName: randomUUID });
    this.#indexes = new Indexes({
      brokers: this.#brokers,
      registry: this.#registry,
      clock,
      read: (journal, offset, needed) => this.#stream(journal, offset, { creditBytes: SEARCH_CREDIT_BYTES, needed }),
    });
  }

  async append(journal: string, bytes: Uint8Array, owner?: ShardEpoch): Promise<AppendOutcome> {
    if (this.#closed.signal.aborted) return { outcome: 'unknown' };
    if (bytes.length > BATCH_BYTES_MAX) return rejected(`${bytes.length} bytes are too many for a batch`);
    const batch = decodeBatch(bytes, journal, crc32c);
    if ('fault' in batch) return { outcome: 'corrupt', reason: batch.fault };
    const why = whyNot(journal, batch, owner);
    if (why !== null) return rejected(why);
    const { kind, firstIndex, count, producer } = batch;
    return await this.#lane(journal, producer).append({ batch: bytes, header: { kind, firstIndex, count }, owner });
  }

  async expected(journal: string, producer: string, owner?: ShardEpoch): Promise<ExpectedOutcome> {
    const fenced = owner === undefined ? null : await this.#registry.fencing(owner);
    if (fenced !== null) return fenced;
    const { next, ended } = await this.#indexes.ask(journal, producer);
    return ended
      ? { outcome: 'ended', n: next }
      : { outcome: 'expected', n: next, stampNs: this.#options.clock.nowNs() };
  }

  read(journal: string, offset: number, options: { creditBytes: number; owner?: ShardEpoch }): ReadStream {
    return this.#stream(journal, offset, options);
  }

  #stream(
    journal: string,
    offset: number,
    options: Pick<StreamOptions, 'creditBytes' | 'owner' | 'frames' | 'needed'>,
  ): GazetteStream {
    const stream = new GazetteStream({
      rpc: this.#rpc,
      clock: this.#options.clock,
      brokers: this.#brokers,
      registry: this.#registry,
      journal,
      offset,
      ...options,
      onClosed: (closed) => this.#streams.delete(closed),
    });
    if (this.#closed.signal.aborted) stream.close();
    else this.#streams.add(stream);
    return stream;
  }

  async head(journal: string): Promise<number> {
    return (await this.#brokers.barrier(journal)).end;
  }

  async list(): Promise<JournalsInfo> {
    const names = await this.#names();
    const partitions = names.length - 1;
    const [journals, shards] = await Promise.all([
      Promise.all(
        names.map(async (name) => {
          const [begin, head] = await Promise.all([this.#brokers.begin(name), this.head(name)]);
          return { name, begin: Math.min(begin, head), head };
        }),
      ),
      Promise.all(Array.from({ length: partitions }, (_, shard) => this.#registry.shard(shard))),
    ]);
    return { partitions, batchBytesMax: BATCH_BYTES_MAX, journals, shards };
  }

  /** The chunk journals by partition, and the sums journal last. */
  async #names(): Promise<string[]> {
    const { prefix } = this.#options;
    const found = new Set(await this.#brokers.list());
    let partitions = 0;
    while (partitions < PARTITIONS_MAX && found.has(`${prefix}${chunkJournal(partitions)}`)) partitions += 1;
    if (partitions === 0) throw missingJournal(`${prefix}${chunkJournal(0)}`);
    if (!found.has(`${prefix}${SUMS_JOURNAL}`)) throw missingJournal(`${prefix}${SUMS_JOURNAL}`);
    return [...Array.from({ length: partitions }, (_, partition) => chunkJournal(partition)), SUMS_JOURNAL];
  }

  /** The cluster, and how far each of its journals was seen durable. */
  get witness(): string | null {
    const { clusterId, known } = this.#brokers;
    if (clusterId === '' || known.size === 0) return null;
    const ends = [...known].map(([journal, end]) => `${journal}=${end}`).toSorted();
    const total = [...known.values()].reduce((sum, end) => sum + end, 0);
    return encodeWitness({ store: clusterId, incarnation: ends.join(','), commit: total }, this.#options.address);
  }

  async vouch(witness: string): Promise<VouchOutcome> {
    const decoded = decodeWitness(witness);
    const ends = decoded === null ? null : endsOf(decoded.incarnation);
    if (decoded === null || ends === null) {
      throw new OperatingError('ERR_WITNESS', `this is no witness of a cluster: ${witness}`);
    }
    // Of another cluster nothing else is asked: it may have no such journals.
    await this.#brokers.list();
    const { clusterId } = this.#brokers;
    if (clusterId !== decoded.store) {
      if (decoded.address !== this.#options.address) return { outcome: 'elsewhere', address: decoded.address };
      return { outcome: 'lost', detail: `the cluster was ${decoded.store}, and is ${clusterId} now` };
    }
    for (const [journal, end] of ends) {
      const head = await this.head(journal);
      if (head < end) return { outcome: 'lost', detail: `${journal} ended at ${end} or beyond, and ends at ${head}` };
    }
    return { outcome: 'held' };
  }

  raise(shard: number, path: string, options: RaiseOptions): Promise<RaiseOutcome> {
    return this.#registry.raise(shard, path, options);
  }

  confirm(owner: ShardEpoch, path: string): Promise<'confirmed' | 'fenced'> {
    return this.#registry.confirm(owner, path);
  }

  report(owner: ShardEpoch, offset: number): Promise<'reported' | 'fenced'> {
    return this.#registry.report(owner, offset);
  }

  openState(owner: ShardEpoch): StateLog {
    return new StateJournal({
      owner,
      brokers: this.#brokers,
      registry: this.#registry,
      clock: this.#options.clock,
      signal: this.#closed.signal,
      read: (journal, offset, needed) =>
        this.#stream(journal, offset, { creditBytes: SEARCH_CREDIT_BYTES, frames: STATE_FRAMES, needed }),
    });
  }

  async pin(journal: string, name: string): Promise<PinOutcome> {
    const found = await this.#indexes.findAll(journal);
    await this.#registry.makePin(journal, name, found.offset);
    return found;
  }

  /** A pin of this engine never expires, so that it makes no difference whether its reader leaves. */
  movePin(journal: string, name: string, offset: number): Promise<'moved' | 'missing'> {
    return this.#registry.movePin(journal, name, offset);
  }

  release(journal: string, name: string): Promise<void> {
    return this.#registry.releasePin(journal, name);
  }

  retire(journal: string, producer: string): Promise<void> {
    return this.#lane(journal, producer).retire();
  }

  close(): void {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort(closedError());
    for (const stream of this.#streams) stream.close();
    for (const lane of this.#lanes.values()) lane.lose();
    this.#rpc.close();
  }

  #lane(journal: string, producer: string): AppendLane {
    const key = `${journal}/${producer}`;
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = new AppendLane({
        journal,
        producer,
        brokers: this.#brokers,
        registry: this.#registry,
        indexes: this.#indexes,
        clock: this.#options.clock,
        signal: this.#closed.signal,
      });
      this.#lanes.set(key, lane);
    }
    return lane;
  }
}

function rejected(reason: string): AppendOutcome {
  return { outcome: 'rejected', reason };
}

/** Why a batch has no place in a journal; `null`: it has. */
function whyNot(journal: string, { kind, producer, epoch }: Batch, owner: ShardEpoch | undefined): string | null {
  if (journal !== SUMS_JOURNAL) return kind === 'sums' ? `${journal} takes no sums` : null;
  if (kind !== 'sums') return 'the sums journal takes sums alone';
  if (owner === undefined) return 'sums need the epoch of their shard';
  if (producer !== shardProducer(owner.shard)) return `producer ${producer} is not that of shard ${owner.shard}`;
  return epoch === owner.epoch ? null : `the batch has epoch ${epoch}, its writer ${owner.epoch}`;
}

function endsOf(text: string): Map<string, number> | null {
  const ends = new Map<string, number>();
  for (const part of text.split(',')) {
    const [journal, end] = part.split('=');
    if (journal === undefined || !/^\d+$/.test(end ?? '')) return null;
    ends.set(journal, Number(end));
  }
  return ends;
}
