/** Moves the verifier's hold in the sums journal, which tells the broker what is still needed. */

import { OperatingError } from '../core/errors.ts';
import { type Journals, SUMS_JOURNAL } from '../journal/journals.ts';

export type SumsHoldEvents = {
  /** The broker has no such hold. */
  onGone(error: OperatingError): void;
  onFailure(error: unknown): void;
};

export class SumsHold {
  readonly #journals: Journals;
  readonly #producer: string;
  readonly #events: SumsHoldEvents;
  #isMoving = false;

  constructor(journals: Journals, producer: string, events: SumsHoldEvents) {
    this.#journals = journals;
    this.#producer = producer;
    this.#events = events;
  }

  /** To an offset that is durable in the chunker's store. Repeating it keeps the hold; one move is under way at a time. */
  move(offset: number): void {
    if (this.#isMoving) return;
    this.#isMoving = true;
    this.#journals.moveHold(SUMS_JOURNAL, this.#producer, offset).then(
      (outcome) => {
        this.#isMoving = false;
        if (outcome === 'missing') {
          const detail = 'the hold in the sums journal is gone: the chunker was absent too long';
          this.#events.onGone(new OperatingError('ERR_HOLD_EXPIRED', detail));
        }
      },
      (error: unknown) => this.#events.onFailure(error),
    );
  }
}
