/**
 * Reports what a summer has come to own, and in which state: that is when a bug in stored or read data takes effect.
 */

import { SUMS_JOURNAL, type RaiseOptions, type RaiseOutcome } from '../../../../src/journal/journals.ts';
import { WrappedJournals } from '../../../../src/journal/wrapped-journals.ts';
import { shardProducer } from '../../../../src/message/batch.ts';
import { keyOf, numberRange, offsetOfKey, openRow } from '../../../../src/store/row.ts';
import type { StoreReader } from '../../../../src/store/store.ts';
import type { PrepareSummerOptions } from '../../../../src/summer/prepare-summer.ts';
import { isCheckpointRow } from '../../../../src/summer/rows.ts';

export type Owned = {
  readonly shard: number;
  /** The store from which its rows were copied; `null`: the summer continues in its own store. */
  readonly copiedFrom: string | null;
  /**
   * How many sums of the shard were in the sums journal when its epoch was raised; `null`: somebody else has raised it
   * since.
   */
  readonly published: number | null;
};

/** Calls back whenever the summer has come to own a shard, before it reads its store. */
export function watchClaims(options: PrepareSummerOptions, onOwned: (owned: Owned) => void): PrepareSummerOptions {
  const journals = new RaisingJournals(options.journals);
  return {
    ...options,
    journals,
    onClaim: (shard, claim) => {
      options.onClaim?.(shard, claim);
      if (claim.outcome !== 'owned') return;
      onOwned({ shard, copiedFrom: claim.copiedFrom, published: journals.published.get(shard) ?? null });
    },
  };
}

/** Notes with each raise how many sums there are. */
class RaisingJournals extends WrappedJournals {
  /** By shard. */
  readonly published = new Map<number, number>();

  override async raise(shard: number, path: string, options: RaiseOptions): Promise<RaiseOutcome> {
    const raised = await super.raise(shard, path, options);
    if (raised.outcome !== 'raised') return raised;
    const answer = await this.inner.expected(SUMS_JOURNAL, shardProducer(shard), { shard, epoch: raised.epoch });
    if (answer.outcome === 'expected') this.published.set(shard, answer.n);
    else this.published.delete(shard);
    return raised;
  }
}

/** How many sums of a shard a store has finished. */
export function finishedSums(store: StoreReader, shard: number): number {
  const row = store.get('checkpoints', keyOf(shard));
  return row === undefined ? 0 : openRow(row, isCheckpointRow, `the checkpoint of shard ${shard}`).nextSum;
}

/** Index of the first sum that would be published; when none is waiting, the index of the next sum to be finished. */
export function firstUnpublished(store: StoreReader, shard: number): number {
  const [first] = store.range('outbox', numberRange(shard));
  return first === undefined ? finishedSums(store, shard) : offsetOfKey(first.key);
}
