/**
 * Who still needs what of a journal: a shard's pin in its chunk journal, those of verifiers in the sums journal, of
 * auditors in either. What lies below the lowest pin of a journal is trimmed.
 *
 * Bounds, so that no absent reader fills a journal that others need. A pin may keep half of its journal's room. A pin
 * that keeps more and has not moved for `pinPatienceMs` is dropped: its reader is away or stuck. A pin that moves
 * stays: its reader is slow, and slows the writers. In a chunk journal only what its shard has folded counts. A pin
 * whose reader said nothing for `pinAbsenceMs` is dropped, unless the reader said that it goes away. A shard's pin is
 * never dropped: its journal has no other reader.
 *
 * Absence is a duration, and no time: it counts while a broker serves, and is durable. So it needs no clock that two
 * processes or two boots share, and a broker that was down takes nobody for absent.
 *
 * Changes are in memory until the next commit has written them.
 *
 * Rules P-PIN-1, P-PIN-2, P-PIN-3, P-PIN-4 of docs/protocol.md.
 */

import { nameKey, sealRow } from '../../store/row.ts';
import type { WriteBatch } from '../../store/store.ts';
import type { PinOutcome } from '../journals.ts';
import type { Pin, JournalLog } from './journal-log.ts';
import { isShardPin, shardPinName } from './restore.ts';
import type { PinRow } from './tables.ts';

/** Pins in one journal: as many verifiers as there may be sessions. The lowest of them is sought at each move. */
export const PINS_MAX = 1024;
/** Of a journal's room that one pin may keep. */
const PIN_PART = 1 / 2;
/** Absence that is not written: readers repeat their pins more often, so that those who are there cost no write. */
const UNWRITTEN_ABSENCE_MS = 1_000;

export type PinsConfig = { readonly pinAbsenceMs: number; readonly pinPatienceMs: number };

/** A pin that was dropped. `absentMs`: since its reader was heard. */
export type DroppedPin = {
  readonly journal: string;
  readonly name: string;
  readonly why: 'absent' | 'in the way';
  readonly absentMs: number;
  readonly keptBytes: number;
  readonly roomBytes: number;
};

export class Pins {
  readonly #journals: readonly JournalLog[];
  readonly #config: PinsConfig;
  readonly #roomOf: (journal: JournalLog) => number;
  readonly #dirty = new Map<string, { journal: JournalLog; name: string }>();

  /** `missing`: shards' pins that are in no row yet. `roomOf`: bytes that a journal has room for. */
  constructor(options: {
    readonly journals: readonly JournalLog[];
    readonly missing: readonly { readonly journal: JournalLog; readonly name: string }[];
    readonly config: PinsConfig;
    readonly roomOf: (journal: JournalLog) => number;
  }) {
    this.#journals = options.journals;
    this.#config = options.config;
    this.#roomOf = options.roomOf;
    for (const { journal, name } of options.missing) this.#changed(journal, name);
  }

  /**
   * A pin at the tail, or where it is already: a copy of the request may arrive late, when its maker has the answer to
   * the first one and relies on it. `null`: there are too many.
   */
  make(journal: JournalLog, name: string): PinOutcome | null {
    const known = journal.pins.get(name);
    if (known === undefined && journal.pins.size >= PINS_MAX) return null;
    journal.pins.set(name, { offset: known?.offset ?? journal.tail, ...PRESENT });
    this.#changed(journal, name);
    const nextIndexes: Record<string, number> = {};
    for (const [producer, { next, ended }] of journal.producers) if (!ended) nextIndexes[producer] = next;
    return { offset: journal.tail, nextIndexes };
  }

