/** What bugs in the state logs of shards are made of: logs that are changed on the way, and watchers of their harm. */

import { ViolationError } from '../../../src/core/errors.ts';
import { crc32c } from '../../../src/hash/crc32c.ts';
import { EntryReader, type OwnedEntry } from '../../../src/journal/gazette/entry-reader.ts';
import { type ShardEpoch, stateJournal } from '../../../src/journal/journals.ts';
import type {
  StateEntry,
  StateLog,
  StateLook,
  StatePlace,
  StateReader,
  StateStart,
} from '../../../src/journal/state-log.ts';
import { WrappedJournals } from '../../../src/journal/wrapped-journals.ts';
import { SUM_BYTES } from '../../../src/message/sum.ts';
import { decodeStateFrame } from '../../../src/message/state-frame.ts';
import { keyOf, numberRange, offsetOfKey, openBytes, openRow } from '../../../src/store/row.ts';
import type { Store, StoreReader, Write } from '../../../src/store/store.ts';
import { WrappedStore } from '../../../src/store/wrapped-store.ts';
import { isCheckpointRow } from '../../../src/summer/rows.ts';
import { Rebuild } from '../../../src/summer/state-rebuild.ts';
import { CLUSTER_PREFIX, type SimulatedCluster } from '../cluster/cluster.ts';
import type { Decorations, GazetteParts, JudgedState, Subject } from '../decorations.ts';
import { finishedSums } from './decorators/claims.ts';
import { Rows } from './decorators/rows.ts';
import { STATE_TABLES, tellingRows } from './decorators/telling-rows.ts';

const TELLING_TABLES = STATE_TABLES.filter((table) => table !== 'outbox');

/** A state log that forwards every call. */
export class WrappedState implements StateLog {
  protected readonly inner: StateLog;
  readonly journal: string;

  constructor(inner: StateLog) {
    this.inner = inner;
    this.journal = inner.journal;
  }

  look(): Promise<StateLook> {
    return this.inner.look();
  }

  claim(start: StateStart, claim: Uint8Array, reader: StateReader): Promise<StatePlace | 'fenced'> {
    return this.inner.claim(start, claim, reader);
  }

  append(entries: readonly Uint8Array[]): Promise<readonly StatePlace[] | 'fenced'> {
    return this.inner.append(entries);
  }

  noteSnapshot(start: StateStart): Promise<void> {
    return this.inner.noteSnapshot(start);
  }
}

/** A reader that gets other entries than the log had when it was read to its end. */
export function changedReplay(
  reader: StateReader,
  change: (entries: readonly StateEntry[]) => readonly StateEntry[],
): StateReader {
  let held: StateEntry[] | null = [];
  return {
    take: (entry) => {
      if (held === null) reader.take(entry);
      else held.push(entry);
    },
    atEnd: () => {
      for (const entry of change(held ?? [])) reader.take(entry);
      held = null;
      reader.atEnd();
    },
  };
}

export type Change = (inner: StateLog, owner: ShardEpoch, parts: GazetteParts) => StateLog;

/**
 * Summers whose state logs are changed. The bug takes effect when a summer holds rows of a shard that are behind what
 * was published or reported, or that are not those which acknowledged entries give, and is about to continue from them;
 * and when it finds that the log lacks an entry, or what its local copy or a noted snapshot has.
 */
export function changedLogs(change: Change): Decorations {
  const watch = new StateWatch();
  return {
    gazette: (parts, subject) =>
      subject.component === 'summer' ? new ChangedStates(parts, subject, { change, watch }) : parts.journals,
    summer: (options, subject) => ({ ...options, store: new WatchedStore(options.store, subject, watch) }),
    judged: (state) => {
      const { shard, disk, published, tookEffect } = state;
      if (published > finishedSums(disk, shard) || watch.isFlawed(state)) tookEffect();
    },
  };
}

class ChangedStates extends WrappedJournals {
  readonly #parts: GazetteParts;
  readonly #subject: Subject;
  readonly #how: { readonly change: Change; readonly watch: StateWatch };

