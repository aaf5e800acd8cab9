/**
 * Pins say which part of a journal a reader still needs: a shard's pin in its chunk journal, pins of verifiers in the
 * sums journal, pins of auditors in either. Batches below the lowest pin of a journal are trimmed.
 *
 * Bounds keep an absent reader from filling a journal that others need. A pin may keep half of its journal's room. A
 * pin that keeps more and has not moved for `pinPatienceMs` is dropped: its reader is away or stuck. A pin that moves
 * stays: its reader is slow, and slows the writers. In a chunk journal only the batches that its shard has folded
 * count. A pin whose reader said nothing for `pinAbsenceMs` is dropped, unless the reader has taken leave. A shard's
 * pin is never dropped: its journal has no other reader.
 *
 * Absence is a durable duration and not a time: it counts only while a broker serves. So it needs no clock that two
 * processes or two boots share, and a broker that was down counts no reader as absent.
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

/**
 * The most pins in one journal: as many verifiers as there may be sessions. Each move searches the lowest pin among
 * them.
 */
export const PINS_MAX = 1024;
/** The part of a journal's room that one pin may keep. */
const PIN_PART = 1 / 2;
/**
 * A shorter absence is not written. Readers repeat their pins more often than this, so that present readers cost no
 * write.
 */
const UNWRITTEN_ABSENCE_MS = 1_000;

export type PinsConfig = { readonly pinAbsenceMs: number; readonly pinPatienceMs: number };

/** A pin that was dropped. `absentMs`: the time since its reader was last heard. */
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

  /** `missing`: pins of shards that have no row yet. `roomOf`: the bytes that a journal has room for. */
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
   * Makes a pin at the tail, or leaves it where it is: a copy of the request may arrive late, when its maker already
   * relies on the answer to the first copy. `null`: there are too many pins.
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
   * Moves a pin forward, and notes that its reader is there. The move is written with the next commit; until then the
   * older pin merely keeps more.
   *
   * `isLeaving`: the reader goes away and will come back. It is back when it moves the pin forward. A late copy of an
   * older move does not end its leave.
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

  /** Whether the row of a present reader says that it is absent. Such a row must be written soon. */
  wantsWrite(journal: JournalLog, name: string): boolean {
    return (journal.pins.get(name)?.writtenAbsentMs ?? 0) > 0;
  }

  /** Counts `elapsedMs` in which the broker served. Returns the pins that it drops. */
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

  /** Whether the next commit writes any pin. */
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
 * Up to where a pin can keep batches that would otherwise be trimmed. In a chunk journal this is the pin of the shard:
 * batches that a summer has not folded while it is down are in nobody else's way, and an auditor does not read them
 * before.
 */
function readableOf(journal: JournalLog): number {
  const shard = journal.kind === 'chunks' ? journal.pins.get(shardPinName(journal.number)) : undefined;
  return shard?.offset ?? journal.head;
}

/** The state of a present reader's pin. */
export const PRESENT = { absentMs: 0, unmovedMs: 0, writtenAbsentMs: 0, isAway: false } as const;
