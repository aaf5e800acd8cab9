/**
 * How the owner of a shard gets its state where the journals keep it: from the local copy if that is new enough, else
 * from the newest snapshot, and from there to the end of the log. The claim is the last entry that is read: no entry of
 * an older owner comes behind it.
 *
 * Rules P-STATE-2, P-STATE-3, P-STATE-5 of docs/protocol.md.
 */

import type { Journals, ShardEpoch } from '../journal/journals.ts';
import { lossError } from '../journal/loss.ts';
import type { StateLog } from '../journal/state-log.ts';
import { checkWitness } from '../journal/witness.ts';
import { keyOf, openRow, sealRow } from '../store/row.ts';
import type { Store } from '../store/store.ts';
import type { ReplicatedStore } from './replicated-store.ts';
import { isCheckpointRow, localPlace, placeOf, witnessesOf } from './rows.ts';
import { encodeChanges } from './state-entry.ts';
import { type Base, Rebuild, type Replayed } from './state-rebuild.ts';

export type ClaimStateOptions = {
  readonly journals: Journals;
  /** The local copy. */
  readonly store: Store;
  readonly replicated: ReplicatedStore;
  /** The store that spoke for the shard before. */
  readonly confirmed: string | null;
};

/** Makes the local copy what the log says, durably. */
export async function claimState(
  { shard, epoch }: ShardEpoch,
  log: StateLog,
  { journals, store, replicated, confirmed }: ClaimStateOptions,
): Promise<Replayed | 'fenced'> {
  const { snapshot, reported } = await log.look();
  const base = baseOf(localPlace(shard, store), snapshot);
  const rebuild = new Rebuild(log.journal, base);
  const { witness } = journals;
  const own = witness === null ? [] : [{ table: 'claims', key: keyOf(shard), value: sealRow({ epoch, witness }) }];
  const claim = encodeChanges({ part: null, writes: own });
  const last = await log.claim(base.start, claim, {
    take: (entry) => rebuild.take(entry),
    // Before the claim is there: a log with this claim alone would prove nothing to the next owner.
    atEnd: () => {
      rebuild.finish();
      if (rebuild.replayed.entries > 0 || confirmed === null) return;
      throw lossError(`the store at ${confirmed} spoke for shard ${shard}, and ${log.journal} has no state of it`);
    },
  });
  if (last === 'fenced') return last;
  const { replayed } = rebuild;
  const batch = rebuild.writesTo(store, shard);
  batch.writes.push(...own, placeOf(shard, last));
  await store.commit(batch.writes);
  checkFolded(shard, store, reported);
  for (const proof of witnessesOf(shard, store)) await checkWitness(journals, proof, log.journal);
  replicated.keep(shard, log, { last, from: snapshot?.begin ?? 0 });
  return replayed;
}

/** A local copy that ends below the snapshot is thrown away. */
function baseOf(local: ReturnType<typeof localPlace>, snapshot: Base['start'] | null): Base {
  if (local !== null && local.begin >= (snapshot?.begin ?? 0)) return { kind: 'local', start: local };
  if (snapshot !== null) return { kind: 'snapshot', start: snapshot };
  return { kind: 'beginning', start: { begin: 0, sequence: 0 } };
}

/** Nothing is reported before every replica has it. */
function checkFolded(shard: number, store: Store, reported: number): void {
  const row = store.get('checkpoints', keyOf(shard));
  const offset = row === undefined ? 0 : openRow(row, isCheckpointRow, `the checkpoint of shard ${shard}`).offset;
  if (offset >= reported) return;
  throw lossError(`shard ${shard} was durably folded up to ${reported}, and its state is that at ${offset}`);
}
