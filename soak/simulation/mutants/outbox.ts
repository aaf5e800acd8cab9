/** Finished sums between the transaction that finished them and their acknowledgement. */

import { crc32c } from '../../../src/hash/crc32c.ts';
import { type AppendOutcome, type Journals, SUMS_JOURNAL, type ShardEpoch } from '../../../src/journal/journals.ts';
import { WrappedJournals } from '../../../src/journal/wrapped-journals.ts';
import { decodeBatch, encodeBatch } from '../../../src/message/batch.ts';
import { keyOf, numberRange, offsetKey, offsetOfKey, openRow } from '../../../src/store/row.ts';
import type { Entry, Range, Store, Write } from '../../../src/store/store.ts';
import { isCheckpointRow } from '../../../src/summer/rows.ts';
import type { Decorations, Subject } from '../decorations.ts';
import { withCrashes, withUnheardSummers } from './adapt.ts';
import { finishedSums, firstUnpublished, watchClaims } from './decorators/claims.ts';
import { EarlyStore } from './decorators/early-store.ts';
import { editedCommits } from './decorators/edited-commits.ts';
import { PlantedBatches } from './decorators/harm.ts';
import { WrappedStore } from '../../../src/store/wrapped-store.ts';
import type { Mutant } from './mutant.ts';

/** One in so many batches of sums is published again. */
const AGAIN_ONE_OF = 8;

export const OUTBOX_MUTANTS: readonly Mutant[] = [
  {
    name: 'outbox-forgotten-at-recovery',
    class: 'outbox',
    bug: 'a summer that starts does not publish what its outbox holds',
    kinds: ['lost', 'acknowledged-loss'],
    decorations: () => unpublishedSumsForgotten((store) => new ForgettingStore(store)),
    adapt: withCrashes,
  },
  {
    name: 'outbox-not-committed',
    class: 'outbox',
    bug: 'finished sums are published, and not committed',
    kinds: ['lost', 'acknowledged-loss'],
    decorations: () => unpublishedSumsForgotten((store) => new UncommittedStore(store)),
    adapt: withCrashes,
  },
  {
    name: 'outbox-cleared-before-acknowledged',
    class: 'outbox',
    bug: 'the next transaction clears the outbox, whether its sums are acknowledged or not',
    kinds: ['lost', 'acknowledged-loss'],
    decorations: () => unpublishedSumsForgotten((store) => new HastyStore(store)),
    adapt: withUnheardSummers,
  },
  {
    name: 'outbox-at-wrong-index',
    class: 'outbox',
    bug: 'the outbox holds its sums one index too high',
    // It shows in the store, or in what a successor publishes from a copy of the store.
    kinds: ['state-ahead', 'mismatched', 'acknowledged-loss', 'duplicate'],
    decorations: () => editedCommits((writes) => [writes.map(oneHigher)]),
    adapt: withCrashes,
  },
  {
    name: 'sum-published-before-commit',
    class: 'outbox',
    bug: 'sums are published before the transaction that finished them is durable',
    kinds: ['state-behind'],
    decorations: publishedEarly,
    adapt: withCrashes,
  },
  {
    name: 'sum-published-again',
    class: 'outbox',
    bug: 'sums that are published are published again under the next index',
    kinds: ['duplicate'],
    decorations: () => {
      const planted = new PlantedBatches();
      return {
        durable: planted.durable,
        summer: (options, subject) => ({ ...options, journals: new TwiceJournals(options.journals, subject, planted) }),
      };
    },
  },
];

/** Takes effect when a process owns a shard with sums that are neither in its outbox nor in the sums journal. */
function unpublishedSumsForgotten(decorate: (store: Store) => Store): Decorations {
  return {
    summer: (options, subject) => {
      const store = decorate(options.store);
      const watched = watchClaims(options, ({ shard, published }) => {
        if (published !== null && published < firstUnpublished(store, shard)) subject.tookEffect();
      });
      return { ...watched, store };
    },
  };
}

/** Reads no outbox, and clears what it did not read. */
class ForgettingStore extends WrappedStore {
  #forgotten: Write[] = [];

  override range(table: string, range: Range): Entry[] {
    const found = this.inner.range(table, range);
    if (table !== 'outbox') return found;
    for (const { key } of found) this.#forgotten.push({ table, key, value: null });
    return [];
  }

  override commit(writes: readonly Write[]): Promise<void> {
    const forgotten = this.#forgotten;
    this.#forgotten = [];
    return this.inner.commit([...forgotten, ...writes]);
  }
}

class UncommittedStore extends WrappedStore {
  override commit(writes: readonly Write[]): Promise<void> {
    return this.inner.commit(writes.filter(({ table }) => table !== 'outbox'));
  }
}

class HastyStore extends WrappedStore {
  override commit(writes: readonly Write[]): Promise<void> {
    const shards = writes.flatMap(({ table, key }) => (table === 'checkpoints' ? [key.readUInt32BE(0)] : []));
    const held = shards.flatMap((shard) => this.inner.keys('outbox', numberRange(shard)));
    const cleared = held.map((key) => ({ table: 'outbox', key, value: null }));
    return this.inner.commit([...cleared, ...writes]);
  }
}

function oneHigher({ table, key, value }: Write): Write {
  return { table, key: table === 'outbox' ? offsetKey(key.readUInt32BE(0), offsetOfKey(key) + 1) : key, value };
}

/** Takes effect when a process continues from a store that has finished fewer sums of a shard than were published. */
function publishedEarly(): Decorations {
  return {
    judged: ({ shard, disk, published, tookEffect }) => {
      if (published > finishedSums(disk, shard)) tookEffect();
    },
    summer: (options) => {
      let claims = 0;
      const store = new EarlyStore(options.store, () => claims === options.partitions.length, options.onFailure);
      return {
        ...options,
        journals: new DurableReports(options.journals, options.store),
        store,
        onClaim: (shard, claim) => {
          claims += 1;
          options.onClaim?.(shard, claim);
        },
      };
    },
  };
}

/** Reports only what is durable, so that the journals keep the rest. */
class DurableReports extends WrappedJournals {
  readonly #store: Store;

  constructor(inner: Journals, store: Store) {
    super(inner);
    this.#store = store;
  }

  override report(owner: ShardEpoch, offset: number): Promise<'reported' | 'fenced'> {
    const row = this.#store.get('checkpoints', keyOf(owner.shard));
    const durable = row === undefined ? 0 : openRow(row, isCheckpointRow, 'the checkpoint').offset;
    return super.report(owner, Math.min(offset, durable));
  }
}

class TwiceJournals extends WrappedJournals {
  readonly #subject: Subject;

  readonly #planted: PlantedBatches;

  constructor(inner: Journals, subject: Subject, planted: PlantedBatches) {
    super(inner);
    this.#subject = subject;
    this.#planted = planted;
  }

  override async append(journal: string, bytes: Uint8Array, owner?: ShardEpoch): Promise<AppendOutcome> {
    const outcome = await super.append(journal, bytes, owner);
    const batch = decodeBatch(bytes, journal, crc32c);
    const isAgain = this.#subject.prng.below(AGAIN_ONE_OF) === 0;
    if (journal !== SUMS_JOURNAL || outcome.outcome !== 'committed' || 'fault' in batch || !isAgain) return outcome;
    const header = { ...batch, firstIndex: batch.firstIndex + batch.count };
    const again = encodeBatch(header, batch.payload, journal, crc32c);
    this.#planted.plant(again);
    await super.append(journal, again, owner);
    return outcome;
  }
}
