/** Bugs in the engine of a cluster, and in those who read what it may store twice. */

import { delay } from '../../../src/core/clock.ts';
import { ViolationError } from '../../../src/core/errors.ts';
import { Etcd } from '../../../src/journal/gazette/etcd.ts';
import { Registry } from '../../../src/journal/gazette/registry.ts';
import type { RpcCalls } from '../../../src/journal/gazette/rpc.ts';
import { STATUS } from '../../../src/journal/gazette/status.ts';
import type { AppendOutcome, ExpectedOutcome, Journals, ShardEpoch } from '../../../src/journal/journals.ts';
import { SUMS_JOURNAL } from '../../../src/journal/journals.ts';
import { readProducer } from '../../../src/message/batch.ts';
import { PROMISES } from '../../../src/journal/promises.ts';
import { WrappedJournals } from '../../../src/journal/wrapped-journals.ts';
import { CLUSTER_PREFIX } from '../cluster/cluster.ts';
import type { GazetteParts, Subject } from '../decorations.ts';
import { withBreaks } from './adapt-broker.ts';
import { withLostPrimaries, withLostRegisters } from './adapt-cluster.ts';
import { ChangedReads } from './decorated.ts';
import { Unskipped, WatchedReads, byEverybody, changedCalls, engineOver, watchingCommitted } from './gazette-parts.ts';
import type { Mutant } from './mutant.ts';
import { type Told, ToldJournals } from './told.ts';

const PATIENCE_MS = 300;

type GazetteMutant = Omit<Mutant, 'class' | 'engine'>;

const MUTANTS: readonly GazetteMutant[] = [
  {
    name: 'expected-without-a-barrier',
    bug: 'the next index of a producer is what etcd has noted, and the journal is not read from there on',
    kinds: ['acknowledged-loss'],
    decorations: () => {
      const told: Told = new Map();
      return {
        gazette: (parts, subject) =>
          subject.component === 'chunker' ? new ToldJournals(new Unread(parts), told, subject) : parts.journals,
      };
    },
  },
  {
    name: 'read-without-a-barrier',
    bug: 'a batch is handed on when it lies below the write head that a broker tells',
    kinds: ['state-ahead', 'acknowledged-loss', 'gap', 'mismatched', 'duplicate', 'phantom', 'corrupt'],
    decorations: () => ({
      gazette: (parts, subject) => new WatchedReads(new ReadsByWriteHead(parts), parts, subject),
    }),
    adapt: withLostPrimaries,
  },
  {
    name: 'appends-in-parallel',
    bug: 'an append to a journal does not wait for the one before',
    kinds: ['gap'],
    decorations: () => ({
      ...watchingCommitted(({ firstIndex }, { next }) => firstIndex > next),
      gazette: (parts, { component }) => (component === 'chunker' ? new WithoutLane(parts) : parts.journals),
    }),
  },
  {
    name: 'appends-without-a-fence',
    bug: 'neither etcd nor a register is asked before sums are appended',
    kinds: ['stale-writer'],
    decorations: () => ({
      ...watchingCommitted(({ epoch }, before) => epoch < before.epoch),
      rpc: withoutChecks,
      gazette: withoutLook,
    }),
    adapt: withLostRegisters,
  },
  {
    name: 'registers-trusted-alone',
    bug: 'etcd is not asked before sums are appended: registers alone are, and an empty set of them matches everything',
    kinds: ['stale-writer'],
    decorations: () => ({
      ...watchingCommitted(({ epoch }, before) => epoch < before.epoch),
      gazette: withoutLook,
    }),
    adapt: withLostRegisters,
  },
  {
    name: 'place-noted-wrongly',
    bug: 'the place of a producer that etcd has is behind the batches that its index leaves out',
    kinds: ['gap', 'acknowledged-loss'],
    decorations: () => {
      const told: Told = new Map();
      return {
        rpc: withWrongPlaces,
        gazette: ({ journals }, subject) => new ToldJournals(new Unfindable(journals, subject), told, subject),
      };
    },
  },
  {
    name: 'unknown-append-taken-for-done',
    bug: 'an append that brokers did not answer counts as acknowledged',
    // When no append follows, the journal is never asked again.
    kinds: ['acknowledged-loss', 'gap', 'lost', 'late'],
    decorations: () => {
      const told: Told = new Map();
      return {
        gazette: (parts, subject) =>
          subject.component === 'chunker' ? new ToldJournals(new WithoutDoubt(parts), told, subject) : parts.journals,
      };
    },
    adapt: withBreaks,
  },
  {
    name: 'slow-append-taken-for-done',
    bug: 'an append that is not answered within a while counts as acknowledged',
    kinds: ['acknowledged-loss', 'gap', 'lost', 'late'],
    decorations: () => {
      const told: Told = new Map();
      return {
        gazette: (parts, subject) =>
          subject.component === 'chunker' ? new ToldJournals(new Impatient(parts), told, subject) : parts.journals,
      };
    },
    adapt: withBreaks,
  },
  {
    name: 'repetition-folded',
    bug: 'a summer folds records that stand in the journal twice, and takes them for new ones',
    // A repetition of the last chunks of a file that has ended looks like a file without its first chunks: a gap.
    kinds: ['duplicate', 'out-of-order', 'mismatched', 'state-ahead', 'gap'],
    decorations: () => ({
      summer: (options, subject) => ({ ...options, journals: unskipped(options.journals, subject, isChunks) }),
    }),
    adapt: withBreaks,
  },
  {
    name: 'repetition-verified',
    bug: 'a verifier judges sums that stand in the journal twice, and takes them for new ones',
    kinds: ['duplicate', 'phantom'],
    decorations: () => ({
      chunker: (options, subject) => ({ ...options, journals: new Unverified(options.journals, subject) }),
    }),
    adapt: withBreaks,
  },
  {
    name: 'repetition-audited',
    bug: 'the auditor takes records that stand in the journal twice for a violation',
    kinds: ['duplicate'],
    decorations: () => ({
      ...watchingCommitted(({ firstIndex }, { next }) => firstIndex < next),
      promises: { ...PROMISES.gazette, mayRepeat: false },
    }),
    adapt: withBreaks,
  },
];

