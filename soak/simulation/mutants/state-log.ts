/** Bugs in the state logs of shards: who writes them, when, and who reads how much of them. */

import { delay } from '../../../src/core/clock.ts';
import { crc32c } from '../../../src/hash/crc32c.ts';
import type { ShardEpoch } from '../../../src/journal/journals.ts';
import type { StateEntry, StateLog, StatePlace, StateReader, StateStart } from '../../../src/journal/state-log.ts';
import { shardProducer } from '../../../src/message/batch.ts';
import { EntryReader } from '../../../src/journal/gazette/entry-reader.ts';
import { STATUS } from '../../../src/journal/gazette/status.ts';
import { encodeStateEntry } from '../../../src/message/state-frame.ts';
import { openRow } from '../../../src/store/row.ts';
import { isCheckpointRow } from '../../../src/summer/rows.ts';
import { type Changes, decodeChanges, encodeChanges } from '../../../src/summer/state-entry.ts';
import { CLUSTER_PREFIX } from '../cluster/cluster.ts';
import type { GazetteParts } from '../decorations.ts';
import { withCrashes, withTakeovers } from './adapt.ts';
import { withLateTransactions, withSmallSnapshots, withoutSnapshots } from './adapt-cluster.ts';
import type { Mutant } from './mutant.ts';
import { WrappedState, changedLogs, changedReplay } from './state-log-parts.ts';

/** Between two tries of an append. */
const RETRY_MS = 100;
/** The log gets a transaction so long after its sums may be published. */
const LATE_MS = 300;

type StateMutant = Omit<Mutant, 'class' | 'engine'>;

const MUTANTS: readonly StateMutant[] = [
  {
    name: 'published-before-the-state-log',
    bug: 'sums are published before the entry of their transaction is in the state log',
    // A local copy that is ahead proves a loss, as a report does; else the sums are ahead of the next owner.
    kinds: ['acknowledged-loss', 'state-behind'],
    decorations: () => changedLogs((inner, owner, parts) => new LateState(inner, owner, parts)),
    adapt: withCrashes,
  },
  {
    name: 'local-copy-trusted',
    bug: 'an owner continues from its local copy, although the state log goes on behind it',
    kinds: ['acknowledged-loss', 'state-behind'],
    decorations: () => {
      const changed = changedLogs((inner, owner, parts) => new WithoutTail(inner, owner, { parts, base: 'local' }));
      return {
        ...changed,
        // A process that comes back takes its shards over again, which is in order.
        summer: (options, subject) => ({
          ...(changed.summer?.(options, subject) ?? options),
          takeOver: options.takeOver || subject.incarnation > 1,
        }),
      };
    },
    adapt: (plan) => withoutSnapshots(withTakeovers(plan)),
  },
  {
    name: 'tail-behind-snapshot-ignored',
    bug: 'a takeover continues from the newest snapshot, and does not replay what follows it',
    kinds: ['acknowledged-loss', 'state-behind'],
    decorations: () => changedLogs((inner, owner, parts) => new WithoutTail(inner, owner, { parts, base: 'snapshot' })),
    adapt: (plan) => withSmallSnapshots(withTakeovers(plan)),
  },
  {
    name: 'half-snapshot-trusted',
    bug: 'a snapshot is noted with its first part, and a reader takes it for whole without its last one',
    // A state without some of its tables: whoever reads them first says what is missing.
    kinds: ['state-behind', 'acknowledged-loss', 'lost', 'gap'],
    decorations: () => changedLogs((inner) => new HalfSnapshots(inner)),
    adapt: (plan) => withSmallSnapshots(withTakeovers(plan)),
  },
  {
    name: 'state-log-not-fenced',
    bug: 'an owner appends no claim to the state log, and no append names an offset',
    // Entries of two owners in turn make a state that none of them had: whoever looks first says what does not fit.
    kinds: ['state-behind', 'acknowledged-loss', 'gap', 'duplicate'],
    decorations: () => changedLogs((inner, owner, parts) => new UnfencedState(inner, owner, parts)),
    adapt: withLateTransactions,
  },
];

export const STATE_LOG_MUTANTS: readonly Mutant[] = MUTANTS.map((mutant) => ({
  ...mutant,
  class: 'engine',
  engine: 'gazette',
}));

