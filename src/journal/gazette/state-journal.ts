/**
 * The state log of a shard, as a journal of the cluster that its owner alone writes.
 *
 * Each append names the offset at which the journal must end. So of two writers one is refused, and a late copy of an
 * append lands nowhere once anything else has landed. A refused writer reads what is there: the claim of a newer owner
 * fences it. An append of unknown outcome is settled by reading up to a barrier. If it is not there, the same bytes are
 * appended again at the same offset: whichever copy lands first is the entry, and the other one is refused.
 *
 * An append at offset 0 cannot name it. What lands there besides is a repetition or has a lower epoch, and readers drop
 * both (`entry-reader.ts`).
 *
 * Rules P-STATE-1 to P-STATE-4 of docs/protocol.md.
 */

import { assert } from '../../core/assert.ts';
import { type Clock, delay } from '../../core/clock.ts';
import { OperatingError, type ViolationError } from '../../core/errors.ts';
import { crc32c } from '../../hash/crc32c.ts';
import { encodeStateEntry } from '../../message/state-frame.ts';
import { type ShardEpoch, stateJournal } from '../journals.ts';
import { lossError } from '../loss.ts';
import type { StateEntry, StateLog, StateLook, StatePlace, StateReader, StateStart } from '../state-log.ts';
import type { AppendAnswer, Brokers } from './brokers.ts';
import { EntryReader, type OwnedEntry } from './entry-reader.ts';
import { closedError } from './etcd.ts';
import type { NeededStream } from './indexes.ts';
import { LostAnswers, lostTail } from './lost.ts';
import type { Registry } from './registry.ts';
import { missingJournal } from './status.ts';
import type { Wait } from './wait.ts';

/** Between two tries of what was not carried out. */
const RETRY_MS = 100;

export type StateJournalOptions = {
  readonly owner: ShardEpoch;
  readonly brokers: Brokers;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Reads the frames of a state journal up to an offset, and closes where a hole reaches up to there. */
  readonly read: (journal: string, offset: number, needed: number) => NeededStream;
};

export class StateJournal implements StateLog {
  readonly journal: string;
  readonly #options: StateJournalOptions;
  readonly #wait: Wait;
  readonly #lost = new LostAnswers();
  #reader: EntryReader | null = null;
  /** The journal is read up to here, and ends here as far as this owner knows. */
  #head = 0;
  /** An entry is known to begin here; 0: none. */
  #start = 0;
  #isClaimed = false;
  #isAppending = false;

  constructor(options: StateJournalOptions) {
    this.journal = stateJournal(options.owner.shard);
    this.#options = options;
    this.#wait = options.brokers.waitFor(`an append to ${this.journal}`);
  }

  async look(): Promise<StateLook> {
    const { registry, brokers, owner } = this.#options;
    const [snapshot, shard, begin] = await Promise.all([
      registry.snapshot(owner.shard),
      registry.shard(owner.shard),
      brokers.begin(this.journal),
    ]);
    const from = snapshot?.begin ?? 0;
    const { end } = await brokers.barrier(this.journal);
    if (end < from) throw lossError(`a snapshot in ${this.journal} began at ${from}, and it ends at ${end}`);
    return { snapshot, begin: Math.min(begin, end), reported: shard.pin };
  }

  async claim(start: StateStart, claim: Uint8Array, reader: StateReader): Promise<StatePlace | 'fenced'> {
    const { brokers } = this.#options;
    assert(this.#reader === null, 'a log is claimed once');
    this.#reader = new EntryReader(this.journal, start.sequence);
    this.#head = start.begin;
    this.#start = start.begin;
    const { end } = await brokers.barrier(this.journal);
    if (end < start.begin) {
      throw lossError(`${this.journal} was durable up to ${start.begin}, and ends at ${end}`);
    }
    const take = (entry: StateEntry): void => reader.take(entry);
    await this.#readTo(end, take);
    if (this.#reader.epoch >= this.#options.owner.epoch) return await this.#overtaken(this.#reader.epoch);
    reader.atEnd();
    const places = await this.#put([claim], take);
    const [place] = places === 'fenced' ? [] : places;
    if (place === undefined) return 'fenced';
    this.#isClaimed = true;
    return place;
  }

  /** The log has an entry of an epoch that is not below the owner's. An epoch has one owner, unless etcd forgets it. */
  async #overtaken(found: number): Promise<'fenced'> {
    const { registry, owner } = this.#options;
    const { epoch } = await registry.shard(owner.shard);
    if (found > owner.epoch && found <= epoch) return 'fenced';
    throw lossError(`${this.journal} has an entry of epoch ${found}, and etcd gave epoch ${owner.epoch} after that`);
  }

  append(entries: readonly Uint8Array[]): Promise<readonly StatePlace[] | 'fenced'> {
    assert(this.#isClaimed, 'the log is claimed before anything is appended');
    return this.#put(entries, () => {
      throw lossError(`the claim of ${this.journal} is no longer there`);
    });
  }

  noteSnapshot(start: StateStart): Promise<void> {
    return this.#options.registry.noteSnapshot(this.#options.owner.shard, start);
  }

