/** Errors of a takeover: claims in another order, and copies that are not the predecessor's rows. */

import type { Journals, RaiseOptions, RaiseOutcome } from '../../../src/journal/journals.ts';
import { WrappedJournals } from '../../../src/journal/wrapped-journals.ts';
import type { Entry, Range, StoreReader } from '../../../src/store/store.ts';
import { SUM_BYTES } from '../../../src/message/sum.ts';
import { SUMMER_TABLES } from '../../../src/summer/rows.ts';
import type { ReadOther } from '../../../src/summer/claim.ts';
import { keyOf, numberRange, offsetOfKey, openBytes } from '../../../src/store/row.ts';
import type { Decorations } from '../decorations.ts';
import { withSlowTakeovers, withTakeovers } from './adapt.ts';
import { WrappedStore } from '../../../src/store/wrapped-store.ts';
import { finishedSums, firstUnpublished, watchClaims } from './decorators/claims.ts';
import { EarlyStore } from './decorators/early-store.ts';
import { FlawedStores, confirmedOf } from './decorators/harm.ts';
import { Rows } from './decorators/rows.ts';
import { rowNames, STATE_TABLES, tellingRows, tellingValue } from './decorators/telling-rows.ts';
import type { Mutant } from './mutant.ts';

/** Sums that are left in an outbox may all be published. */
const TELLING_TABLES = STATE_TABLES.filter((table) => table !== 'outbox');

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
    decorations: () => {
      const flawed = new FlawedStores();
      return {
        durable: flawed.durable,
        summer: (options) => ({
          ...options,
          journals: new ForgetfulJournals(options.journals, options.readOther, flawed),
        }),
      };
    },
    adapt: withTakeovers,
  },
  {
    name: 'own-rows-not-deleted',
    class: 'takeover',
    bug: 'a takeover leaves in its store what that had of the shard from an earlier time',
    // Old states are behind, or ahead of a copy from further back. Old sums stand in the outbox before a hole, or a
    // second time.
    kinds: ['state-behind', 'state-ahead', 'gap', 'duplicate', 'leak'],
    decorations: ownRowsNotDeleted,
    adapt: withTakeovers,
  },
];

/** Takes effect when a copy is confirmed that differs from the predecessor's rows at the raise of the epoch. */
function copiedBeforeRaise(): Decorations {
  const flawed = new FlawedStores();
  const disks = new Map<string, StoreReader>();
  /** By shard, the epoch that was raised last, and the rows that the confirmed store had then. */
  const atRaise = new Map<number, { readonly epoch: number; readonly rows: string }>();
  return {
    durable: (watched, writes) => {
      if (watched.component === 'summer') disks.set(watched.path, watched.disk);
      for (const { shard, path, epoch } of confirmedOf(watched, writes)) {
        const disk = disks.get(path);
        if (disk === undefined || epoch <= (atRaise.get(shard)?.epoch ?? 0)) continue;
        atRaise.set(shard, { epoch, rows: textOf(disk, shard) });
      }
      flawed.durable(watched, writes);
    },
    summer: (options) => {
      const journals = new CopyingJournals(options.journals, options.readOther, (shard, epoch, copy) => {
        const before = atRaise.get(shard);
        flawed.set(options.store.path, shard, before?.epoch === epoch && before.rows !== textOf(copy, shard));
      });
      return { ...options, journals, readOther: (_path, read) => Promise.resolve(read(journals.copy)) };
    },
  };
}

/** Copies the confirmed rows of a shard first, and raises its epoch afterwards. */
class CopyingJournals extends WrappedJournals {
  readonly #readOther: ReadOther;
  readonly #onRaised: (shard: number, epoch: number, copy: Rows) => void;
  copy: Rows = new Rows([]);

  /** `onRaised`: a takeover has raised the shard's epoch, and continues with this copy. */
  constructor(inner: Journals, readOther: ReadOther, onRaised: (shard: number, epoch: number, copy: Rows) => void) {
    super(inner);
    this.#readOther = readOther;
    this.#onRaised = onRaised;
  }

