/**
 * A shard whose state a cluster keeps, on the real engine over brokers and etcd in memory: owners that claim it with a
 * store, commit rows, die in the middle, and are replaced while they sleep.
 */

import { assert } from '../../core/assert.ts';
import { ManualClock } from '../../core/testing/manual-clock.ts';
import { GazetteJournals } from '../../journal/gazette/gazette-journals.ts';
import { FakeCluster } from '../../journal/gazette/testing/fake-cluster.ts';
import { chunkJournal, stateJournal } from '../../journal/journals.ts';
import { keyOf, numberRange } from '../../store/row.ts';
import type { StoreReader, Write } from '../../store/store.ts';
import { MemoryStore } from '../../store/testing/memory-store.ts';
import { claimShard } from '../claim.ts';
import { ReplicatedStore } from '../replicated-store.ts';
import { SUMMER_TABLES } from '../rows.ts';
import type { Replayed } from '../state-rebuild.ts';
import { SNAPSHOT_SIZES } from '../state-snapshot.ts';

export const SHARD = 0;
export const STATE_JOURNAL: string = `p/${stateJournal(SHARD)}`;
/** Rows of the state alone: claims change with each owner. */
const STATE_TABLES = SUMMER_TABLES.filter((table) => table !== 'claims');

function noOther(): Promise<never> {
  return Promise.reject(new Error('no other store is read'));
}

export class Owner {
  readonly store: MemoryStore;
  readonly journals: GazetteJournals;
  readonly replicated: ReplicatedStore;
  isFenced = false;

  constructor(store: MemoryStore, journals: GazetteJournals, snapshotBytes: number) {
    this.store = store;
    this.journals = journals;
    this.replicated = new ReplicatedStore(store, { ...SNAPSHOT_SIZES, everyBytes: snapshotBytes });
    this.replicated.onFenced = () => {
      this.isFenced = true;
    };
  }
}

export class StateScene {
  readonly clock: ManualClock = new ManualClock();
  readonly cluster: FakeCluster;
  readonly #snapshotBytes: number;

  constructor(snapshotBytes: number) {
    this.#snapshotBytes = snapshotBytes;
    this.cluster = new FakeCluster(this.clock, [`p/${chunkJournal(SHARD)}`, STATE_JOURNAL, 'p/sums']);
  }

  connect(): GazetteJournals {
    const address = 'gazette+http://fake:8080/p';
    return new GazetteJournals(this.cluster, { clock: this.clock, address, prefix: 'p/' });
  }

  /** Takes the shard over with a store, which may be empty. */
  async claim(store: MemoryStore): Promise<{ readonly owner: Owner; readonly replayed: Replayed }> {
    const owner = new Owner(store, this.connect(), this.#snapshotBytes);
    const { journals, replicated } = owner;
    const claim = await this.settled(
      claimShard(SHARD, { journals, store, replicated, readOther: noOther, lookAt: noOther, takeOver: true }),
    );
    const { replayed } = claim.outcome === 'owned' ? claim : {};
    assert(replayed !== undefined, `the claim was ${claim.outcome}`);
    return { owner, replayed };
  }

  async settled<T>(promise: Promise<T>): Promise<T> {
    let isDone = false;
    const done = (): void => {
      isDone = true;
    };
    promise.then(done, done);
    await this.clock.until(() => isDone);
    return await promise;
  }
}

export function write(table: string, number: number, value: Buffer | null): Write {
  return { table, key: keyOf(SHARD, number), value };
}

/** The rows of the shard's state, as text. */
export function stateOf(store: StoreReader): Record<string, string> {
  const rows = STATE_TABLES.flatMap((table) =>
    store
      .range(table, numberRange(SHARD))
      .map(({ key, value }): [string, string] => [`${table}/${key.toString('hex')}`, value.toString('hex')]),
  );
  return Object.fromEntries(rows);
}
