/** What bugs in the engine of a cluster are made of: its calls, changed on the way, and watchers of their harm. */

import { GazetteJournals } from '../../../src/journal/gazette/gazette-journals.ts';
import type { RpcCalls } from '../../../src/journal/gazette/rpc.ts';
import type * as wire from '../../../src/journal/gazette/wire.ts';
import type { Journals, StoredBatch } from '../../../src/journal/journals.ts';
import { WrappedJournals } from '../../../src/journal/wrapped-journals.ts';
import type { Batch } from '../../../src/message/batch.ts';
import { CLUSTER_PREFIX, type SimulatedCluster } from '../cluster/cluster.ts';
import type { Decorations, GazetteParts, Subject } from '../decorations.ts';
import { opened, resealed } from './decorated.ts';

/** Calls that forward each other call. */
export function changedCalls(inner: RpcCalls, changes: Partial<RpcCalls>): RpcCalls {
  return {
    append: (request, parts) => inner.append(request, parts),
    read: (...asked) => inner.read(...asked),
    readMetadata: (journal, offset) => inner.readMetadata(journal, offset),
    listJournals: (prefix) => inner.listJournals(prefix),
    get brokerCount() {
      return inner.brokerCount;
    },
    listFragments: (request, beyond) => inner.listFragments(request, beyond),
    apply: (request) => inner.apply(request),
    range: (request) => inner.range(request),
    txn: (request) => inner.txn(request),
    close: () => inner.close(),
    ...changes,
  };
}

/** A second engine of the same process over changed calls, which lives as long as the first. */
export function engineOver({ rpc, options }: GazetteParts, changes: Partial<RpcCalls>): GazetteJournals {
  return new GazetteJournals(changedCalls(rpc, { ...changes, close: () => {} }), options);
}

/** Every id that a process of the cluster ever had. */
export function allIds({ brokers }: SimulatedCluster): wire.ProcessId[] {
  return brokers.flatMap((broker) => Array.from({ length: broker.life }, (_, life) => broker.idOf(life + 1)));
}

/** The answer to a barrier as if everybody had acknowledged it. */
export function byEverybody(response: wire.AppendResponse, cluster: SimulatedCluster): wire.AppendResponse {
  const { header } = response;
  return header === null
    ? response
    : { ...response, header: { ...header, route: { members: allIds(cluster), primary: 0 } } };
}

/** Signals when a batch is handed on that the journal does not have at its place. */
export class WatchedReads extends WrappedJournals {
  readonly #parts: GazetteParts;
  readonly #subject: Subject;

  constructor(inner: Journals, parts: GazetteParts, subject: Subject) {
    super(inner);
    this.#parts = parts;
    this.#subject = subject;
  }

  override read(...[journal, offset, options]: Parameters<Journals['read']>): ReturnType<Journals['read']> {
    const stream = this.inner.read(journal, offset, options);
    return {
      close: () => stream.close(),
      next: async () => {
        const next = await stream.next();
        if (next !== null && 'bytes' in next && !this.#isCommitted(journal, next)) this.#subject.tookEffect();
        return next;
      },
    };
  }

  #isCommitted(journal: string, { begin, bytes }: StoredBatch): boolean {
    return this.#parts.cluster.journal(`${CLUSTER_PREFIX}${journal}`)?.hasBatch(begin, bytes) === true;
  }
}

/** Where a committed batch is, by its header alone: no checksum is looked at. */
export type Place = {
  readonly firstIndex: number;
  readonly next: number;
  readonly epoch: number;
  readonly isEnd: boolean;
};

const KIND_END = 3;

/** Signals when a batch is committed in a place where none should be. */
export function watchingCommitted(
  isHarm: (place: Place, before: PlacesBefore) => boolean,
): Pick<Decorations, 'committed'> {
  const befores = new Map<string, PlacesBefore>();
  return {
    committed: ({ journal, bytes, tookEffect }) => {
      const key = `${journal} ${bytes.toString('hex', 16, 24)}`;
      const before = befores.get(key) ?? { next: 0, epoch: 0, ends: 0 };
      const firstIndex = Number(bytes.readBigUInt64LE(24));
      const epoch = Number(bytes.readBigUInt64LE(32));
      const isEnd = bytes.readUInt16LE(10) === KIND_END;
      const next = firstIndex + bytes.readUInt32LE(12);
      if (isHarm({ firstIndex, next, epoch, isEnd }, before)) tookEffect();
      befores.set(key, {
        next: Math.max(before.next, next),
        epoch: Math.max(before.epoch, epoch),
        ends: before.ends + (isEnd ? 1 : 0),
      });
    },
  };
}

type PlacesBefore = { readonly next: number; readonly epoch: number; readonly ends: number };

/** Records that stand again are handed on as new ones, and those behind them move up. */
export class Unskipped {
  readonly #nexts = new Map<string, number>();
  readonly #shifts = new Map<string, number>();
  readonly #onRepeated: (batch: Batch) => void;

  constructor(onRepeated: (batch: Batch) => void) {
    this.#onRepeated = onRepeated;
  }

  readonly change = (journal: string, stored: StoredBatch): readonly StoredBatch[] => {
    const batch = opened(stored.bytes, journal);
    const key = `${journal} ${batch.producer}`;
    const next = this.#nexts.get(key) ?? batch.firstIndex;
    let shift = this.#shifts.get(key) ?? 0;
    if (batch.firstIndex + shift < next) {
      shift = next - batch.firstIndex;
      this.#onRepeated(batch);
    }
    this.#shifts.set(key, shift);
    const firstIndex = batch.firstIndex + shift;
    this.#nexts.set(key, firstIndex + batch.count);
    return shift === 0 ? [stored] : [{ ...stored, bytes: resealed(batch, journal, { firstIndex }) }];
  };
}
