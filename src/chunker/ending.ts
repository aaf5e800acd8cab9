/**
 * The end of a producer: an end record in each journal once everything is verified, then the release of its hold. That it
 * has begun is durable before the first end record is sent; that it is finished, before the hold is released.
 */

import { assert } from '../core/assert.ts';
import { OperatingError } from '../core/errors.ts';
import { type Journals, SUMS_JOURNAL } from '../journal/journals.ts';
import type { Verifier } from '../verifier/verifier.ts';
import type { DurableRows } from './durable-rows.ts';
import type { Generator } from './generator.ts';
import type { Life } from './life.ts';
import type { Publisher } from './publisher.ts';

export type EndingOptions = {
  readonly life: Life;
  readonly journals: Journals;
  readonly generator: Generator;
  readonly publisher: Publisher;
  readonly verifier: Verifier;
  readonly rows: DurableRows;
  /** Whether the chunker was stopped or has failed. */
  readonly isOver: () => boolean;
  /** All is durable but the release, which is on its way. */
  readonly onFinished: () => void;
  readonly onReleased: () => void;
  readonly onFailure: (error: unknown) => void;
};

export class Ending {
  readonly #options: EndingOptions;
  #phase: 'ending' | 'finished' | null = null;
  /** Partitions whose journal has answered that the producer has ended. */
  readonly #endedByAnswer = new Set<number>();

  constructor(options: EndingOptions) {
    this.#options = options;
  }

  /** `null`: it has not begun. */
  get phase(): 'ending' | 'finished' | null {
    return this.#phase;
  }

  /** Begins if everything is generated, durable and verified. */
  maybeBegin(): void {
    const { life, generator, publisher, verifier, rows, isOver } = this.#options;
    if (this.#phase !== null || isOver() || !generator.isEnded) return;
    if (!publisher.isIdle || verifier.outstanding > 0) return;
    assert(life.isEnding || life.ledger.outstanding.size === 0, 'all that was completed is verified');
    this.#phase = 'ending';
    rows.ledgerChanged();
    rows.writePhase('ending', () => {
      for (const [partition, index] of generator.indexes.entries()) publisher.end(partition, index);
    });
  }

  /** Continues a life that had begun to end: the journals say where its end records belong. */
  resume(): void {
    const { life, publisher } = this.#options;
    this.#phase = 'ending';
    for (const [partition, { durable, ended }] of life.journals.entries())
      if (!ended) publisher.end(partition, durable);
    this.maybeFinish();
  }

  /** Our own end record was there, its acknowledgement was lost. */
  answeredEnded(partition: number): void {
    this.#endedByAnswer.add(partition);
    this.maybeFinish();
  }

  /** Finishes if every end record is durable. */
  maybeFinish(): void {
    const { life, journals, publisher, rows } = this.#options;
    const isDone = life.journals.every(
      ({ durable, ended }, partition) =>
        ended ||
        this.#endedByAnswer.has(partition) ||
        publisher.durableThrough(partition) > this.#lastIndex(partition, durable),
    );
    if (!isDone || this.#phase !== 'ending' || this.#options.isOver()) return;
    this.#phase = 'finished';
    rows.writePhase('finished', () => {
      const { onFinished, onReleased, onFailure } = this.#options;
      onFinished();
      journals.release(SUMS_JOURNAL, life.producer).then(
        () => onReleased(),
        // Closed by a stop before the answer came: the next start releases again.
        (error: unknown) => (isClosed(error) ? undefined : onFailure(error)),
      );
    });
  }

  /** The index of the end record of a partition. */
  #lastIndex(partition: number, durable: number): number {
    const { life, generator } = this.#options;
    return life.isEnding ? durable : (generator.indexes[partition] ?? 0);
  }
}

function isClosed(error: unknown): boolean {
  return error instanceof OperatingError && error.code === 'ERR_CLOSED';
}
