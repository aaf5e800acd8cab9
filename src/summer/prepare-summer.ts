/**
 * Composes a summer from its parts: claims its shards, then builds the `Summer` of those that it got. The command, the
 * tests and the simulation run this same code.
 */

import type { Clock } from '../core/clock.ts';
import { FencedError } from '../core/errors.ts';
import type { Journals, ShardEpoch } from '../journal/journals.ts';
import type { Store } from '../store/store.ts';
import { type Claim, type ReadOther, checkPartitions, checkWitnesses, claimShard } from './claim.ts';
import { type LookAt, lookFirst } from './look-first.ts';
import { ReplicatedStore } from './replicated-store.ts';
import type { SnapshotSizes } from './state-snapshot.ts';
import { Summer } from './summer.ts';

export type PrepareSummerOptions = {
  readonly journals: Journals;
  readonly store: Store;
  readonly clock: Clock;
  /** The partitions that the summer was asked to own. */
  readonly partitions: readonly number[];
  readonly takeOver: boolean;
  readonly readOther: ReadOther;
  readonly lookAt: LookAt;
  /** For a takeover: the new place of the confirmed store's folder, when it was moved. */
  readonly movedTo?: string | null;
  /** Snapshots in the state logs; absent: those of every summer outside of tests. */
  readonly snapshots?: SnapshotSizes;
  /** How the claim of each shard went, for the log. */
  readonly onClaim?: (shard: number, claim: Claim) => void;
  /** A shard has a newer owner. The other shards go on. */
  readonly onLost?: (owner: ShardEpoch) => void;
  /** The summer must stop. Called once, after its start. */
  readonly onFailure: (error: unknown) => void;
};

export type PreparedSummer = {
  /** The summer, not yet started. */
  readonly summer: Summer;
  readonly owners: readonly ShardEpoch[];
};

/**
 * Leaves out the shards that are confirmed elsewhere. If none is left, this process has been replaced: FencedError. A
 * partition that does not exist is a UsageError. Journals that have lost what the store proves they had are a
 * ViolationError.
 */
export async function prepareSummer(options: PrepareSummerOptions): Promise<PreparedSummer> {
  const { journals, store, clock, partitions, onLost, onFailure } = options;
  await checkWitnesses(journals, store, partitions);
  const info = await journals.list();
  checkPartitions(partitions, info.partitions);
  const owners: ShardEpoch[] = [];
  const { takeOver, lookAt, movedTo = null } = options;
  // All of them are looked at before the first raise ends an owner.
  const replicated = new ReplicatedStore(store, options.snapshots);
  const seen = takeOver ? { seen: await lookFirst(partitions, { journals, store, lookAt, movedTo }) } : {};
  for (const shard of partitions) {
    const claim = await claimShard(shard, { ...options, ...seen, replicated });
    options.onClaim?.(shard, claim);
    if (claim.outcome === 'owned') owners.push(claim.owner);
  }
  if (owners.length === 0) throw new FencedError('every requested shard belongs to another process');
  const { batchBytesMax } = info;
  const lost = onLost === undefined ? {} : { onLost };
  const kept = replicated.isUsed ? replicated : store;
  const summer = new Summer({ journals, store: kept, clock, owners, batchBytesMax, ...lost, onFailure });
  replicated.onFenced = (shard) => summer.fenced(shard);
  return { summer, owners };
}
