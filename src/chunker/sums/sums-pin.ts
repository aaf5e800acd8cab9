/**
 * Moves the verifier's pin in the sums journal, which tells the broker what is still needed.
 *
 * Rule P-PIN-5 of docs/protocol.md.
 */

import { type Clock, inTime } from '../../core/clock.ts';
import { OperatingError } from '../../core/errors.ts';
import { type Journals, SUMS_JOURNAL } from '../../journal/journals.ts';

/** How long a stopping chunker waits for the answer to its leave. Without a broker it would wait for ever. */
const LEAVE_MS = 2_000;

export type SumsPinEvents = {
  /** The broker has no such pin. */
  onGone(error: OperatingError): void;
  onFailure(error: unknown): void;
};

export class SumsPin {
  readonly #journals: Journals;
  readonly #clock: Clock;
  readonly #producer: string;
  readonly #events: SumsPinEvents;
  #isMoving = false;

  constructor(options: { journals: Journals; clock: Clock; producer: string; events: SumsPinEvents }) {
    this.#journals = options.journals;
    this.#clock = options.clock;
    this.#producer = options.producer;
    this.#events = options.events;
  }

  /**
   * Moves the pin to an offset that is durable in the chunker's store. Repeating a move keeps the pin. One move is
   * under way at a time.
   */
  move(offset: number): void {
    if (this.#isMoving) return;
    this.#isMoving = true;
    this.#journals.movePin(SUMS_JOURNAL, this.#producer, offset).then(
      (outcome) => {
        this.#isMoving = false;
        if (outcome === 'missing') this.#events.onGone(pinExpired(this.#producer));
      },
      (error: unknown) => this.#events.onFailure(error),
    );
  }

  /**
   * Tells the broker that the chunker stops and will be back, so that its absence alone does not drop the pin. Never
   * rejects. Resolves without an answer when none comes in time; the pin then counts as that of a killed chunker.
   */
  async leave(offset: number): Promise<void> {
    const left = this.#journals.movePin(SUMS_JOURNAL, this.#producer, offset, { isLeaving: true });
    await inTime(left, { clock: this.#clock, limitMs: LEAVE_MS, late: noAnswer }).catch(() => {});
  }
}

function noAnswer(): OperatingError {
  return new OperatingError('ERR_NO_ANSWER', 'no broker has answered');
}

/**
 * The chunker was away, and sums came that it can never read. So it cannot know whether each of its files got its sum.
 */
export function pinExpired(producer: string): OperatingError {
  return goneError(producer, `the pin of producer ${producer} in the sums journal is gone`);
}

/** The same, where a read says so: the journal begins beyond the place of the producer's verifier. */
export function sumsTrimmed(producer: string, { offset, begin }: { offset: number; begin: number }): OperatingError {
  const what = `the sums journal is kept from ${begin} on, and producer ${producer} has read it up to ${offset}`;
  return goneError(producer, what);
}

function goneError(producer: string, what: string): OperatingError {
  const cause = 'it was absent too long, or others needed the room that its pin kept';
  const remedy = `end it with \`stream-sum retire --producer ${producer}\` and begin with an empty folder`;
  return new OperatingError('ERR_PIN_EXPIRED', `${what}: ${cause}. Its files can no longer be verified: ${remedy}`);
}
