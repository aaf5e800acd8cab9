/** Records that get a wrong place. */

import { offsetKey, offsetOfKey } from '../../../src/store/row.ts';
import type { Range, Store, Write } from '../../../src/store/store.ts';
import type { BrokerState } from '../../../src/journal/broker/state.ts';
import type { Decorations, Subject } from '../decorations.ts';
import { withBreaks, withBrokerCrashes, withTwoChunkers } from './adapt-broker.ts';
import { WrappedStore } from '../../../src/store/wrapped-store.ts';
import { both, opened } from './decorated.ts';
import { PlantedCommits, watchingPlaces, watchingRepeats } from './decorators/harm.ts';
import { watchingLoss } from './durability.ts';
import type { Mutant } from './mutant.ts';
import { patchedBroker } from './patched-broker.ts';

/** One in so many batches is stored wrongly. */
const RARITY = 25;

export const ADDRESSING_MUTANTS: readonly Mutant[] = [
  {
    name: 'repeated-index-accepted',
    class: 'addressing',
    bug: 'the broker appends a batch whose first index is below the expected one',
    kinds: ['duplicate'],
    decorations: () => ({
      ...patchedBroker((state) => acceptsIndex(state, (first, next) => first < next)),
      ...watchingRepeats(),
    }),
    adapt: withBrokerCrashes,
  },
  {
    name: 'index-beyond-expected-accepted',
    class: 'addressing',
    bug: 'the broker appends a batch whose first index is above the expected one',
    kinds: ['gap'],
    decorations: () => ({
      ...patchedBroker((state) => acceptsIndex(state, (first, next) => first > next)),
      ...watchingPlaces(({ firstIndex, next }) => firstIndex > next),
    }),
    adapt: withBreaks,
  },
  {
    name: 'index-not-stored',
    class: 'addressing',
    bug: 'the next index of a producer is not in the commit that holds its batch',
    // A restarted broker says itself that it expects records that it had acknowledged.
    kinds: ['duplicate', 'acknowledged-loss'],
    decorations: () =>
      both(watchingLoss(new Map()), {
        broker: (options) => ({ ...options, store: new ForgetfulStore(options.store) }),
        ...watchingRepeats(),
      }),
    adapt: withBrokerCrashes,
  },
  {
    name: 'offset-reused',
    class: 'addressing',
    bug: 'a batch is stored at the offset of the batch before it',
    kinds: ['duplicate', 'gap'],
    decorations: () => changedCommits((writes, { prng }) => reuseOffset(writes, prng.below(RARITY))),
  },
  {
    name: 'batch-misdirected',
    class: 'addressing',
    bug: 'two batches of one commit are stored in the journals of each other',
    // The wrong batch when another begins at the same offset, else no batch.
    kinds: ['corrupt', 'gap'],
    decorations: () => changedCommits((writes) => swapBatches(writes)),
    adapt: withTwoChunkers,
  },
  {
    name: 'batch-dropped-at-rest',
    class: 'addressing',
    bug: 'a batch is missing from the commit that acknowledges it',
    kinds: ['gap'],
    decorations: () => changedCommits((writes, { prng }) => dropBatch(writes, prng.below(RARITY))),
  },
];

/** The broker accepts a batch whose first index is not the expected one. */
function acceptsIndex(state: BrokerState, takes: (first: number, next: number) => boolean): void {
  const append = state.append.bind(state);
  state.append = (name, bytes, owner) => {
    const decision = append(name, bytes, owner);
    if (!('outcome' in decision) || decision.outcome !== 'expected') return decision;
    const { producer: id, firstIndex } = opened(bytes, name);
    const producer = state.journals.get(name)?.producer(id);
    if (producer === undefined || !takes(firstIndex, decision.n)) return decision;
    producer.next = firstIndex;
    const forced = append(name, bytes, owner);
    const isTaken = 'accepted' in forced;
    producer.next = isTaken ? Math.max(producer.next, decision.n) : decision.n;
    return forced;
  };
}

