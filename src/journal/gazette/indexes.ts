/**
 * The next index of each producer: what the journal holds up to a barrier, found by reading it from the place that
 * etcd has for the producer. That place is moved on as the producer appends and whenever somebody has read further,
 * so that no more is read than what was appended to the journal since.
 */

import { assert } from '../../core/assert.ts';
import type { Clock } from '../../core/clock.ts';
import { OperatingError, ViolationError } from '../../core/errors.ts';
import { crc32c } from '../../hash/crc32c.ts';
import { decodeBatch } from '../../message/batch.ts';
import type { PinOutcome, ReadStream, StoredBatch } from '../journals.ts';
import type { Brokers } from './brokers.ts';
import type { IndexValue, Registry } from './registry.ts';

/** An appending producer's place is moved on when so much was appended since, or so long ago. */
const NOTE_BYTES = 8 * 1024 * 1024;
const NOTE_MS = 1_000;
/** What was read is worth a note from here on. */
const READ_BYTES = 256 * 1024;

export type IndexesOptions = {
  readonly brokers: Brokers;
  readonly registry: Registry;
  readonly clock: Clock;
  /** Reads up to an offset, and closes where a hole reaches up to there. */
  readonly read: (journal: string, offset: number, needed: number) => NeededStream;
};

/** `closedAt`: the end of the hole that has closed it; -1: none has. `isForeign`: it ended where no batch begins. */
export type NeededStream = ReadStream & { readonly closedAt: number; readonly isForeign: boolean };

type Noted = { offset: number; atNs: number; isNoting: boolean };

export class Indexes {
  readonly #options: IndexesOptions;
  /** By journal and producer, what was noted last from here. */
  readonly #noted = new Map<string, Noted>();

  constructor(options: IndexesOptions) {
    this.#options = options;
  }

  /**
   * Of one producer, at a barrier that is asked for now. One that nobody knows gets its key: who asks is about to
   * append.
   */
  async find(journal: string, producer: string): Promise<IndexValue> {
    const { brokers, registry } = this.#options;
    const known = await registry.index(journal, producer);
    if (known?.ended === true) return known;
    const { end } = await brokers.barrier(journal);
    if (known === null) {
      await registry.createIndex(journal, producer, end);
      return await this.find(journal, producer);
    }
    const places = new Map([[producer, known]]);
    await this.#readOn(journal, { places, isKnown: (name) => name === producer }, { from: known.offset, to: end });
    const found = places.get(producer) ?? known;
    if (found.ended || end - known.offset >= READ_BYTES) {
      await registry.noteIndex(journal, producer, { ...found, offset: end });
    }
    return found;
  }

  /** Of one producer, which may be unknown, and stays so. */
  async ask(journal: string, producer: string): Promise<IndexValue> {
    const known = await this.#options.registry.index(journal, producer);
    return known === null ? { offset: 0, next: 0, ended: false } : await this.find(journal, producer);
  }

  /**
   * Of all producers that have not ended, at the journal's end. Who has no key when they are listed appends behind the
   * barrier before, and is met there.
   */
  async findAll(journal: string): Promise<PinOutcome> {
    const { brokers, registry } = this.#options;
    const before = await brokers.barrier(journal);
    const places = await registry.indexes(journal);
    const { end } = await brokers.barrier(journal);
    const open = [...places.values()].filter(({ ended }) => !ended).map(({ offset }) => offset);
    const from = Math.min(before.end, ...open);
    await this.#readOn(journal, { places, isKnown: () => true }, { from, to: end });
    const nextIndexes: Record<string, number> = {};
    for (const [producer, { next, ended }] of places) {
      if (!ended && next > 0) nextIndexes[producer] = next;
      if (end - from >= READ_BYTES) await registry.noteIndex(journal, producer, { offset: end, next, ended });
    }
    return { offset: end, nextIndexes };
  }

  /** An append was committed. An end is always noted; else it is no matter of haste, and a note may fail. */
  async note(journal: string, producer: string, value: IndexValue): Promise<void> {
    const { registry, clock } = this.#options;
    if (value.ended) return await registry.noteIndex(journal, producer, value);
    const key = `${journal}/${producer}`;
    const noted = this.#noted.get(key) ?? { offset: 0, atNs: Number.NEGATIVE_INFINITY, isNoting: false };
    this.#noted.set(key, noted);
    const nowNs = clock.nowNs();
    const isDue = value.offset - noted.offset >= NOTE_BYTES || nowNs - noted.atNs >= NOTE_MS * 1e6;
    if (noted.isNoting || !isDue) return;
    Object.assign(noted, { offset: value.offset, atNs: nowNs, isNoting: true });
    try {
      await registry.noteIndex(journal, producer, value);
    } catch (error) {
      // Whoever needs the place reads a little more.
      if (!(error instanceof OperatingError)) throw error;
    } finally {
      noted.isNoting = false;
    }
  }

  /** Moves the places on by what the journal has between two offsets. */
  async #readOn(
    journal: string,
    moved: Moved,
    { from, to }: { readonly from: number; readonly to: number },
  ): Promise<void> {
    if (from >= to) return;
    const stream = this.#options.read(journal, from, to);
    try {
      for (let at = from; at < to; ) {
        const next = await stream.next();
        if (next === null && stream.closedAt >= to) return;
        if (next === null) throw new OperatingError('ERR_CLOSED', 'the connection to the cluster was closed');
        if (!('bytes' in next)) {
          const what = next.end === 'trimmed' ? `${journal} is kept from ${next.begin} on` : JSON.stringify(next);
          throw new OperatingError('ERR_NO_INDEX', `cannot find the producers' indexes from ${at} on: ${what}`);
        }
        moveOn(journal, moved, next);
        at = next.end;
      }
    } finally {
      stream.close();
    }
  }
}

/** `isKnown`: whose places are moved on. Where the others were before is not known. */
type Moved = { readonly places: Map<string, IndexValue>; readonly isKnown: (producer: string) => boolean };

function moveOn(journal: string, { places, isKnown }: Moved, stored: StoredBatch): void {
  const batch = decodeBatch(stored.bytes, journal, crc32c);
  assert(!('fault' in batch), 'a stream hands on what verifies');
  const { producer, firstIndex, count, kind } = batch;
  if (!isKnown(producer)) return;
  const place = places.get(producer) ?? { offset: stored.begin, next: 0, ended: false };
  if (stored.begin < place.offset || place.ended) return;
  if (firstIndex > place.next) {
    const detail = `records ${place.next} to ${firstIndex - 1} of producer ${producer} are missing`;
    throw new ViolationError('gap', detail, { journal, offset: stored.begin, index: place.next });
  }
  // Readers skip an end below the next index: see `AppendLane.retire`.
  const ended = kind === 'end' && firstIndex === place.next;
  const next = Math.max(place.next, firstIndex + count);
  places.set(producer, { offset: stored.end, next, ended });
}
