/** Moves the verifier's hold in the sums journal, which tells the broker what is still needed. */

import { OperatingError } from '../core/errors.ts';
import { type Journals, SUMS_JOURNAL } from '../journal/journals.ts';

export class SumsHold {
  readonly #journals: Journals;
  readonly #producer: string;
  readonly #onFailure: (error: unknown) => void;
  #isMoving = false;

  constructor(journals: Journals, producer: string, onFailure: (error: unknown) => void) {
    this.#journals = journals;
    this.#producer = producer;
    this.#onFailure = onFailure;
  }

  /** To an offset that is durable in the chunker's store. Repeating it keeps the hold; one move is under way at a time. */
  move(offset: number): void {
    if (this.#isMoving) return;
    this.#isMoving = true;
    this.#journals.moveHold(SUMS_JOURNAL, this.#producer, offset).then(
      (outcome) => {
        this.#isMoving = false;
        if (outcome === 'missing') {
          const detail = 'the hold in the sums journal is gone: the chunker was absent too long, or was retired';
          this.#onFailure(new OperatingError('ERR_HOLD_EXPIRED', detail));
        }
      },
      (error: unknown) => this.#onFailure(error),
    );
  }
}