  override async raise(shard: number, path: string, options: RaiseOptions): Promise<RaiseOutcome> {
    const { shards } = await super.list();
    const confirmed = shards[shard]?.confirmed ?? path;
    if (confirmed !== path) this.copy = await this.#readOther(confirmed, (reader) => rowsOf(reader, shard));
    const raised = await super.raise(shard, path, options);
    if (confirmed !== path && raised.outcome === 'raised') this.#onRaised(shard, raised.epoch, this.copy);
    return raised;
  }
}

function textOf(reader: StoreReader, shard: number): string {
  return JSON.stringify([...tellingRows(reader, shard, TELLING_TABLES)]);
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

/** Takes effect when a store is confirmed to which some row was not copied. */
function withoutTable(table: string): Decorations {
  const flawed = new FlawedStores();
  return {
    durable: flawed.durable,
    summer: (options) => ({
      ...options,
      readOther: (path, read) =>
        options.readOther(path, (reader) => {
          const hiding = new HidingReader(reader, table);
          const copied = read(hiding);
          for (const shard of hiding.shards) flawed.set(options.store.path, shard, hiding.hasHidden);
          return copied;
        }),
    }),
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
  /** Shards of which it was read. */
  readonly shards = new Set<number>();
  /** Something that matters is hidden. A page of states without files does not matter. */
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
    this.shards.add(range.from.readUInt32BE(0));
    if (table !== this.#table) return found;
    this.hasHidden ||= found.some(({ value }) => tellingValue(table, value) !== null);
    return [];
  }

  keys(table: string, range: Range): Buffer[] {
    return this.#inner.keys(table, range);
  }
}

class ForgetfulJournals extends WrappedJournals {
  readonly #flawed: FlawedStores;
  readonly #readOther: ReadOther;

  constructor(inner: Journals, readOther: ReadOther, flawed: FlawedStores) {
    super(inner);
    this.#readOther = readOther;
    this.#flawed = flawed;
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
    this.#flawed.set(path, shard, hasFolded);
    return { ...raised, confirmed: null };
  }
}

/**
 * A process that comes back takes its shards over again, which is in order. Takes effect when its store is confirmed,
 * and has rows that the predecessor's store lacks.
 */
function ownRowsNotDeleted(): Decorations {
  const flawed = new FlawedStores();
  return {
    durable: flawed.durable,
    summer: (options, subject) => ({
      ...options,
      store: new KeptRows(options.store),
      readOther: (path, read) =>
        options.readOther(path, (reader) => {
          const watched = new HidingReader(reader, '');
          const copied = read(watched);
          for (const shard of watched.shards) {
            // A copied row replaces the one of its name, also a page of states without files.
            const copiedNames = new Set(rowNames(reader, shard, TELLING_TABLES));
            const own = tellingRows(options.store, shard, TELLING_TABLES);
            const isLeft = [...own.keys()].some((name) => !copiedNames.has(name));
            flawed.set(options.store.path, shard, isLeft || isOutboxBroken(options.store, reader, shard));
          }
          return copied;
        }),
      takeOver: options.takeOver || subject.incarnation > 1,
    }),
  };
}

/** Whether the sums left in one outbox and the copied sums, taken together, have a hole before the next sum. */
function isOutboxBroken(own: StoreReader, copied: StoreReader, shard: number): boolean {
  const entries = [own, copied].flatMap((reader) => reader.range('outbox', numberRange(shard)));
  const lengths = new Map(entries.map(({ key, value }) => [offsetOfKey(key), openBytes(value, 'an outbox').length]));
  let next: number | null = null;
  for (const [first, length] of Array.from(lengths).toSorted(([one], [other]) => one - other)) {
    if (next !== null && first !== next) return true;
    next = first + length / SUM_BYTES;
  }
  return next !== null && next !== finishedSums(copied, shard);
}

/** Names the rows that the claim should delete as empty. */
class KeptRows extends WrappedStore {
  override keys(): Buffer[] {
    return [];
  }
}
