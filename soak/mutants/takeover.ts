/** What a takeover must not do: claims in another order, copies that are not the predecessor's rows. */

import type { Journals, RaiseOptions, RaiseOutcome, ShardEpoch } from '../../src/journal/journals.ts';
import { WrappedJournals } from '../../src/journal/wrapped-journals.ts';
import type { Entry, Range, StoreReader } from '../../src/store/store.ts';
import { SUMMER_TABLES } from '../../src/summer/rows.ts';
import type { ReadOther } from '../../src/summer/claim.ts';
import { keyOf, numberRange } from '../../src/store/row.ts';
import type { Decorations, Subject } from '../simulation/decorations.ts';
import { withSlowTakeovers, withTakeovers } from './adapt.ts';
import { DecoratedStore } from './decorated.ts';
import { finishedSums, firstUnpublished, watchClaims } from './decorators/claims.ts';
import { EarlyStore } from './decorators/early-store.ts';
import type { Mutant } from './mutant.ts';

/** Sums that are left in an outbox may all be published. */
const TELLING_TABLES = SUMMER_TABLES.filter((table) => table !== 'outbox');

export const TAKEOVER_MUTANTS: readonly Mutant[] = [
  {
    name: 'copied-before-raise',
    class: 'takeover',
    bug: 'a takeover copies before it raises the epoch',
    kinds: ['state-behind'],
    decorations: copiedBeforeRaise,
    adapt: withSlowTakeovers,
  },
  {
    name: 'confirmed-before-durable',
    class: 'takeover',
    bug: 'a takeover confirms its store before the copy in it is durable',
    kinds: ['state-behind'],
    decorations: confirmedEarly,
    adapt: withTakeovers,
  },
  {
    name: 'states-not-copied',
    class: 'takeover',
    bug: 'a takeover does not copy the states',
    kinds: ['state-behind'],
    decorations: () => withoutTable('states'),
    adapt: withTakeovers,
  },
  {
    name: 'indexes-not-copied',
    class: 'takeover',
    bug: "a takeover does not copy the producers' next indexes",
    kinds: ['state-behind'],
    decorations: () => withoutTable('producers'),
    adapt: withTakeovers,
  },
  {
    name: 'outbox-not-copied',
    class: 'takeover',
    bug: 'a takeover does not copy the outbox',
    kinds: ['lost', 'acknowledged-loss'],
    decorations: outboxNotCopied,
    adapt: withTakeovers,
  },
  {
    name: 'predecessor-ignored',
    class: 'takeover',
    bug: 'a takeover starts with nothing, as if no store were confirmed',
    kinds: ['state-behind'],
    decorations: () => ({
      summer: (options, subject) => ({
        ...options,
        journals: new ForgetfulJournals(options.journals, options.readOther, subject),
      }),
    }),
    adapt: withTakeovers,
  },
  {
    name: 'own-rows-not-deleted',
    class: 'takeover',
    bug: 'a takeover leaves in its store what that had of the shard from an earlier time',
    // Old states are behind; old sums stand in the outbox before a hole, or a second time.
    kinds: ['state-behind', 'gap', 'duplicate', 'leak'],
    decorations: ownRowsNotDeleted,
    adapt: withTakeovers,
  },
];

/** Takes effect when the predecessor has published sums since it was copied. */
function copiedBeforeRaise(): Decorations {
  return {
    summer: (options, subject) => {
      const journals = new CopyingJournals(options.journals, options.readOther);
      const watched = watchClaims({ ...options, journals }, ({ shard, copiedFrom, published }) => {
        const finished = finishedSums(options.store, shard);
        if (copiedFrom !== null && published !== null && published > finished) subject.tookEffect();
      });
      return { ...watched, readOther: (_path, read) => Promise.resolve(read(journals.copy)) };
    },
  };
}

/** Copies what is confirmed of a shard, and only then raises its epoch. */
class CopyingJournals extends WrappedJournals {
  readonly #readOther: ReadOther;
  copy: StoreReader = new Rows([]);

  constructor(inner: Journals, readOther: ReadOther) {
    super(inner);
    this.#readOther = readOther;
  }

  override async raise(shard: number, path: string, options: RaiseOptions): Promise<RaiseOutcome> {
    const { shards } = await super.list();
    const confirmed = shards[shard]?.confirmed ?? path;
    if (confirmed !== path) this.copy = await this.#readOther(confirmed, (reader) => rowsOf(reader, shard));
    return super.raise(shard, path, options);
  }
}

/** Rows of one shard. */
class Rows implements StoreReader {
  readonly #entries: readonly (Entry & { readonly table: string })[];

  constructor(entries: readonly (Entry & { readonly table: string })[]) {
    this.#entries = entries;
  }

  get(table: string, key: Buffer): Buffer | undefined {
    return this.range(table).find((entry) => entry.key.equals(key))?.value;
  }

  range(table: string): Entry[] {
    return this.#entries.filter((entry) => entry.table === table);
  }

  keys(table: string): Buffer[] {
    return this.range(table).map(({ key }) => key);
  }
}

function rowsOf(reader: StoreReader, shard: number): Rows {
  return new Rows(
    SUMMER_TABLES.flatMap((table) => reader.range(table, numberRange(shard)).map((entry) => ({ table, ...entry }))),
  );
}

