/**
 * How a process comes to own a shard. The broker fences; nothing here depends on time.
 *
 * 0. The journals must have everything that our store proves they had. A takeover checks that it could copy
 *    (`look-first.ts`), because the next step ends the present owner.
 * 1. The epoch is raised, durably. The answer names the confirmed store.
 * 2. If that is another store (a takeover), its rows of the shard replace ours in one durable transaction. The other
 *    store is read as one snapshot, whether its process runs, is stopped or is dead.
 * 3. Only then is our store confirmed.
 *
 * Where the journals keep the state of shards, step 2 reads it from there (`claim-state.ts`), and no other store.
 *
 * Rule P-TAKE-1 of docs/protocol.md.
 */

import { UsageError, ViolationError } from '../core/errors.ts';
import type { Journals, RaiseOutcome, ShardEpoch } from '../journal/journals.ts';
import type { StateLog } from '../journal/state-log.ts';
import { checkWitness } from '../journal/witness.ts';
import { keyOf, sealRow } from '../store/row.ts';
import { type Store, type StoreReader, WriteBatch } from '../store/store.ts';
import { claimState } from './claim-state.ts';
import { type LookAt, type Seen, checkReported, lookFirst } from './look-first.ts';
import { ReplicatedStore } from './replicated-store.ts';
import { clearShard, copyShard, witnessesOf } from './rows.ts';
import type { Replayed } from './state-rebuild.ts';

/** Reads the summer store in another folder, as one snapshot. */
export type ReadOther = <T>(path: string, read: (reader: StoreReader) => T) => Promise<T>;

export type ClaimOptions = {
  readonly journals: Journals;
  readonly store: Store;
  readonly readOther: ReadOther;
  readonly takeOver: boolean;
  readonly lookAt: LookAt;
  /**
   * For a takeover: the shards as they were looked at before the first raise. Absent: the claim looks at its shard
   * itself.
   */
  readonly seen?: ReadonlyMap<number, Seen>;
  /** Keeps the shard's transactions where the journals keep its state; absent: one that nobody uses afterwards. */
  readonly replicated?: ReplicatedStore;
  /** For a takeover: the new place of the confirmed store's folder, when it was moved. */
  readonly movedTo?: string | null;
};

export type Claim =
  | {
      readonly outcome: 'owned';
      readonly owner: ShardEpoch;
      readonly copiedFrom: string | null;
      /** What was read of the state log; absent where the journals keep no state. */
      readonly replayed?: Replayed;
    }
  /** Another store speaks for the shard; the shard is left out. */
  | { readonly outcome: 'replaced'; readonly confirmed: string }
  /** A newer owner came meanwhile. */
  | { readonly outcome: 'fenced' };

export async function claimShard(shard: number, options: ClaimOptions): Promise<Claim> {
  const { journals, store } = options;
  const { raised, seen } = await raise(shard, options);
  if (raised.outcome === 'replaced') return raised;
  const owner = { shard, epoch: raised.epoch };
  const { confirmed } = raised;
  const log = journals.openState(owner);
  if (log !== null) return await claimFromLog(owner, log, { ...options, confirmed });
  const { movedTo = null } = options;
  const source = movedTo !== null && confirmed !== null && confirmed === seen?.confirmed ? movedTo : confirmed;
  const { witness } = journals;
  const batch = await rowsToBegin(shard, { confirmed, source }, options);
  if (witness !== null) batch.put('claims', keyOf(shard), sealRow({ epoch: owner.epoch, witness }));
  if (!batch.isEmpty) await store.commit(batch.writes);
  if (confirmed === store.path) return { outcome: 'owned', owner, copiedFrom: null };
  const outcome = await journals.confirm(owner, store.path);
  return outcome === 'fenced'
    ? { outcome }
    : { outcome: 'owned', owner, copiedFrom: source === store.path ? null : source };
}

