/** Epochs that do not fence: messages of a replaced summer are accepted. */

import type { BrokerState } from '../../../src/journal/broker/state.ts';
import type { Journals, RaiseOptions, RaiseOutcome, ReadStream } from '../../../src/journal/journals.ts';
import { isShardRow } from '../../../src/journal/broker/tables.ts';
import { WrappedJournals } from '../../../src/journal/wrapped-journals.ts';
import { keyOf, openRow, sealRow } from '../../../src/store/row.ts';
import type { Write } from '../../../src/store/store.ts';
import type { Decorations, Subject } from '../decorations.ts';
import { withCrashes, withLateMessages, withTakeovers, withZombiesAcrossBrokers } from './adapt.ts';
import { WrappedStore } from '../../../src/store/wrapped-store.ts';
import { shardOfProducer } from '../../guarantee/checkers/batch-reader.ts';
import { batchesOf, beginsOf, confirmedOf, foldedBy } from './decorators/harm.ts';
import type { Mutant } from './mutant.ts';
import { patchedBroker } from './patched-broker.ts';

export const FENCING_MUTANTS: readonly Mutant[] = [
  {
    name: 'epoch-not-checked',
    class: 'fencing',
    bug: 'the broker takes every request of a shard, whatever its epoch',
    // Reports of a replaced summer trim data that its successor needs.
    kinds: ['stale-writer', 'acknowledged-loss', 'gap'],
    decorations: () =>
      staleAppends(({ owners }) => {
        const isReplaced = owners.isFenced.bind(owners);
        const confirm = owners.confirm.bind(owners);
        owners.isFenced = () => false;
        owners.confirm = (owner, path) => {
          if (!isReplaced(owner)) confirm(owner, path);
        };
      }),
    adapt: withTakeovers,
  },
  {
    name: 'late-publication-accepted',
    class: 'fencing',
    bug: 'the broker appends sums of a summer that was replaced',
    kinds: ['stale-writer'],
    decorations: () =>
      staleAppends((state) => {
        const { owners } = state;
        const isFenced = owners.isFenced.bind(owners);
        const append = state.append.bind(state);
        let isAppending = false;
        owners.isFenced = (owner) => !isAppending && isFenced(owner);
        state.append = (journal, bytes, owner) => {
          isAppending = true;
          const decision = append(journal, bytes, owner);
          isAppending = false;
          return decision;
        };
      }),
    adapt: withLateMessages,
  },
  {
    name: 'epoch-not-raised',
    class: 'fencing',
    bug: 'a raise answers with the epoch that there is already',
    kinds: ['stale-writer'],
    decorations: () =>
      staleAppends(({ owners }) => {
        const raise = owners.raise.bind(owners);
        owners.raise = (shard, path, raising) => {
          const epoch = owners.shards[shard]?.epoch ?? 0;
          const raised = raise(shard, path, raising);
          const kept = owners.shards[shard];
          if (raised?.outcome !== 'raised' || epoch === 0 || kept === undefined) return raised;
          kept.epoch = epoch;
          return { ...raised, epoch };
        };
      }),
    adapt: withTakeovers,
  },
  {
    name: 'raise-forgotten',
    class: 'fencing',
    bug: 'the broker does not commit raised epochs, and has forgotten them after a restart',
    // A process that had the epoch is fenced by a lower one, and so is told of a loss before anybody raises again.
    kinds: ['acknowledged-loss', 'stale-writer'],
    decorations: () => {
      const stale = staleAppends(() => {});
      return {
        ...stale,
        broker: (options, subject) => {
          const watched = stale.broker?.(options, subject) ?? options;
          return { ...watched, store: new EpochLess(watched.store) };
        },
      };
    },
    adapt: (plan) => withZombiesAcrossBrokers(withCrashes(plan)),
  },
];

/**
 * Takes effect when an epoch is raised twice, when sums become durable after a newer raise was answered, when a journal
 * begins beyond its owner's folded offset, or when a replaced summer is told that a journal is trimmed.
 */
