/**
 * What the cluster's etcd keeps for the engine. All of it below one prefix:
 *
 * | key                        | value                                                                           |
 * | -------------------------- | ------------------------------------------------------------------------------- |
 * | `shards/SHARD`             | epoch, path of the confirmed store, offset that was reported, who raised last   |
 * | `indexes/JOURNAL/PRODUCER` | `next`: the next index at `offset`; with `ended`, its end is record `next - 1`  |
 * | `pins/JOURNAL/NAME`        | offset                                                                          |
 * | `states/SHARD`             | where the newest whole snapshot of the shard's state begins, and its sequence   |
 *
 * Fences. An epoch is raised by a transaction that compares the revision of the key, so that it is raised once. The
 * owner is looked up before each append and before batches are handed to a reader: that alone leaves a gap between
 * the look and the append, which a register of the sums journal closes (`appends.ts`). Registers vanish when every
 * broker is lost at once; then the look is what is left, and a reader's own rule that epochs never decrease.
 *
 * A producer has a key before its first batch is appended, whose offset is not above that batch. That makes the next
 * index of every producer findable from there on.
 */

import { asRecord, isCount } from '../../core/assert.ts';
import type { Fenced, RaiseOptions, RaiseOutcome, ShardEpoch, ShardInfo } from '../journals.ts';
import { lossByEpoch } from '../proofs.ts';
import type { Etcd } from './etcd.ts';

type ShardValue = {
  readonly epoch: number;
  readonly confirmed: string | null;
  readonly pin: number;
  /** Names the raise, so that one whose answer was lost is known again. */
  readonly raisedBy: string;
};

export type IndexValue = { readonly offset: number; readonly next: number; readonly ended: boolean };
type SnapshotValue = { readonly begin: number; readonly sequence: number };
type PinValue = { readonly offset: number };

export class Registry {
  readonly #etcd: Etcd;
  readonly #prefix: string;
  readonly #newName: () => string;

  /** `prefix` ends with a slash. `newName`: random. */
  constructor(options: { readonly etcd: Etcd; readonly prefix: string; readonly newName: () => string }) {
    this.#etcd = options.etcd;
    this.#prefix = options.prefix;
    this.#newName = options.newName;
  }

  async shard(shard: number): Promise<ShardInfo> {
    const { value } = await this.#etcd.get(this.#shardKey(shard), isShardValue);
    const { epoch, confirmed, pin } = value ?? NO_SHARD;
    return { shard, epoch, confirmed, pin };
  }

  /** `null` while the owner is the newest. Throws a ViolationError when etcd has lost the owner's epoch. */
  async fencing(owner: ShardEpoch): Promise<Fenced | null> {
    const { epoch } = await this.shard(owner.shard);
    if (epoch === owner.epoch) return null;
    const loss = lossByEpoch(owner, epoch);
    if (loss !== null) throw loss;
    return { outcome: 'fenced', epoch };
  }

