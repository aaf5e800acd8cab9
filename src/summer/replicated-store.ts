/**
 * A summer's store whose transactions are entries of its shards' state logs first. A commit resolves when every replica
 * has the entries and the local copy has them too. After a crash the local copy lacks at most the last entries, which
 * are replayed. It is never ahead.
 *
 * Rules P-STATE-1, P-STATE-3, P-STATE-4 of docs/protocol.md.
 */

import { assert } from '../core/assert.ts';
import { OperatingError } from '../core/errors.ts';
import type { StateLog, StatePlace, StateStart } from '../journal/state-log.ts';
import type { Write } from '../store/store.ts';
import { WrappedStore } from '../store/wrapped-store.ts';
import { placeOf } from './rows.ts';
import { encodeChanges } from './state-entry.ts';
import { SNAPSHOT_SIZES, type SnapshotSizes, SnapshotWalk } from './state-snapshot.ts';

/** The log grows by so many times the size of its last snapshot before the next one begins. */
const SNAPSHOT_SHARE = 4;

type Kept = {
  readonly log: StateLog;
  /** Where the log must have reached before the next snapshot begins. */
  dueAt: number;
  /** The snapshot under way; `start`: null before its first part is there. */
  walk: { readonly parts: SnapshotWalk; start: StateStart | null; bytes: number } | null;
  last: StatePlace;
  isFenced: boolean;
};

/** What became of the entries of one shard. */
type Committed = { readonly shard: number; readonly writes: readonly Write[]; readonly place: StatePlace };

export class ReplicatedStore extends WrappedStore {
  readonly #shards = new Map<number, Kept>();
  readonly #sizes: SnapshotSizes;
  /** A newer owner has claimed the log of a shard: nothing of its last transaction was written anywhere. */
  onFenced: (shard: number) => void = () => {};

  constructor(inner: ConstructorParameters<typeof WrappedStore>[0], sizes: SnapshotSizes = SNAPSHOT_SIZES) {
    super(inner);
    this.#sizes = sizes;
  }

  /** Whether the journals keep the state of a shard. */
  get isUsed(): boolean {
    return this.#shards.size > 0;
  }

  /** From now on the log has the shard's transactions. `from`: where its newest snapshot begins. */
  keep(shard: number, log: StateLog, at: { readonly last: StatePlace; readonly from: number }): void {
    const { last, from } = at;
    this.#shards.set(shard, { log, last, dueAt: from + this.#sizes.everyBytes, walk: null, isFenced: false });
  }

  override async commit(writes: readonly Write[]): Promise<void> {
    const groups = [...groupByShard(writes)].filter(([shard]) => !this.#kept(shard).isFenced);
    const outcomes = await Promise.all(groups.map(([shard, own]) => this.#append(shard, own)));
    const committed = outcomes.filter((outcome) => outcome !== null);
    const local = committed.flatMap(({ shard, writes: own, place }) => [...own, placeOf(shard, place)]);
    if (local.length > 0) await this.inner.commit(local);
    for (const { shard, place } of committed) this.#kept(shard).last = place;
  }

  /** Null: fenced. */
  async #append(shard: number, writes: readonly Write[]): Promise<Committed | null> {
    const kept = this.#kept(shard);
    const { log } = kept;
    const entry = encodeChanges({ part: null, writes });
    const part = this.#nextPart(shard, kept);
    const places = await log.append(part === null ? [entry] : [part.bytes, entry]);
    if (places === 'fenced') {
      kept.isFenced = true;
      this.onFenced(shard);
      return null;
    }
    const place = places.at(-1);
    const [first] = places;
    assert(place !== undefined && first !== undefined, 'an entry that was appended has a place');
    if (part !== null) this.#partAppended(kept, first, part);
    return { shard, writes, place };
  }

  /** The part of a snapshot that goes with the next transaction. The local copy has the state before it. */
  #nextPart(shard: number, kept: Kept): { readonly bytes: Buffer; readonly isLast: boolean } | null {
    if (kept.walk === null) {
      if (kept.last.end < kept.dueAt) return null;
      kept.walk = { parts: new SnapshotWalk(shard, kept.last.sequence + 1, this.#sizes), start: null, bytes: 0 };
    }
    const changes = kept.walk.parts.next(this.inner);
    return { bytes: encodeChanges(changes), isLast: changes.part.isLast };
  }

  #partAppended(kept: Kept, place: StatePlace, { isLast }: { readonly isLast: boolean }): void {
    const { walk, log } = kept;
    assert(walk !== null, 'a part belongs to a snapshot');
    walk.start ??= { begin: place.begin, sequence: place.sequence };
    walk.bytes += place.end - place.begin;
    if (!isLast) return;
    kept.walk = null;
    kept.dueAt = walk.start.begin + Math.max(this.#sizes.everyBytes, SNAPSHOT_SHARE * walk.bytes);
    log.noteSnapshot(walk.start).catch((error: unknown) => {
      // Whoever needs the state reads it from the snapshot before.
      if (!(error instanceof OperatingError)) throw error;
    });
  }

  #kept(shard: number): Kept {
    const kept = this.#shards.get(shard);
    assert(kept !== undefined, `the log of shard ${shard} was claimed`);
    return kept;
  }
}

/** Every row of a shard begins with its number. */
function groupByShard(writes: readonly Write[]): Map<number, Write[]> {
  const groups = new Map<number, Write[]>();
  for (const write of writes) {
    const shard = write.key.readUInt32BE(0);
    const group = groups.get(shard);
    if (group === undefined) groups.set(shard, [write]);
    else group.push(write);
  }
  return groups;
}
