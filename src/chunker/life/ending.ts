/**
 * The end of a producer: an end record in each journal once everything is verified, then the release of its pin. That
 * it has begun, and where each end record belongs, is durable before the first end record is sent; that it is finished,
 * before the pin is released. From then on whoever starts has only to release the pin and to say so, until that was
 * said.
 *
 * An end record is recorded when its journal says so: `committed`, or `ended` with as many records as there should be.
 * An index behind it proves records that were not sent here.
 */

import { assert } from '../../core/assert.ts';
import { OperatingError, ViolationError } from '../../core/errors.ts';
import { foreignRecords } from '../../journal/appender.ts';
import { type Journals, SUMS_JOURNAL, chunkJournal } from '../../journal/journals.ts';
import type { Verifier } from '../../verifier/verifier.ts';
import type { DurableRows } from '../rows/durable-rows.ts';
import type { Generator } from '../stream/generator.ts';
import type { Life } from './life.ts';
import type { Publisher } from '../stream/publisher.ts';

export type EndingOptions = {
  readonly life: Life;
  readonly journals: Journals;
  readonly generator: Generator;
  readonly publisher: Publisher;
  readonly verifier: Verifier;
  readonly rows: DurableRows;
  /** Whether the chunker was stopped or has failed. */
  readonly isOver: () => boolean;
  /** Nothing is generated from here on. */
  readonly onBegun: () => void;
  /** All is durable but the release, which is on its way. */
  readonly onFinished: () => void;
  readonly onReleased: () => void;
  /** That it was said is durable. */
  readonly onTold: () => void;
  readonly onFailure: (error: unknown) => void;
};

export class Ending {
  readonly #options: EndingOptions;
  #phase: 'ending' | 'finished' | null = null;
  /** Partitions whose journal has answered that the producer has ended. */
  readonly #endedByAnswer = new Set<number>();

  #telling: Promise<void> = Promise.resolve();

  constructor(options: EndingOptions) {
    this.#options = options;
  }

  /** `null`: it has not begun. */
  get phase(): 'ending' | 'finished' | null {
    return this.#phase;
  }

  /** Resolves when no transaction of it is under way: that it was said may be one. */
  get settled(): Promise<void> {
    return this.#telling;
  }

  /** Begins if everything is generated, durable and verified. */
  maybeBegin(): void {
    const { life, generator, publisher, verifier, rows, isOver } = this.#options;
    if (this.#phase !== null || isOver() || !generator.isEnded) return;
    if (!publisher.isIdle || verifier.outstanding > 0) return;
    assert(life.isEnding || life.ledger.outstanding.size === 0, 'all that was completed is verified');
    this.#begin();
    rows.ledgerChanged();
    const endIndexes = [...generator.indexes];
    rows.writePhase({ phase: 'ending', endIndexes }, () => {
      for (const [partition, index] of generator.indexes.entries()) publisher.end(partition, index);
    });
  }

  /** Continues a life that had begun to end: the journals say where its end records belong. */
  resume(): void {
    const { life, publisher } = this.#options;
    this.#begin();
    // All records were durable before it began to end: what is there beyond them is its end, or not its own.
    publisher.sendsAloneFrom(life.journals.map(() => 0));
    for (const [partition, { durable, ended }] of life.journals.entries()) {
      this.#checkRecords(partition, durable, ended);
      if (!ended) publisher.end(partition, durable);
    }
    this.maybeFinish();
  }

  /**
   * The journal has `n` records of the producer, the last of which is its end: that of this process, or of a dead one.
   */
  answeredEnded(partition: number, n: number): void {
    this.#checkRecords(partition, n, true);
    this.#endedByAnswer.add(partition);
    this.maybeFinish();
  }

  /** Finishes if every end record is durable. */
  maybeFinish(): void {
    const { life, publisher, rows } = this.#options;
    const isDone = life.journals.every(
      ({ durable, ended }, partition) =>
        ended ||
        this.#endedByAnswer.has(partition) ||
        publisher.durableThrough(partition) > this.#lastIndex(partition, durable),
    );
    if (!isDone || this.#phase !== 'ending' || this.#options.isOver()) return;
    this.#phase = 'finished';
    rows.writePhase({ phase: 'finished' }, () => this.#release());
  }

  /** Continues a life whose end records are all there. */
  resumeFinished(): void {
    this.#phase = 'finished';
    this.#release();
  }

  #begin(): void {
    this.#phase = 'ending';
    this.#options.onBegun();
  }

  #release(): void {
    const { life, journals, rows, onFinished, onReleased, onTold, onFailure } = this.#options;
    onFinished();
    journals.release(SUMS_JOURNAL, life.producer).then(
      () => {
        onReleased();
        this.#telling = new Promise<void>((resolve) => rows.writePhase({ phase: 'told' }, resolve)).then(onTold);
      },
      // Closed by a stop before the answer came: the next start releases again.
      (error: unknown) => (isClosed(error) ? undefined : onFailure(error)),
    );
  }

  /** The index of the end record of a partition. */
  #lastIndex(partition: number, durable: number): number {
    const { life, generator } = this.#options;
    return life.isEnding ? (life.endIndexes?.[partition] ?? durable) : (generator.indexes[partition] ?? 0);
  }

  /** Throws when the journal of a producer that is ending has other than all its records, and perhaps its end. */
  #checkRecords(partition: number, n: number, ended: boolean): void {
    const { life } = this.#options;
    const endIndex = this.#lastIndex(partition, ended ? n - 1 : n);
    const right = ended ? endIndex + 1 : endIndex;
    const journal = chunkJournal(partition);
    if (n > right) throw foreignRecords(journal, life.producer, n);
    if (n === right) return;
    const detail = `all ${right} records of producer ${life.producer} were acknowledged, and the journal has ${n}`;
    throw new ViolationError('acknowledged-loss', detail, { journal, index: n });
  }
}

function isClosed(error: unknown): boolean {
  return error instanceof OperatingError && error.code === 'ERR_CLOSED';
}
