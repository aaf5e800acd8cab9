/**
 * Which verifiers' pins in the sums journal may be gone: the pin of a producer that was away longer than the plan lets
 * a pin wait, while a broker served, and that of a producer that has ended. It counts absence from what the broker was
 * asked and from its durable rows, and not as the broker counts.
 */

import { type PinRow, isPinRow, isProducerRow } from '../../src/journal/broker/tables.ts';
import type { BrokerState } from '../../src/journal/broker/state.ts';
import { SUMS_JOURNAL } from '../../src/journal/journals.ts';
import { nameKey, nameOfKey, openRow } from '../../src/store/row.ts';
import type { Disk, OwnedWrites } from './world/disk.ts';

/**
 * A broker counts absence in steps between two looks: half a second, or twice as much after it was stopped. The step in
 * which a reader was heard counts as a whole.
 */
const STEP_MS = 1_000;

export class PinWatch {
  readonly #sumsNumber: number;
  readonly #pinAbsenceMs: number;
  readonly #nowNs: () => number;
  /** By producer: when its pin was made or moved last. */
  readonly #heardNs = new Map<string, number>();
  /** By producer: the durable row of its pin. */
  readonly #rows = new Map<string, PinRow>();
  /** Producers whose pin a broker has dropped in time, and who were not heard since. */
  readonly #expired = new Set<string>();
  /** Producers whose pin is durably gone, and may be. */
  readonly #gone = new Set<string>();
  #brokerStartedNs = 0;

  constructor(options: {
    readonly partitions: number;
    readonly pinAbsenceMs: number;
    readonly nowNs: () => number;
  }) {
    this.#sumsNumber = options.partitions;
    this.#pinAbsenceMs = options.pinAbsenceMs;
    this.#nowNs = options.nowNs;
  }

  /** A broker has begun to serve: from now on its pins are watched. */
  follow({ pins }: BrokerState, startedNs: number): void {
    this.#brokerStartedNs = startedNs;
    const move = pins.move.bind(pins);
    pins.move = (journal, name, ...rest) => {
      const outcome = move(journal, name, ...rest);
      if (outcome === 'moved' && journal.name === SUMS_JOURNAL) this.#hear(name);
      return outcome;
    };
    const make = pins.make.bind(pins);
    pins.make = (journal, name) => {
      if (journal.name === SUMS_JOURNAL) this.#hear(name);
      return make(journal, name);
    };
  }

  /** The broker says that it has dropped the pin. */
  dropped(producer: string): void {
    const nowNs = this.#nowNs();
    const heardNs = this.#heardNs.get(producer) ?? 0;
    // Of what was heard before its start, a broker knows what is durable.
    const absentMs =
      heardNs >= this.#brokerStartedNs
        ? (nowNs - heardNs) / 1e6
        : (this.#rows.get(producer)?.absentMs ?? 0) + (nowNs - this.#brokerStartedNs) / 1e6;
    if (absentMs + STEP_MS > this.#pinAbsenceMs) this.#expired.add(producer);
  }

  /** Whether the producer was away too long, and a broker has dropped its pin for that. */
  isExpired(producer: string): boolean {
    return this.#expired.has(producer);
  }

  /** Whether nothing is kept for the producer any more, because it was away too long or has ended. */
  isGone(producer: string): boolean {
    return this.#gone.has(producer);
  }

  /** Writes of the broker have become durable. */
  brokerDurable(broker: Disk, writes: OwnedWrites): void {
    for (const { table, key, value } of writes) {
      if (table !== 'holds' || key.readUInt32BE(0) !== this.#sumsNumber) continue;
      const producer = nameOfKey(key);
      if (value !== null) {
        this.#rows.set(producer, openRow(value, isPinRow, `the pin of ${producer}`));
        this.#gone.delete(producer);
      } else if (this.#expired.has(producer) || this.#hasEnded(broker, producer)) this.#gone.add(producer);
    }
  }

  #hear(producer: string): void {
    this.#heardNs.set(producer, this.#nowNs());
    this.#expired.delete(producer);
  }

  #hasEnded(broker: Disk, producer: string): boolean {
    return Array.from({ length: this.#sumsNumber }, (_, partition) => partition).every((partition) => {
      const row = broker.get('producers', nameKey(partition, producer));
      return row !== undefined && openRow(row, isProducerRow, `producer ${producer}`).ended;
    });
  }
}