  async raise(shard: number, path: string, { takeOver, from }: RaiseOptions): Promise<RaiseOutcome> {
    const key = this.#shardKey(shard);
    const raisedBy = this.#newName();
    for (;;) {
      const entry = await this.#etcd.get(key, isShardValue);
      const present = entry.value ?? NO_SHARD;
      const { epoch, confirmed } = present;
      // An earlier try of this very call was carried out, and its answer was lost.
      if (present.raisedBy === raisedBy) return { outcome: 'raised', epoch, confirmed };
      if (epoch !== from) return { outcome: 'moved', epoch };
      if (!takeOver && confirmed !== null && confirmed !== path) return { outcome: 'replaced', confirmed };
      const raised: ShardValue = { ...present, epoch: epoch + 1, raisedBy };
      if (await this.#etcd.swap(entry, raised)) return { outcome: 'raised', epoch: epoch + 1, confirmed };
    }
  }

  async confirm(owner: ShardEpoch, path: string): Promise<'confirmed' | 'fenced'> {
    const isOwner = await this.#change(owner, (value) => ({ ...value, confirmed: path }));
    return isOwner ? 'confirmed' : 'fenced';
  }

  async report(owner: ShardEpoch, offset: number): Promise<'reported' | 'fenced'> {
    const isOwner = await this.#change(owner, (value) => (offset > value.pin ? { ...value, pin: offset } : undefined));
    return isOwner ? 'reported' : 'fenced';
  }

  /** False: the shard has another epoch. */
  async #change({ shard, epoch }: ShardEpoch, change: (value: ShardValue) => ShardValue | undefined): Promise<boolean> {
    let isOwner = false;
    await this.#etcd.update(this.#shardKey(shard), isShardValue, (value) => {
      isOwner = value?.epoch === epoch;
      return value === null || !isOwner ? undefined : change(value);
    });
    return isOwner;
  }

  async index(journal: string, producer: string): Promise<IndexValue | null> {
    return (await this.#etcd.get(this.#indexKey(journal, producer), isIndexValue)).value;
  }

  /** Of every producer that may have a batch in the journal. */
  async indexes(journal: string): Promise<Map<string, IndexValue>> {
    const prefix = this.#indexKey(journal, '');
    const entries = await this.#etcd.list(prefix, isIndexValue);
    return new Map(entries.map(({ key, value }) => [key.slice(prefix.length), value]));
  }

  /** The key of a producer that has none. False: it has got one meanwhile. */
  createIndex(journal: string, producer: string, offset: number): Promise<boolean> {
    const key = this.#indexKey(journal, producer);
    return this.#etcd.swap({ key, revision: 0 }, { offset, next: 0, ended: false } satisfies IndexValue);
  }

  /** Never moves back, and never takes back an end. */
  async noteIndex(journal: string, producer: string, noted: IndexValue): Promise<void> {
    await this.#etcd.update(this.#indexKey(journal, producer), isIndexValue, (value) =>
      value !== null && (value.ended || (value.offset >= noted.offset && !noted.ended)) ? undefined : noted,
    );
  }

  async snapshot(shard: number): Promise<SnapshotValue | null> {
    return (await this.#etcd.get(this.#stateKey(shard), isSnapshotValue)).value;
  }

  /** Never moves back. */
  async noteSnapshot(shard: number, noted: SnapshotValue): Promise<void> {
    await this.#etcd.update(this.#stateKey(shard), isSnapshotValue, (value) =>
      value !== null && value.begin >= noted.begin ? undefined : noted,
    );
  }

  async makePin(journal: string, name: string, offset: number): Promise<void> {
    await this.#etcd.update(this.#pinKey(journal, name), isPinValue, () => ({ offset }));
  }

  async movePin(journal: string, name: string, offset: number): Promise<'moved' | 'missing'> {
    let isThere = false;
    await this.#etcd.update(this.#pinKey(journal, name), isPinValue, (value) => {
      isThere = value !== null;
      return value === null || value.offset >= offset ? undefined : { offset };
    });
    return isThere ? 'moved' : 'missing';
  }

  async releasePin(journal: string, name: string): Promise<void> {
    const key = this.#pinKey(journal, name);
    for (;;) {
      const entry = await this.#etcd.get(key, isPinValue);
      if (entry.value === null || (await this.#etcd.swap(entry, null))) return;
    }
  }

  #shardKey(shard: number): string {
    return `${this.#prefix}shards/${shard}`;
  }

  #stateKey(shard: number): string {
    return `${this.#prefix}states/${shard}`;
  }

  #indexKey(journal: string, producer: string): string {
    return `${this.#prefix}indexes/${journal}/${producer}`;
  }

  #pinKey(journal: string, name: string): string {
    return `${this.#prefix}pins/${journal}/${name}`;
  }
}

const NO_SHARD: ShardValue = { epoch: 0, confirmed: null, pin: 0, raisedBy: '' };

function isShardValue(value: unknown): value is ShardValue {
  const shard = asRecord(value);
  const confirmed = shard?.['confirmed'];
  return (
    isCount(shard?.['epoch']) &&
    isCount(shard['pin']) &&
    (confirmed === null || typeof confirmed === 'string') &&
    typeof shard['raisedBy'] === 'string'
  );
}

function isIndexValue(value: unknown): value is IndexValue {
  const index = asRecord(value);
  return isCount(index?.['offset']) && isCount(index['next']) && typeof index['ended'] === 'boolean';
}

function isPinValue(value: unknown): value is PinValue {
  return isCount(asRecord(value)?.['offset']);
}

function isSnapshotValue(value: unknown): value is SnapshotValue {
  const snapshot = asRecord(value);
  return isCount(snapshot?.['begin']) && isCount(snapshot['sequence']);
}