/** Takes effect when a store is confirmed while the copy is on its way to it. */
function confirmedEarly(): Decorations {
  return {
    summer: (options, subject) => {
      let claims = 0;
      const store = new EarlyStore(options.store, () => claims < options.partitions.length, options.onFailure);
      return {
        ...options,
        store,
        onClaim: (shard, claim) => {
          claims += 1;
          options.onClaim?.(shard, claim);
          if (claim.outcome === 'owned' && claim.copiedFrom !== null && store.isAhead) subject.tookEffect();
        },
      };
    },
  };
}

/** Takes effect when a shard is owned of which something was not copied. */
function withoutTable(table: string): Decorations {
  return {
    summer: (options, subject) => {
      let isMissing = false;
      const watched = watchClaims(options, ({ copiedFrom }) => {
        if (copiedFrom !== null && isMissing) subject.tookEffect();
      });
      const readOther: ReadOther = (path, read) =>
        options.readOther(path, (reader) => {
          const hiding = new HidingReader(reader, table);
          const copied = read(hiding);
          isMissing = hiding.hasHidden;
          return copied;
        });
      return { ...watched, readOther };
    },
  };
}

/** Takes effect when a shard is owned with finished sums that are neither in its outbox nor published. */
function outboxNotCopied(): Decorations {
  return {
    summer: (options, subject) => {
      const watched = watchClaims(options, ({ shard, copiedFrom, published }) => {
        if (copiedFrom !== null && published !== null && published < firstUnpublished(options.store, shard)) {
          subject.tookEffect();
        }
      });
      const readOther: ReadOther = (path, read) =>
        options.readOther(path, (reader) => read(new HidingReader(reader, 'outbox')));
      return { ...watched, readOther };
    },
  };
}

class HidingReader implements StoreReader {
  readonly #inner: StoreReader;
  readonly #table: string;
  /** Something that matters: a page of states without files does not. */
  hasHidden = false;

  constructor(inner: StoreReader, table: string) {
    this.#inner = inner;
    this.#table = table;
  }

  get(table: string, key: Buffer): Buffer | undefined {
    return this.#inner.get(table, key);
  }

  range(table: string, range: Range): Entry[] {
    const found = this.#inner.range(table, range);
    if (table !== this.#table) return found;
    this.hasHidden ||= found.some(({ value }) => value.subarray(0, -4).some((byte) => byte !== 0));
    return [];
  }

  keys(table: string, range: Range): Buffer[] {
    return this.#inner.keys(table, range);
  }
}

class ForgetfulJournals extends WrappedJournals {
  readonly #subject: Subject;
  readonly #readOther: ReadOther;
  /** By shard, whether what was forgotten had folded anything. */
  readonly #forgotten = new Set<number>();

  constructor(inner: Journals, readOther: ReadOther, subject: Subject) {
    super(inner);
    this.#readOther = readOther;
    this.#subject = subject;
  }

  override async raise(shard: number, path: string, options: RaiseOptions): Promise<RaiseOutcome> {
    const raised = await super.raise(shard, path, options);
    if (raised.outcome !== 'raised') return raised;
    const { confirmed } = raised;
    if (confirmed === null || confirmed === path) return raised;
    const hasFolded = await this.#readOther(
      confirmed,
      (reader) => reader.get('checkpoints', keyOf(shard)) !== undefined,
    );
    if (hasFolded) this.#forgotten.add(shard);
    return { ...raised, confirmed: null };
  }

  override async confirm(owner: ShardEpoch, path: string): Promise<'confirmed' | 'fenced'> {
    const outcome = await super.confirm(owner, path);
    if (outcome === 'confirmed' && this.#forgotten.delete(owner.shard)) this.#subject.tookEffect();
    return outcome;
  }
}

/**
 * Whoever comes back takes its shards over again, which is in order. Takes effect when its store then has rows that the
 * predecessor's has not.
 */
function ownRowsNotDeleted(): Decorations {
  return {
    summer: (options, subject) => {
      const store = new KeptRows(options.store);
      let copied = new Set<string>();
      const watched = watchClaims(options, ({ shard, copiedFrom }) => {
        if (copiedFrom !== null && namesOf(options.store, [shard]).some((name) => !copied.has(name))) {
          subject.tookEffect();
        }
      });
      const readOther: ReadOther = (path, read) =>
        options.readOther(path, (reader) => {
          copied = new Set(namesOf(reader, options.partitions));
          return read(reader);
        });
      return { ...watched, store, readOther, takeOver: options.takeOver || subject.incarnation > 1 };
    },
  };
}

/** Names what the claim should delete as nothing. */
class KeptRows extends DecoratedStore {
  override keys(): Buffer[] {
    return [];
  }
}

/** Of rows of these shards, but for pages of states without files. */
function namesOf(reader: StoreReader, shards: readonly number[]): string[] {
  return shards.flatMap((shard) =>
    TELLING_TABLES.flatMap((table) =>
      reader
        .range(table, numberRange(shard))
        .filter(({ value }) => value.subarray(0, -4).some((byte) => byte !== 0))
        .map(({ key }) => `${table} ${key.toString('hex')}`),
    ),
  );
}
