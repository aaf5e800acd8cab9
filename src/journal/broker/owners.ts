/**
 * The owner of each shard: its epoch, and the store that is confirmed to speak for it. The broker's half of invariant
 * 5: an owner whose epoch is not the shard's present epoch is fenced.
 *
 * Changes are in memory until the next commit has written them; an answer waits for that commit.
 *
 * Rules P-FENCE-1, P-FENCE-2 of docs/protocol.md.
 */

import { assert } from '../../core/assert.ts';
import { keyOf, sealRow } from '../../store/row.ts';
import type { WriteBatch } from '../../store/store.ts';
import type { Fenced, RaiseOptions, RaiseOutcome, ShardEpoch } from '../journals.ts';
import type { ShardState } from './restore.ts';

export class ShardOwners {
  /** Indexed by shard. */
  readonly shards: readonly ShardState[];
  /** Shards whose row has changed since the last `fill`. */
  readonly #dirty = new Set<number>();

  constructor(shards: readonly ShardState[]) {
    this.shards = shards;
  }

  isFenced(owner: ShardEpoch): boolean {
    return this.shards[owner.shard]?.epoch !== owner.epoch;
  }

  /** The answer to a fenced request. A shard that does not exist has no owner, and epoch 0. */
  fenced({ shard }: ShardEpoch): Fenced {
    return { outcome: 'fenced', epoch: this.shards[shard]?.epoch ?? 0 };
  }

  /**
   * `null`: there is no such shard. Only the epoch `from` is replaced. Otherwise the request of a dead process, or a
   * late copy of an answered request, would fence the shard's new owner.
   */
  raise(shard: number, path: string, { takeOver, from }: RaiseOptions): RaiseOutcome | null {
    const state = this.shards[shard];
    if (state === undefined) return null;
    if (!takeOver && state.confirmed !== null && state.confirmed !== path) {
      return { outcome: 'replaced', confirmed: state.confirmed };
    }
    if (state.epoch !== from) return { outcome: 'moved', epoch: state.epoch };
    state.epoch += 1;
    this.#dirty.add(shard);
    return { outcome: 'raised', epoch: state.epoch, confirmed: state.confirmed };
  }

  confirm(owner: ShardEpoch, path: string): void {
    const state = this.shards[owner.shard];
    assert(state !== undefined && state.epoch === owner.epoch, 'only the owner confirms');
    state.confirmed = path;
    this.#dirty.add(owner.shard);
  }

  /** Adds the rows that have changed to a transaction. */
  fill(batch: WriteBatch): void {
    for (const shard of this.#dirty) batch.put('shards', keyOf(shard), sealRow(this.shards[shard]));
    this.#dirty.clear();
  }
}