  /**
   * Moves a pin forward, and knows its reader to be there. It is written with the next commit; until then the older
   * one is merely too careful.
   *
   * `isLeaving`: its reader goes away and will be back. It is back when it moves the pin forward: a late copy of an
   * older move does not take its leave from it.
   */
  move(journal: JournalLog, name: string, offset: number, isLeaving = false): 'moved' | 'missing' {
    const pin = journal.pins.get(name);
    if (pin === undefined) return 'missing';
    const isForward = offset > pin.offset && offset <= journal.head;
    pin.absentMs = 0;
    if (isForward) {
      pin.offset = offset;
      pin.unmovedMs = 0;
      pin.isAway = false;
    }
    if (isLeaving) pin.isAway = true;
    if (isForward || isLeaving || pin.writtenAbsentMs > 0) this.#changed(journal, name);
    return 'moved';
  }

  release(journal: JournalLog, name: string): void {
    if (journal.pins.delete(name)) this.#changed(journal, name);
  }

  /** Whether a row says of a reader that is there that it is absent: that is to be written soon. */
  wantsWrite(journal: JournalLog, name: string): boolean {
    return (journal.pins.get(name)?.writtenAbsentMs ?? 0) > 0;
  }

  /** Counts `elapsedMs` in which the broker served. Returns the pins that it drops for that. */
  pass(elapsedMs: number): DroppedPin[] {
    const dropped: DroppedPin[] = [];
    for (const journal of this.#journals) {
      const readable = readableOf(journal);
      for (const [name, pin] of journal.pins) {
        if (isShardPin(journal, name)) continue;
        pin.absentMs += elapsedMs;
        pin.unmovedMs = pin.offset >= readable ? 0 : pin.unmovedMs + elapsedMs;
        const keptBytes = Math.max(0, readable - pin.offset);
        const why = this.#whyDropped(pin, keptBytes, this.#roomOf(journal));
        if (why === null) {
          if (!pin.isAway && pin.absentMs - pin.writtenAbsentMs > UNWRITTEN_ABSENCE_MS) this.#changed(journal, name);
          continue;
        }
        this.release(journal, name);
        const absentMs = Math.round(pin.absentMs);
        dropped.push({ journal: journal.name, name, why, absentMs, keptBytes, roomBytes: this.#roomOf(journal) });
      }
    }
    return dropped;
  }

  #whyDropped({ absentMs, unmovedMs, isAway }: Pin, keptBytes: number, roomBytes: number): DroppedPin['why'] | null {
    const { pinAbsenceMs, pinPatienceMs } = this.#config;
    if (!isAway && absentMs > pinAbsenceMs) return 'absent';
    return keptBytes > roomBytes * PIN_PART && Math.max(absentMs, unmovedMs) > pinPatienceMs ? 'in the way' : null;
  }

  /** Whether the next commit writes any of them. */
  get isDirty(): boolean {
    return this.#dirty.size > 0;
  }

  /** Adds the rows that have changed to a transaction. */
  fill(batch: WriteBatch): void {
    for (const { journal, name } of this.#dirty.values()) {
      const key = nameKey(journal.number, name);
      const pin = journal.pins.get(name);
      if (pin === undefined) batch.remove('holds', key);
      else {
        pin.writtenAbsentMs = Math.floor(pin.absentMs);
        const row: PinRow = { offset: pin.offset, absentMs: pin.writtenAbsentMs, isAway: pin.isAway };
        batch.put('holds', key, sealRow(row));
      }
    }
    this.#dirty.clear();
  }

  #changed(journal: JournalLog, name: string): void {
    this.#dirty.set(`${journal.number} ${name}`, { journal, name });
  }
}

/**
 * Up to where a pin can keep what would go without it. In a chunk journal that is the pin of its shard: what a summer
 * that is down has not folded is in nobody else's way, and an auditor does not read it before.
 */
function readableOf(journal: JournalLog): number {
  const shard = journal.kind === 'chunks' ? journal.pins.get(shardPinName(journal.number)) : undefined;
  return shard?.offset ?? journal.head;
}

/** Of a reader that is there. */
export const PRESENT = { absentMs: 0, unmovedMs: 0, writtenAbsentMs: 0, isAway: false } as const;
