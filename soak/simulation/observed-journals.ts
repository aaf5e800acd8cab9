/** Journals as one simulated process sees them. Everything that the process is told is written into the history. */

import { assert } from '../../src/core/assert.ts';
import {
  type AppendOutcome,
  type ExpectedOutcome,
  type Journals,
  type RaiseOptions,
  type RaiseOutcome,
  SUMS_JOURNAL,
  type ShardEpoch,
} from '../../src/journal/journals.ts';
import { WrappedJournals } from '../../src/journal/wrapped-journals.ts';
import { readProducer } from '../../src/message/batch.ts';
import { readCount } from '../../src/message/counts.ts';
import type { Observer } from './observer.ts';
import type { Counters } from './world/counters.ts';
import type { Disk } from './world/disk.ts';
import type { Incarnation } from './world/incarnation.ts';
import type { HistoryLog } from '../guarantee/history-log.ts';

export type Observation = {
  readonly incarnation: Incarnation;
  readonly history: HistoryLog;
  readonly observer: Observer;
  readonly counters: Counters;
  /** The disk of the process. */
  readonly disk: Disk;
};

export class ObservedJournals extends WrappedJournals {
  readonly #observation: Observation;
  /** By producer and journal, the index below which records were acknowledged so far. */
  readonly #acknowledged = new Map<string, number>();

  constructor(inner: Journals, observation: Observation) {
    super(inner);
    this.#observation = observation;
  }

  override async append(journal: string, batch: Uint8Array, owner?: ShardEpoch): Promise<AppendOutcome> {
    const outcome = await this.inner.append(journal, batch, owner);
    this.#checkFenced(outcome.outcome, owner);
    const { counters, incarnation } = this.#observation;
    if (incarnation.isOver) return outcome;
    const { outcome: what } = outcome;
    if (what === 'committed') this.#told(journal, readProducer(batch, 16), endOf(batch), outcome.stampNs);
    if (what === 'expected') this.#told(journal, readProducer(batch, 16), outcome.n, outcome.stampNs);
    if (what === 'expected') counters.count('resend met an expected');
    if (what === 'unknown') counters.count('append ended unknown');
    if (what === 'ended') counters.count('append of a retired producer refused');
    if (what === 'refused') counters.count('append refused for want of room');
    return outcome;
  }

  override async expected(journal: string, producer: string, owner?: ShardEpoch): Promise<ExpectedOutcome> {
    const answer = await this.inner.expected(journal, producer, owner);
    this.#checkFenced(answer.outcome, owner);
    if (answer.outcome === 'expected') this.#told(journal, producer, answer.n, answer.stampNs);
    return answer;
  }

  override async raise(shard: number, path: string, options: RaiseOptions): Promise<RaiseOutcome> {
    const { incarnation, observer, disk } = this.#observation;
    if (!incarnation.isOver) observer.raises(shard, options.from, incarnation);
    const outcome = await this.inner.raise(shard, path, options);
    if (outcome.outcome === 'raised' && !incarnation.isOver) {
      observer.raised(shard, outcome.epoch, path);
      this.#shard('raised', { shard, epoch: outcome.epoch });
      // Where the journals keep the state, the store is what they say when it is confirmed.
      const isOver = this.inner.openState({ shard, epoch: outcome.epoch }) === null;
      if (outcome.confirmed === path && isOver) {
        this.#shard('confirmed', { shard, epoch: outcome.epoch });
        observer.claimed(incarnation.name, disk, shard);
      }
    }
    return outcome;
  }

  override async confirm(owner: ShardEpoch, path: string): Promise<'confirmed' | 'fenced'> {
    const outcome = await this.inner.confirm(owner, path);
    this.#checkFenced(outcome, owner);
    const { incarnation, observer, disk } = this.#observation;
    if (outcome === 'confirmed' && !incarnation.isOver) {
      this.#shard('confirmed', owner);
      observer.claimed(incarnation.name, disk, owner.shard);
    }
    return outcome;
  }

  override async report(owner: ShardEpoch, offset: number): Promise<'reported' | 'fenced'> {
    const outcome = await this.inner.report(owner, offset);
    this.#checkFenced(outcome, owner);
    return outcome;
  }

  override read(
    journal: string,
    offset: number,
    options: { creditBytes: number; owner?: ShardEpoch },
  ): ReturnType<Journals['read']> {
    const stream = this.inner.read(journal, offset, options);
    const next: typeof stream.next = async () => {
      const found = await stream.next();
      if (found !== null && !('bytes' in found)) this.#checkFenced(found.end, options.owner);
      return found;
    };
    return { next, close: () => stream.close() };
  }

  /** A fenced process must have been replaced: it ends with exit code 12, and nobody would start it again. */
  #checkFenced(what: string, owner: ShardEpoch | undefined): void {
    const { incarnation, observer } = this.#observation;
    if (what !== 'fenced' || owner === undefined || incarnation.isOver) return;
    assert(
      observer.isRaisedByOthers(owner, incarnation),
      `shard ${owner.shard} is fenced, but nobody else has raised it above epoch ${owner.epoch}`,
    );
  }

  #shard(event: 'raised' | 'confirmed', { shard, epoch }: ShardEpoch): void {
    const { incarnation, history, observer } = this.#observation;
    if (incarnation.isOver) return;
    history.record({ event, process: incarnation.name, shard, epoch, sumsHead: observer.sumsHead });
  }

  #told(journal: string, producer: string, through: number, stampNs: number): void {
    const { incarnation, history } = this.#observation;
    if (journal === SUMS_JOURNAL || incarnation.isOver) return;
    const key = `${producer} ${journal}`;
    if (through <= (this.#acknowledged.get(key) ?? -1)) return;
    this.#acknowledged.set(key, through);
    const partition = Number(journal.slice(-3));
    history.record({ event: 'acknowledged', producer, partition, through, stampNs });
  }
}

/** Index after the last record of a batch. */
function endOf(batch: Uint8Array): number {
  const view = new DataView(batch.buffer, batch.byteOffset, batch.length);
  return readCount(view, 24) + view.getUint32(12, true);
}