  constructor(parts: GazetteParts, subject: Subject, how: { readonly change: Change; readonly watch: StateWatch }) {
    super(parts.journals);
    this.#parts = parts;
    this.#subject = subject;
    this.#how = how;
  }

  override openState(owner: ShardEpoch): StateLog {
    const { change, watch } = this.#how;
    const changed = change(this.#parts.journals.openState(owner), owner, this.#parts);
    return new WatchedState(changed, { owner, parts: this.#parts, subject: this.#subject, watch });
  }
}

/** What owners of shards were told, over all processes. */
class StateWatch {
  /** By shard: where entries begin that were acknowledged. */
  readonly acknowledged = new Map<number, Set<number>>();
  /** By process and shard: what its owner has reported. */
  readonly reported = new Map<string, number>();
  /** By the path of its store, the name of a process. */
  readonly names = new Map<string, string>();
  /** By process and shard: the rows with which a claim should have ended. */
  readonly expected = new Map<string, StoreReader>();

  /**
   * Whether the rows with which a claim has ended are others, although they say that they are folded as far, or are no
   * state at all; asked once for each claim. A state that is folded less far harms nobody who was told nothing of the
   * rest.
   */
  isFlawed({ path, shard, disk, published }: JudgedState): boolean {
    const key = `${this.names.get(path) ?? ''} ${shard}`;
    const expected = this.expected.get(key);
    this.expected.delete(key);
    if (expected === undefined) return false;
    const isAsFar = foldedTo(expected, shard) === foldedTo(disk, shard);
    return (isAsFar && textOf(expected, shard) !== textOf(disk, shard)) || !hasWholeOutbox(disk, shard, published);
  }
}

type Watching = {
  readonly owner: ShardEpoch;
  readonly parts: GazetteParts;
  readonly subject: Subject;
  readonly watch: StateWatch;
};

class WatchedState extends WrappedState {
  readonly #at: Watching;

  constructor(inner: StateLog, at: Watching) {
    super(inner);
    this.#at = at;
  }

  override async look(): Promise<StateLook> {
    const { owner, subject, watch } = this.#at;
    const look = await this.#proves(super.look());
    watch.reported.set(`${subject.name} ${owner.shard}`, look.reported);
    return look;
  }

  override async claim(...args: Parameters<StateLog['claim']>): Promise<StatePlace | 'fenced'> {
    const { owner, parts, subject, watch } = this.#at;
    const { shard } = owner;
    const place = await this.#proves(super.claim(...args));
    if (place === 'fenced' || subject.isOver()) return place;
    const acknowledged = watch.acknowledged.get(shard) ?? new Set();
    watch.expected.set(`${subject.name} ${shard}`, rowsInLog(parts.cluster, shard, acknowledged));
    return place;
  }

  async #proves<T>(asked: Promise<T>): Promise<T> {
    const { subject } = this.#at;
    try {
      return await asked;
    } catch (error) {
      if (error instanceof ViolationError && !subject.isOver()) subject.tookEffect();
      throw error;
    }
  }

  override async append(entries: readonly Uint8Array[]): Promise<readonly StatePlace[] | 'fenced'> {
    const { owner, subject, watch } = this.#at;
    const places = await super.append(entries);
    if (places === 'fenced' || subject.isOver()) return places;
    const acknowledged = watch.acknowledged.get(owner.shard) ?? new Set();
    watch.acknowledged.set(owner.shard, acknowledged);
    for (const { begin } of places) acknowledged.add(begin);
    return places;
  }
}

/** A summer's store that looks at a claim when its summer is told that the claim is durable. */
class WatchedStore extends WrappedStore {
  readonly #subject: Subject;
  readonly #watch: StateWatch;

  constructor(inner: Store, subject: Subject, watch: StateWatch) {
    super(inner);
    this.#subject = subject;
    this.#watch = watch;
    watch.names.set(inner.path, subject.name);
  }

  override async commit(writes: readonly Write[]): Promise<void> {
    await this.inner.commit(writes);
    for (const { table, key } of writes) {
      if (table !== 'claims' || key.length > 4) continue;
      const shard = key.readUInt32BE(0);
      const reported = this.#watch.reported.get(`${this.#subject.name} ${shard}`) ?? 0;
      if (foldedTo(this.inner, shard) < reported && !this.#subject.isOver()) this.#subject.tookEffect();
    }
  }
}

function foldedTo(reader: StoreReader, shard: number): number {
  const row = reader.get('checkpoints', keyOf(shard));
  return row === undefined ? 0 : openRow(row, isCheckpointRow, 'a checkpoint').offset;
}

/** Without the outbox: of the sums that are published it may have the last ones, or none. */
function textOf(reader: StoreReader, shard: number): string {
  const rows = tellingRows(reader, shard, TELLING_TABLES);
  return JSON.stringify([...rows].toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

/** Whether the outbox has every sum that is not published, and each once. */
function hasWholeOutbox(reader: StoreReader, shard: number, published: number): boolean {
  const finished = finishedSums(reader, shard);
  let next: number | null = null;
  for (const { key, value } of reader.range('outbox', numberRange(shard))) {
    const first = offsetOfKey(key);
    if (first !== (next ?? Math.min(first, published))) return false;
    next = first + openBytes(value, 'an outbox').length / SUM_BYTES;
  }
  return next === null ? finished <= published : next === finished;
}

/**
 * The rows of a shard by its log in the cluster. Of entries with one sequence, the acknowledged one counts, and of
 * these the one of the newest owner.
 */
function rowsInLog(cluster: SimulatedCluster, shard: number, acknowledged: ReadonlySet<number>): StoreReader {
  const name = stateJournal(shard);
  const frames = cluster.journal(`${CLUSTER_PREFIX}${name}`)?.committedParts ?? [];
  const reader = new EntryReader(name, 0);
  const counted = new Map<number, StateEntry>();
  const acknowledgedEntries: OwnedEntry[] = [];
  for (const [begin, bytes] of frames) {
    const end = begin + bytes.length;
    if (acknowledged.has(begin)) acknowledgedEntries.push(wholeEntry(name, { begin, end, bytes }));
    const entry = reader.push({ begin, end, bytes });
    if (entry !== null) counted.set(entry.begin, entry);
  }
  const told = withoutReplaced(acknowledgedEntries);
  const sequences = new Set(told.map(({ sequence }) => sequence));
  const rest = [...counted.values()].filter((entry) => !sequences.has(entry.sequence));
  const rebuild = new Rebuild(name, { kind: 'beginning', start: { begin: 0, sequence: 0 } });
  const entries = [...told, ...rest].toSorted((one, other) => one.sequence - other.sequence);
  for (const entry of entries) rebuild.take(entry);
  const { writes } = rebuild.writesTo(new Rows([]), shard);
  return new Rows(
    writes.flatMap(({ table, key, value }) => (value === null ? [] : [{ table, key, value: Buffer.from(value) }])),
  );
}

/** Without the entries at whose places, or before them, a newer owner has begun. */
function withoutReplaced(entries: readonly OwnedEntry[]): OwnedEntry[] {
  let [from, newest] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  let below = from;
  return entries
    .toSorted((one, other) => other.epoch - one.epoch)
    .filter(({ epoch, sequence }) => {
      if (epoch < newest) [newest, below] = [epoch, from];
      from = Math.min(from, sequence);
      return sequence < below;
    });
}

/** Simulated entries are small: each is one frame. */
function wholeEntry(
  journal: string,
  { begin, end, bytes }: { readonly begin: number; readonly end: number; readonly bytes: Buffer },
): OwnedEntry {
  const frame = decodeStateFrame(bytes, journal, crc32c);
  if ('fault' in frame || frame.pieces !== 1) throw new Error(`no whole entry at ${begin} of ${journal}`);
  const { sequence, epoch, entry: checksum, payload } = frame;
  return { begin, end, sequence, epoch, checksum, bytes: Buffer.from(payload) };
}