export const GAZETTE_MUTANTS: readonly Mutant[] = MUTANTS.map((mutant) => ({
  ...mutant,
  class: 'engine',
  engine: 'gazette',
}));

function isChunks(journal: string): boolean {
  return journal !== SUMS_JOURNAL;
}

function isSums(journal: string): boolean {
  return journal === SUMS_JOURNAL;
}

function unskipped(journals: Journals, { tookEffect }: Subject, isIt: (journal: string) => boolean): Journals {
  const repeated = new Unskipped(tookEffect);
  return new ChangedReads(journals, (journal, stored) => (isIt(journal) ? repeated.change(journal, stored) : [stored]));
}

/** Repeated sums are new ones. Its verifier minds those of its own files alone. */
class Unverified extends WrappedJournals {
  readonly #producers = new Set<string>();

  constructor(inner: Journals, { tookEffect }: Subject) {
    const isOwn = ({ payload }: { readonly payload: Uint8Array }): boolean => {
      const sums = Buffer.from(payload).toString('hex');
      return [...this.#producers].some((producer) => sums.includes(producer));
    };
    const repeated = new Unskipped((batch) => {
      if (isOwn(batch)) tookEffect();
    });
    super(
      new ChangedReads(inner, (journal, stored) => (isSums(journal) ? repeated.change(journal, stored) : [stored])),
    );
  }

  override append(journal: string, bytes: Uint8Array, owner?: ShardEpoch): Promise<AppendOutcome> {
    this.#producers.add(readProducer(bytes, 16));
    return this.inner.append(journal, bytes, owner);
  }
}

/** Asks etcd, and nobody else. */
class Unread extends WrappedJournals {
  readonly #registry: Registry;
  readonly #clock: GazetteParts['options']['clock'];

  constructor({ journals, rpc, options }: GazetteParts) {
    super(journals);
    const { clock, prefix } = options;
    this.#clock = clock;
    const etcd = new Etcd({ rpc, clock, signal: new AbortController().signal });
    this.#registry = new Registry({ etcd, prefix: `/${prefix}`, newName: () => '' });
  }

  override async expected(journal: string, producer: string, owner?: ShardEpoch): Promise<ExpectedOutcome> {
    if (owner !== undefined) return await this.inner.expected(journal, producer, owner);
    const { next = 0, ended = false } = (await this.#registry.index(journal, producer)) ?? {};
    return ended ? { outcome: 'ended', n: next } : { outcome: 'expected', n: next, stampNs: this.#clock.nowNs() };
  }
}

/** Reads by an engine whose barriers are the words of one broker. */
class ReadsByWriteHead extends WrappedJournals {
  readonly #reads: Journals;

  constructor(parts: GazetteParts) {
    super(parts.journals);
    const { rpc, cluster } = parts;
    this.#reads = engineOver(parts, {
      append: async ({ journal = '' }) => {
        const { status, header, write_head: end } = await rpc.readMetadata(journal, 0);
        return byEverybody({ status, header, commit: { begin: end, end }, registers: null }, cluster);
      },
    });
  }

  override read(...args: Parameters<Journals['read']>): ReturnType<Journals['read']> {
    return this.#reads.read(...args);
  }

  override close(): void {
    this.#reads.close();
    super.close();
  }
}

/** Batches of chunkers go to the brokers at once, once the producer has a place in the journal. */
class WithoutLane extends WrappedJournals {
  readonly #parts: GazetteParts;
  readonly #placed = new Set<string>();

  constructor(parts: GazetteParts) {
    super(parts.journals);
    this.#parts = parts;
  }

