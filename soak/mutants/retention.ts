/** What somebody still needs is trimmed. */

import {
  type Journals,
  type LeaveOptions,
  SUMS_JOURNAL,
  type ShardEpoch,
  type StoredBatch,
  chunkJournal,
} from '../../src/journal/journals.ts';
import * as records from '../../src/chunker/records.ts';
import { isJournalRow } from '../../src/journal/broker/tables.ts';
import { keyOf, openRow } from '../../src/store/row.ts';
import type { Store, Write } from '../../src/store/store.ts';
import { isCheckpointRow } from '../../src/summer/rows.ts';
import type { Decorations } from '../simulation/decorations.ts';
import { withChunkerCrashes, withLittleRoom } from './adapt-broker.ts';
import { ChangedReads, CommittedStore, both } from './decorated.ts';
import type { Mutant } from './mutant.ts';
import { patchedBroker } from './patched-broker.ts';

export const RETENTION_MUTANTS: readonly Mutant[] = [
  {
    name: 'trimmed-too-early',
    class: 'retention',
    bug: 'the broker trims chunks up to the head when a shard reports, whatever it reports',
    kinds: ['acknowledged-loss'],
    decorations: () =>
      both(
        patchedBroker((state) => {
          const { holds } = state;
          const move = holds.move.bind(holds);
          holds.move = (journal, name, offset) =>
            move(journal, name, journal.kind === 'chunks' ? journal.head : offset);
        }),
        watchingChunks(),
      ),
    adapt: withLittleRoom,
  },
  {
    name: 'reported-before-durable',
    class: 'retention',
    bug: 'a summer reports what it has read before it has committed it',
    kinds: ['acknowledged-loss'],
    decorations: () =>
      both({ summer: (options) => ({ ...options, journals: new EagerReports(options.journals) }) }, watchingChunks()),
    adapt: withLittleRoom,
  },
  {
    name: 'hold-moved-before-ledger',
    class: 'retention',
    bug: 'a verifier moves its hold to what it has read before that is durable in its ledger',
    kinds: ['acknowledged-loss'],
    decorations: () =>
      both({ chunker: (options) => ({ ...options, journals: new EagerHolds(options.journals) }) }, watchingSums()),
    adapt: (plan) => withLittleRoom(withChunkerCrashes(plan)),
  },
];

/** Journals that know how far their streams were read. */
class FollowedReads extends ChangedReads {
  protected readonly readThrough: Map<string, number>;

  constructor(inner: Journals) {
    const readThrough = new Map<string, number>();
    super(inner, (journal: string, batch: StoredBatch) => {
      readThrough.set(journal, batch.end);
      return [batch];
    });
    this.readThrough = readThrough;
  }
}

class EagerReports extends FollowedReads {
  override report(owner: ShardEpoch, offset: number): ReturnType<Journals['report']> {
    return this.inner.report(owner, Math.max(offset, this.readThrough.get(chunkJournal(owner.shard)) ?? 0));
  }
}

class EagerHolds extends FollowedReads {
  override moveHold(
    journal: string,
    name: string,
    offset: number,
    options?: LeaveOptions,
  ): ReturnType<Journals['moveHold']> {
    const read = journal === SUMS_JOURNAL ? (this.readThrough.get(journal) ?? 0) : 0;
    return this.inner.moveHold(journal, name, Math.max(offset, read), options);
  }
}

/** Takes effect when a chunk journal begins, durably, beyond what any summer has durably folded of it. */
function watchingChunks(): Decorations {
  const stores = new Map<string, Store>();
  const folded = (shard: number): number =>
    Math.max(
      0,
      ...Array.from(stores.values(), (store) => {
        const row = store.get('checkpoints', keyOf(shard));
        return row === undefined ? 0 : openRow(row, isCheckpointRow, 'a checkpoint').offset;
      }),
    );
  return {
    summer: (options, { name }) => {
      stores.set(name, options.store);
      return options;
    },
    broker: watchingBegins((number, begin, partitions) => number < partitions && begin > folded(number)),
  };
}

/** Takes effect when the sums journal begins, durably, beyond the durable place of a verifier that is at work. */
function watchingSums(): Decorations {
  const stores = new Map<string, Store>();
  const places = (): number[] =>
    Array.from(stores.values()).flatMap((store) => {
      const place = records.readRow(store, 'position', records.isPositionRow);
      const isEnding = records.readRow(store, 'phase', records.isPhaseRow) !== null;
      return place === null || isEnding ? [] : [place.offset];
    });
  return {
    chunker: (options, { name }) => {
      stores.set(name, options.store);
      return options;
    },
    broker: watchingBegins((number, begin, partitions) => number === partitions && begin > Math.min(...places())),
  };
}

function watchingBegins(
  isTooFar: (number: number, begin: number, partitions: number) => boolean,
): NonNullable<Decorations['broker']> {
  return (options, { tookEffect }) => ({
    ...options,
    store: new CommittedStore(options.store, (writes) => {
      for (const [number, begin] of begins(writes)) {
        if (begin > 0 && isTooFar(number, begin, options.config.partitions)) tookEffect();
      }
    }),
  });
}

/** By number, where journals begin from this commit on. */
function begins(writes: readonly Write[]): (readonly [number, number])[] {
  return writes.flatMap(({ table, key, value }) =>
    table === 'journals' && value !== null
      ? [[key.readUInt32BE(0), openRow(Buffer.from(value), isJournalRow, 'a journal').begin] as const]
      : [],
  );
}
