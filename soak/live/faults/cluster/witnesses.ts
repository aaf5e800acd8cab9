/** Parts of a fault that hurt nothing, and without which it shows nothing. They are over with it, and see no end. */

import type { FaultAction, Sight } from '../actions/action.ts';

abstract class Witness implements FaultAction {
  #proof: Sight | null = null;

  abstract inject(): void;
  /** What was seen, in words; null: not yet. */
  protected abstract seen(): string | null;

  proven(nowNs: number): Sight | null {
    const saw = this.#proof === null ? this.seen() : null;
    if (saw !== null) this.#proof = { atNs: nowNs, saw };
    return this.#proof;
  }

  heal(): void {}

  healed(nowNs: number): Sight {
    return { atNs: nowNs, saw: '' };
  }
}

/** That a broker is the primary of a journal: otherwise nobody appends to it. */
export class Leading extends Witness {
  readonly #name: string;
  readonly #journalsLedBy: (name: string) => Promise<readonly string[]>;
  #journals: readonly string[] = [];

  constructor(name: string, journalsLedBy: (name: string) => Promise<readonly string[]>) {
    super();
    this.#name = name;
    this.#journalsLedBy = journalsLedBy;
  }

  inject(): void {
    this.#journalsLedBy(this.#name).then(
      (journals) => (this.#journals = journals),
      // It is the primary of none, as far as is known.
      () => undefined,
    );
  }

  protected seen(): string | null {
    return this.#journals.length === 0 ? null : `${this.#name} is the primary of ${this.#journals.join(' ')}`;
  }
}

/** That records stand twice in journals: an append was carried out whose outcome its client never knew. */
export class Repeating extends Witness {
  readonly #repeatedRecords: () => number;
  #before = 0;

  constructor(repeatedRecords: () => number) {
    super();
    this.#repeatedRecords = repeatedRecords;
  }

  inject(): void {
    this.#before = this.#repeatedRecords();
  }

  protected seen(): string | null {
    const count = this.#repeatedRecords() - this.#before;
    return count === 0 ? null : `${count} records stand twice`;
  }
}