  /** `takeOlder`: receives entries of older owners that have landed before the first one of this owner. */
  async #put(
    entries: readonly Uint8Array[],
    takeOlder: (entry: StateEntry) => void,
  ): Promise<readonly StatePlace[] | 'fenced'> {
    assert(!this.#isAppending, 'one append at a time');
    this.#isAppending = true;
    const { clock, signal, brokers, owner } = this.#options;
    const places: StatePlace[] = [];
    while (places.length < entries.length) {
      if (signal.aborted) throw closedError();
      const frames = this.#framesOf(entries.slice(places.length));
      const answer = await brokers.append(this.journal, frames.flat(), { offset: String(this.#head) });
      if (this.#lost.note(answer.meaning, clock.nowNs())) throw lostTail(this.journal, this.#head);
      if (answer.meaning === 'done' && answer.begin === this.#head) {
        this.#wait.over();
        places.push(...this.#placesOf(frames));
        assert(this.#head === answer.end, `an append of ${this.journal} has another size than what was appended`);
        break;
      }
      const head = this.#head;
      const own = this.#isOpen(answer) ? await this.#settle(entries.slice(places.length), takeOlder) : [];
      if (own === 'fenced') return own;
      places.push(...own);
      if (this.#head === head) await delay(clock, RETRY_MS, signal);
    }
    assert(places.length === entries.length, `shard ${owner.shard}: each entry has its place`);
    this.#isAppending = false;
    return places;
  }

  /** Whether the journal may have more by now. Throws when it never will take an append. */
  #isOpen(answer: AppendAnswer): boolean {
    switch (answer.meaning) {
      case 'done':
      case 'moved':
        return true;
      case 'unknown':
        this.#wait.failed(answer.why);
        return true;
      case 'lost':
      case 'later':
        this.#wait.failed(answer.why);
        return false;
      case 'missing':
        throw missingJournal(this.#options.brokers.nameOf(this.journal));
      case 'mismatch':
        throw new OperatingError('ERR_APPEND_REJECTED', `the cluster rejects an append to ${this.journal}: registers`);
      case 'rejected':
        throw new OperatingError(
          'ERR_APPEND_REJECTED',
          `the cluster rejects an append to ${this.journal}: ${answer.why}`,
        );
      default:
        throw answer satisfies never;
    }
  }

  /** Reads what the journal has by now. Returns the places of those `entries` that are there: none, or all. */
  async #settle(
    entries: readonly Uint8Array[],
    takeOlder: (entry: StateEntry) => void,
  ): Promise<readonly StatePlace[] | 'fenced'> {
    const { brokers, owner } = this.#options;
    const { end } = await brokers.barrier(this.journal);
    if (end < this.#head) throw lossError(`${this.journal} was durable up to ${this.#head}, and ends at ${end}`);
    const own: StatePlace[] = [];
    let isFenced = false;
    await this.#readTo(end, (entry) => {
      if (entry.epoch > owner.epoch) isFenced = true;
      else if (entry.epoch < owner.epoch) takeOlder(entry);
      else own.push(this.#ownPlace(entry, entries[own.length]));
    });
    return isFenced ? 'fenced' : own;
  }

  /** Two owners of one epoch would take each other's entries for their own. */
  #ownPlace(entry: OwnedEntry, appended: Uint8Array | undefined): StatePlace {
    if (appended !== undefined && crc32c(0, appended) === entry.checksum) return placeOf(entry);
    const { journal } = this;
    throw lossError(`${journal} has another entry of epoch ${entry.epoch}, which etcd gave twice`, {
      journal,
      offset: entry.begin,
    });
  }

  async #readTo(to: number, take: (entry: OwnedEntry) => void): Promise<void> {
    if (this.#head >= to) return;
    const stream = this.#options.read(this.journal, this.#head, to);
    try {
      while (this.#head < to) {
        const next = await stream.next();
        if (next === null && stream.closedAt < to) throw closedError();
        if (next === null) {
          this.#head = stream.closedAt;
          return;
        }
        if (!('bytes' in next)) {
          if (next.end === 'trimmed') throw this.#trimmed(this.#head, next.begin);
          if (stream.isForeign && this.#start > 0 && this.#head === this.#start) throw this.#replaced(this.#head);
          const why = next.end === 'rejected' ? next.reason : next.end;
          throw new OperatingError('ERR_STATE', `cannot read ${this.journal} at ${this.#head}: ${why}`);
        }
        const entry = this.#entries.push(next);
        this.#head = next.end;
        if (entry !== null) take(entry);
      }
    } finally {
      stream.close();
    }
  }

  #framesOf(entries: readonly Uint8Array[]): Buffer[][] {
    const { epoch } = this.#options.owner;
    const { next } = this.#entries;
    return entries.map((entry, at) =>
      encodeStateEntry(entry, { journal: this.journal, sequence: next + at, epoch }, crc32c),
    );
  }

  /** The frames are in the journal, at its end: they are taken as readers take them. */
  #placesOf(frames: readonly (readonly Buffer[])[]): StatePlace[] {
    return frames.map((pieces) => {
      let place: StatePlace | null = null;
      for (const bytes of pieces) {
        const entry = this.#entries.push({ begin: this.#head, end: this.#head + bytes.length, bytes });
        this.#head += bytes.length;
        if (entry !== null) place = placeOf(entry);
      }
      assert(place !== null, 'an entry that was appended behind all others counts');
      return place;
    });
  }

  get #entries(): EntryReader {
    assert(this.#reader !== null, 'the log was read before');
    return this.#reader;
  }

  #replaced(offset: number): ViolationError {
    const { journal } = this;
    return lossError(`${journal} had an entry at ${offset}, and has not the same there now`, { journal, offset });
  }

  #trimmed(from: number, begin: number): OperatingError {
    const name = this.#options.brokers.nameOf(this.journal);
    return new OperatingError(
      'ERR_STATE_TRIMMED',
      `${name} begins at ${begin}, and the state is needed from ${from} on`,
    );
  }
}

function placeOf({ begin, end, sequence, checksum }: StatePlace): StatePlace {
  return { begin, end, sequence, checksum };
}