async function claimFromLog(
  owner: ShardEpoch,
  log: StateLog,
  options: ClaimOptions & { readonly confirmed: string | null },
): Promise<Claim> {
  const { journals, store, confirmed } = options;
  const replicated = options.replicated ?? new ReplicatedStore(store);
  const replayed = await claimState(owner, log, { journals, store, replicated, confirmed });
  if (replayed === 'fenced') return { outcome: 'fenced' };
  // Also where it is confirmed already: the claim is over when the local copy is what the log says.
  const isConfirmed = (await journals.confirm(owner, store.path)) === 'confirmed';
  return isConfirmed ? { outcome: 'owned', owner, copiedFrom: null, replayed } : { outcome: 'fenced' };
}

/**
 * Our store proves what the journals had. Before anything else is asked of them, they must prove that they still have
 * it.
 */
export async function checkWitnesses(journals: Journals, store: Store, shards: readonly number[]): Promise<void> {
  const witnesses = new Set(shards.flatMap((shard) => witnessesOf(shard, store)));
  for (const witness of witnesses) await checkWitness(journals, witness, `the summer's store ${store.path}`);
}

/**
 * Raises the shard's epoch, whatever it is. The first guess is that there is none, and the answer corrects the guess. A
 * takeover raises the epoch that it has looked at, and looks again when the shard has another epoch by then.
 */
async function raise(
  shard: number,
  options: ClaimOptions,
): Promise<{ raised: Exclude<RaiseOutcome, { outcome: 'moved' }>; seen: Seen | null }> {
  const { journals, store, takeOver, lookAt, movedTo = null } = options;
  let seen = options.seen?.get(shard) ?? null;
  for (let from = 0; ; ) {
    if (takeOver) seen ??= (await lookFirst([shard], { journals, store, lookAt, movedTo })).get(shard) ?? null;
    const raised = await journals.raise(shard, store.path, { takeOver, from: seen?.epoch ?? from });
    if (raised.outcome !== 'moved') return { raised, seen };
    from = raised.epoch;
    seen = null;
  }
}

/**
 * The writes after which our store has what the shard's new owner begins with: the rows of `source`, which is the
 * confirmed store or its new place.
 */
async function rowsToBegin(
  shard: number,
  { confirmed, source }: { readonly confirmed: string | null; readonly source: string | null },
  { journals, store, readOther }: ClaimOptions,
): Promise<WriteBatch> {
  if (confirmed === store.path) return new WriteBatch();
  // No store is confirmed yet, so the rows that ours may hold of the shard belong to no owner.
  if (source === null) return clearShard(shard, store);
  // Asked after the raise, because until then the owner may have reported more.
  const pin = source === confirmed ? 0 : ((await journals.list()).shards[shard]?.pin ?? 0);
  const check = (reader: StoreReader): void => {
    if (source !== confirmed) checkReported(shard, reader, { path: source, pin });
  };
  if (source === store.path) {
    check(store);
    return new WriteBatch();
  }
  const { batch, witnesses } = await readOther(source, (other) => {
    check(other);
    return { batch: copyShard(shard, other, store), witnesses: witnessesOf(shard, other) };
  });
  for (const witness of witnesses) await checkWitness(journals, witness, `the summer's store ${source}`);
  return batch;
}

/** Checks the partitions that a summer was asked to own. */
export function checkPartitions(wanted: readonly number[], partitions: number): void {
  if (wanted.length === 0) throw new UsageError('a summer needs at least one partition');
  for (const partition of wanted) {
    if (partition >= partitions)
      throw new UsageError(`there is no partition ${partition}: the journals have ${partitions}, from 0`);
  }
}

/** The journal no longer has what the shard must read next, although the shard's pin, which never expires, keeps it. */
export function trimmedError(journal: string, offset: number, begin: number): ViolationError {
  const detail = `${journal} was trimmed: it begins at ${begin}, but ${offset} was to be read`;
  return new ViolationError('gap', detail, { journal, offset });
}