function changedCommits(change: Change): Decorations {
  const missing = new Map<string, Buffer>();
  const planted = new PlantedCommits();
  return {
    durable: planted.durable,
    broker: (options, subject) => ({
      ...options,
      store: new ChangedCommits(options.store, { subject, change, missing, planted }),
    }),
  };
}

type Change = (writes: readonly Write[], subject: Subject) => readonly Write[] | null;

/** `missing`: keys of batches that were to be stored and are not. */
type ChangedCommitsOptions = {
  readonly subject: Subject;
  readonly change: Change;
  readonly missing: Map<string, Buffer>;
  readonly planted: PlantedCommits;
};

/** A broker's store that lists what it should have, and holds something else. */
class ChangedCommits extends WrappedStore {
  readonly #options: ChangedCommitsOptions;

  constructor(inner: Store, options: ChangedCommitsOptions) {
    super(inner);
    this.#options = options;
  }

  override async commit(writes: readonly Write[]): Promise<void> {
    const { subject, change, missing, planted } = this.#options;
    const changed = change(writes, subject);
    if (changed !== null) planted.plant(changed);
    await this.inner.commit(changed ?? writes);
    for (const { table, key, value } of writes) {
      if (table === 'batches' && value === null) missing.delete(key.toString('hex'));
    }
    if (changed === null) return;
    const kept = new Set(changed.filter(isBatch).map(({ key }) => key.toString('hex')));
    for (const { key } of writes.filter(isBatch)) {
      if (!kept.has(key.toString('hex'))) missing.set(key.toString('hex'), key);
    }
  }

  override keys(table: string, { from, to, limit, reverse = false }: Range): Buffer[] {
    const keys = this.inner.keys(table, { from, to });
    if (table === 'batches') {
      const within = (key: Buffer): boolean => Buffer.compare(key, from) >= 0 && Buffer.compare(key, to) < 0;
      keys.push(...Array.from(this.#options.missing.values()).filter(within));
    }
    const sorted = keys.toSorted((a, b) => (reverse ? Buffer.compare(b, a) : Buffer.compare(a, b)));
    return limit === undefined ? sorted : sorted.slice(0, limit);
  }
}

/** A batch that follows another batch in its journal gets the key of that batch. */
function reuseOffset(writes: readonly Write[], chance: number): readonly Write[] | null {
  const at = writes.findIndex(isBatch);
  const write = writes[at];
  if (write === undefined || chance > 0) return null;
  const begin = offsetOfKey(write.key);
  // The batch before it begins below. Its exact place does not matter: any offset below is already in use.
  if (begin === 0) return null;
  const key = offsetKey(write.key.readUInt32BE(0), Math.max(0, begin - 64));
  return writes.with(at, { ...write, key });
}

function swapBatches(writes: readonly Write[]): readonly Write[] | null {
  const batches = writes.flatMap((write, at) => (isBatch(write) ? [at] : []));
  const [first] = batches;
  const one = first === undefined ? undefined : writes[first];
  const second = batches.find((at) => writes[at]?.key.readUInt32BE(0) !== one?.key.readUInt32BE(0));
  const other = second === undefined ? undefined : writes[second];
  if (first === undefined || second === undefined || one === undefined || other === undefined) return null;
  return writes.with(first, { ...one, value: other.value }).with(second, { ...other, value: one.value });
}

function dropBatch(writes: readonly Write[], chance: number): readonly Write[] | null {
  const at = writes.findIndex(isBatch);
  return at < 0 || chance > 0 ? null : writes.toSpliced(at, 1);
}

function isBatch({ table, value }: Write): boolean {
  return table === 'batches' && value !== null;
}

/** A broker's store that keeps no index beside a batch. */
class ForgetfulStore extends WrappedStore {
  override commit(writes: readonly Write[]): Promise<void> {
    return this.inner.commit(writes.filter(({ table }) => table !== 'producers'));
  }
}