export function staleAppends(patch: (state: BrokerState) => void): Decorations {
  /** By shard, the highest epoch whose raise somebody has the answer of. */
  const epochs = new Map<number, number>();
  const raisers = new Map<number, string>();
  const answered = new Set<string>();
  /** By shard, the epoch that is durable at the broker, whether its raise was answered or not. */
  const durable = new Map<number, number>();
  /** By shard, the durably folded offset of the last owner that had the answer to its raise. */
  const folded = new Map<number, number>();
  /** By journal number, the begin of the journal. */
  const begins = new Map<number, number>();
  return {
    ...patchedBroker(patch),
    durable: (watched, writes) => {
      for (const { producer, epoch } of batchesOf(watched, writes)) {
        const shard = shardOfProducer(producer);
        if (shard !== null && epoch < (epochs.get(shard) ?? 0)) watched.tookEffect();
      }
      for (const { shard, epoch } of confirmedOf(watched, writes)) durable.set(shard, epoch);
      for (const { shard, offset } of foldedBy(watched, writes)) {
        if (raisers.get(shard) !== watched.path) continue;
        folded.set(shard, offset);
        if (offset < (begins.get(shard) ?? 0)) watched.tookEffect();
      }
      for (const [number, begin] of beginsOf(watched, writes)) {
        begins.set(number, begin);
        // No shard has the number of the sums journal.
        if (raisers.has(number) && begin > (folded.get(number) ?? 0)) watched.tookEffect();
      }
    },
    // A successor does not know what a dead broker has lost.
    ended: ({ component, disk, tookEffect }) => {
      for (const [shard, epoch] of component === 'broker' ? epochs : []) {
        const row = disk.get('shards', keyOf(shard));
        if (row === undefined || openRow(row, isShardRow, 'a shard').epoch < epoch) tookEffect();
      }
    },
    summer: (options, subject) => ({
      ...options,
      journals: new EpochJournals(options.journals, { epochs, raisers, answered, durable }, subject),
    }),
  };
}

class EpochJournals extends WrappedJournals {
  readonly #epochs: Map<number, number>;
  readonly #raisers: Map<number, string>;
  /** Shards and epochs that somebody was told to have raised. */
  readonly #answered: Set<string>;
  readonly #durable: ReadonlyMap<number, number>;
  readonly #subject: Subject;

  constructor(
    inner: Journals,
    told: {
      readonly epochs: Map<number, number>;
      readonly raisers: Map<number, string>;
      readonly answered: Set<string>;
      readonly durable: ReadonlyMap<number, number>;
    },
    subject: Subject,
  ) {
    super(inner);
    this.#epochs = told.epochs;
    this.#raisers = told.raisers;
    this.#answered = told.answered;
    this.#durable = told.durable;
    this.#subject = subject;
  }

  /**
   * A replaced process is told that it is replaced, whatever else could be said. That a journal is trimmed concerns its
   * successor.
   */
  override read(journal: string, offset: number, options: Parameters<Journals['read']>[2]): ReadStream {
    const stream = super.read(journal, offset, options);
    const { owner } = options;
    if (owner === undefined) return stream;
    return {
      next: async () => {
        const next = await stream.next();
        const isStale = owner.epoch < (this.#durable.get(owner.shard) ?? 0);
        if (next !== null && 'end' in next && next.end === 'trimmed' && isStale) this.#subject.tookEffect();
        return next;
      },
      close: () => stream.close(),
    };
  }

  override async raise(shard: number, path: string, options: RaiseOptions): Promise<RaiseOutcome> {
    const raised = await super.raise(shard, path, options);
    if (raised.outcome !== 'raised' || this.#subject.isOver()) return raised;
    const before = this.#epochs.get(shard) ?? 0;
    const claim = `${shard} ${raised.epoch}`;
    if (this.#answered.has(claim)) this.#subject.tookEffect();
    this.#answered.add(claim);
    if (raised.epoch > before) this.#raisers.set(shard, path);
    this.#epochs.set(shard, Math.max(before, raised.epoch));
    return raised;
  }
}

/** A broker's store in which a shard keeps its first epoch. */
class EpochLess extends WrappedStore {
  override commit(writes: readonly Write[]): Promise<void> {
    return super.commit(writes.map((write) => this.#withoutRaise(write)));
  }

  #withoutRaise(write: Write): Write {
    const { table, key, value } = write;
    const before = this.inner.get(table, key);
    if (table !== 'shards' || value === null || before === undefined) return write;
    const { epoch } = openRow(before, isShardRow, 'the shard before');
    const { confirmed } = openRow(Buffer.from(value), isShardRow, 'the shard');
    return { table, key, value: sealRow({ epoch, confirmed }) };
  }
}