  override async append(journal: string, bytes: Uint8Array, owner?: ShardEpoch): Promise<AppendOutcome> {
    if (!this.#placed.has(journal) || owner !== undefined) {
      const outcome = await this.inner.append(journal, bytes, owner);
      if (outcome.outcome === 'committed') this.#placed.add(journal);
      return outcome;
    }
    const { rpc, options } = this.#parts;
    try {
      const { status, commit } = await rpc.append({ journal: `${CLUSTER_PREFIX}${journal}` }, [bytes]);
      if (status !== STATUS.OK || commit === null) return { outcome: 'refused' };
      const stampNs = options.clock.nowNs();
      return { outcome: 'committed', begin: Number(commit.begin), end: Number(commit.end), stampNs };
    } catch {
      return { outcome: 'unknown' };
    }
  }
}

/** Assumes the best about every append of unknown outcome. */
class WithoutDoubt extends WrappedJournals {
  readonly #parts: GazetteParts;

  constructor(parts: GazetteParts) {
    super(parts.journals);
    this.#parts = parts;
  }

  override async append(journal: string, bytes: Uint8Array, owner?: ShardEpoch): Promise<AppendOutcome> {
    const outcome = await this.inner.append(journal, bytes, owner);
    const stampNs = this.#parts.options.clock.nowNs();
    return outcome.outcome === 'unknown' ? { outcome: 'committed', begin: 0, end: 0, stampNs } : outcome;
  }
}

/** Does not wait for slow answers. */
class Impatient extends WrappedJournals {
  readonly #clock: GazetteParts['options']['clock'];

  constructor({ journals, options }: GazetteParts) {
    super(journals);
    this.#clock = options.clock;
  }

  override async append(journal: string, bytes: Uint8Array, owner?: ShardEpoch): Promise<AppendOutcome> {
    const late = delay(this.#clock, PATIENCE_MS).then(
      (): AppendOutcome => ({ outcome: 'committed', begin: 0, end: 0, stampNs: this.#clock.nowNs() }),
    );
    return await Promise.race([this.inner.append(journal, bytes, owner), late]);
  }
}

function withoutChecks(calls: RpcCalls): RpcCalls {
  return changedCalls(calls, {
    append: ({ check_registers: check, ...request }, parts) => {
      const isOfShard = request.union_registers?.labels[0]?.name.startsWith('shard-') === true;
      return calls.append(isOfShard || check === undefined ? request : { ...request, check_registers: check }, parts);
    },
  });
}

/** Appends by an engine that takes its owner's epoch for the present one. */
function withoutLook(parts: GazetteParts): Journals {
  const epochs = new Map<string, number>();
  const engine = engineOver(parts, {
    range: (request) => {
      const epoch = epochs.get(request.key.toString());
      if (epoch === undefined) return parts.rpc.range(request);
      const value = Buffer.from(JSON.stringify({ epoch, confirmed: null, pin: 0, raisedBy: '' }));
      return Promise.resolve({ header: null, kvs: [{ key: request.key, value, mod_revision: '1' }] });
    },
  });
  return new (class extends WrappedJournals {
    override append(journal: string, bytes: Uint8Array, owner?: ShardEpoch): Promise<AppendOutcome> {
      if (owner === undefined) return this.inner.append(journal, bytes, owner);
      const key = `/${CLUSTER_PREFIX}shards/${owner.shard}`;
      epochs.set(key, owner.epoch);
      return engine.append(journal, bytes, owner);
    }

    override close(): void {
      engine.close();
      super.close();
    }
  })(parts.journals);
}

const INDEX_KEYS = `/${CLUSTER_PREFIX}indexes/`;

/** Places whose index is one too low. */
function withWrongPlaces(calls: RpcCalls): RpcCalls {
  return changedCalls(calls, {
    txn: (request) => {
      const success = request.success.map((change) => {
        if (!('request_put' in change) || !change.request_put.key.toString().startsWith(INDEX_KEYS)) return change;
        const { key, value } = change.request_put;
        const place = JSON.parse(value.toString()) as { next: number; ended: boolean };
        const next = place.ended ? place.next : Math.max(0, place.next - 1);
        return { request_put: { key, value: Buffer.from(JSON.stringify({ ...place, next })) } };
      });
      return calls.txn({ ...request, success });
    },
  });
}

/** Signals when an index cannot be found any more. */
class Unfindable extends WrappedJournals {
  readonly #subject: Subject;

  constructor(inner: Journals, subject: Subject) {
    super(inner);
    this.#subject = subject;
  }

  override append(...args: Parameters<Journals['append']>): ReturnType<Journals['append']> {
    return this.#watched(this.inner.append(...args));
  }

  override expected(...args: Parameters<Journals['expected']>): ReturnType<Journals['expected']> {
    return this.#watched(this.inner.expected(...args));
  }

  override pin(...args: Parameters<Journals['pin']>): ReturnType<Journals['pin']> {
    return this.#watched(this.inner.pin(...args));
  }

  async #watched<T>(asked: Promise<T>): Promise<T> {
    try {
      return await asked;
    } catch (error) {
      if (error instanceof ViolationError) this.#subject.tookEffect();
      throw error;
    }
  }
}