/** Says where entries stand before they are appended. */
class LateState extends WrappedState {
  readonly #owner: ShardEpoch;
  readonly #clock: GazetteParts['options']['clock'];
  #last: StatePlace | null = null;
  #appending: Promise<unknown> = Promise.resolve();
  #isFenced = false;

  constructor(inner: StateLog, owner: ShardEpoch, { options }: GazetteParts) {
    super(inner);
    this.#owner = owner;
    this.#clock = options.clock;
  }

  override async claim(...args: Parameters<StateLog['claim']>): Promise<StatePlace | 'fenced'> {
    const place = await super.claim(...args);
    if (place !== 'fenced') this.#last = place;
    return place;
  }

  override append(entries: readonly Uint8Array[]): Promise<readonly StatePlace[] | 'fenced'> {
    if (this.#isFenced) return Promise.resolve('fenced');
    const append = async (): Promise<void> => {
      await delay(this.#clock, LATE_MS);
      if (!this.#isFenced && (await super.append(entries)) === 'fenced') this.#isFenced = true;
    };
    // What goes wrong then concerns nobody any more.
    this.#appending = this.#appending.then(append).catch(() => {});
    return Promise.resolve(entries.map((entry) => this.#placeOf(entry)));
  }

  #placeOf(entry: Uint8Array): StatePlace {
    const { end: begin = 0, sequence: before = -1 } = this.#last ?? {};
    const at = { journal: this.journal, sequence: before + 1, epoch: this.#owner.epoch };
    const bytes = encodeStateEntry(entry, at, crc32c).reduce((sum, { length }) => sum + length, 0);
    this.#last = { begin, end: begin + bytes, sequence: before + 1, checksum: crc32c(0, entry) };
    return this.#last;
  }
}

type Replaying = { readonly parts: GazetteParts; readonly base: 'local' | 'snapshot' };

/**
 * Replays nothing behind the base, where something of it was published: else nobody is harmed, because the owner folds
 * the same records once more.
 */
class WithoutTail extends WrappedState {
  readonly #owner: ShardEpoch;
  readonly #at: Replaying;

  constructor(inner: StateLog, owner: ShardEpoch, at: Replaying) {
    super(inner);
    this.#owner = owner;
    this.#at = at;
  }

  override claim(start: StateStart, claim: Uint8Array, reader: StateReader): Promise<StatePlace | 'fenced'> {
    const changed = changedReplay(reader, (entries) => this.#kept(start, entries));
    return super.claim(start, claim, changed);
  }

  #kept(start: StateStart, entries: readonly StateEntry[]): readonly StateEntry[] {
    const isLocal = 'checksum' in start;
    const isIt = start.begin > 0 && isLocal === (this.#at.base === 'local');
    const base = isLocal ? 1 : entries.findIndex((entry) => changesOf(entry).part?.isLast === true) + 1;
    const kept = isIt && this.#isPublished(entries.slice(0, base), entries.slice(base)) ? base : entries.length;
    return entries.slice(0, kept);
  }

  /** Whether the tail has finished sums that are published. */
  #isPublished(base: readonly StateEntry[], tail: readonly StateEntry[]): boolean {
    const { cluster } = this.#at.parts;
    const { shard } = this.#owner;
    const sums = cluster.journals.find(({ name }) => name === `${CLUSTER_PREFIX}sums`);
    const published = sums?.nextOf(shardProducer(shard)) ?? 0;
    const before = finishedIn(base);
    const after = finishedIn(tail);
    return before !== null && after !== null && before < Math.min(after, published);
  }
}

/** The number of sums that the last checkpoint among the entries has; null: there is none. */
function finishedIn(entries: readonly StateEntry[]): number | null {
  const rows = entries.flatMap((entry) => changesOf(entry).writes.filter(({ table }) => table === 'checkpoints'));
  const value = rows.at(-1)?.value ?? null;
  return value === null ? null : openRow(Buffer.from(value), isCheckpointRow, 'a checkpoint').nextSum;
}

function changesOf({ begin, bytes }: StateEntry): Changes {
  return decodeChanges(bytes, `the entry at ${begin}`);
}

class HalfSnapshots extends WrappedState {
  override async append(entries: readonly Uint8Array[]): Promise<readonly StatePlace[] | 'fenced'> {
    const places = await super.append(entries);
    const [first] = places === 'fenced' ? [] : places;
    const [entry] = entries;
    if (first === undefined || entry === undefined) return places;
    const { part } = decodeChanges(Buffer.from(entry), 'an entry');
    // Whoever needs the state reads it from the snapshot before, if that is not noted.
    if (part?.snapshot === first.sequence) void super.noteSnapshot(first).catch(() => {});
    return places;
  }

  override claim(start: StateStart, claim: Uint8Array, reader: StateReader): Promise<StatePlace | 'fenced'> {
    return super.claim(
      start,
      claim,
      changedReplay(reader, (entries) => asWhole(start, entries)),
    );
  }
}

/** The last part that is there ends the snapshot. */
function asWhole(start: StateStart, entries: readonly StateEntry[]): readonly StateEntry[] {
  const parts = entries.filter((entry) => changesOf(entry).part?.snapshot === start.sequence);
  const isWhole = parts.some((entry) => changesOf(entry).part?.isLast === true);
  const last = parts.at(-1);
  return entries.map((entry) => (entry === last && !isWhole ? asLast(entry) : entry));
}

function asLast(entry: StateEntry): StateEntry {
  const { part, writes } = changesOf(entry);
  return part === null ? entry : { ...entry, bytes: encodeChanges({ part: { ...part, isLast: true }, writes }) };
}

/** Appends behind whatever there is, and looks at nothing that has come there since its owner read the log. */
class UnfencedState extends WrappedState {
  readonly #owner: ShardEpoch;
  readonly #parts: GazetteParts;
  #reader: EntryReader | null = null;

  constructor(inner: StateLog, owner: ShardEpoch, parts: GazetteParts) {
    super(inner);
    this.#owner = owner;
    this.#parts = parts;
  }

  override async claim(start: StateStart, claim: Uint8Array, reader: StateReader): Promise<StatePlace | 'fenced'> {
    const { journals, cluster } = this.#parts;
    const entries = new EntryReader(this.journal, start.sequence);
    this.#reader = entries;
    const to = await journals.head(this.journal);
    const frames = cluster.journal(`${CLUSTER_PREFIX}${this.journal}`)?.committedParts ?? [];
    let last: StatePlace | null = null;
    for (const [begin, bytes] of frames) {
      if (begin < start.begin || begin >= to) continue;
      const entry = entries.push({ begin, end: begin + bytes.length, bytes });
      if (entry === null) continue;
      reader.take(entry);
      last = entry;
    }
    if (entries.epoch > this.#owner.epoch) return 'fenced';
    reader.atEnd();
    if (last === null) return (await this.append([claim]))[0] ?? 'fenced';
    const { begin, end, sequence, checksum } = last;
    return { begin, end, sequence, checksum };
  }

  override async append(entries: readonly Uint8Array[]): Promise<readonly StatePlace[]> {
    const { rpc, options } = this.#parts;
    const reader = this.#reader;
    if (reader === null) throw new Error('a log is read before anything is appended');
    const first = reader.next;
    reader.next += entries.length;
    const frames = entries.map((entry, at) => {
      const place = { journal: this.journal, sequence: first + at, epoch: this.#owner.epoch };
      return encodeStateEntry(entry, place, crc32c);
    });
    for (;;) {
      const answer = await rpc.append({ journal: `${CLUSTER_PREFIX}${this.journal}` }, frames.flat()).catch(() => null);
      if (answer?.status === STATUS.OK && answer.commit !== null) {
        return placesOf(Number(answer.commit.begin), frames, { entries, first });
      }
      await delay(options.clock, RETRY_MS);
    }
  }
}

function placesOf(
  from: number,
  frames: readonly (readonly Buffer[])[],
  { entries, first }: { readonly entries: readonly Uint8Array[]; readonly first: number },
): StatePlace[] {
  let end = from;
  return entries.map((entry, at) => {
    const begin = end;
    end += frames[at]?.reduce((sum, { length }) => sum + length, 0) ?? 0;
    return { begin, end, sequence: first + at, checksum: crc32c(0, entry) };
  });
}
