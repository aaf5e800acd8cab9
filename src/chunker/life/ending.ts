/**
 * The end of a producer: once everything is verified, an end record goes into each journal, and then the pin is
 * released. Before the first end record is sent, it is durable that the end has begun and where each end record
 * belongs. Before the pin is released, it is durable that the end is finished. From then on each start only releases
 * the pin and says `drained`, until it is durable that this was said.
 *
 * An end record counts as recorded when its journal says so: `committed`, or `ended` with the right number of records.
 * An index behind the end record proves records that this producer did not send.
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
  /** From here on nothing is generated. */
  readonly onBegun: () => void;
  /** Everything is durable except the release, which is on its way. */
  readonly onFinished: () => void;
  readonly onReleased: () => void;
  /** It is durable that the end was said. */
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

  /** `null`: the end has not begun. */
  get phase(): 'ending' | 'finished' | null {
    return this.#phase;
  }

  /** Resolves when no transaction of the end is under way. The note that the end was said is such a transaction. */
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

  /** Continues a life whose end had begun: the journals say where its end records belong. */
  resume(): void {
    const { life, publisher } = this.#options;
    this.#begin();
    // All records were durable before the end began. Records beyond them are its end record, or foreign records.
    publisher.sendsAloneFrom(life.journals.map(() => 0));
    for (const [partition, { durable, ended }] of life.journals.entries()) {
      this.#checkRecords(partition, durable, ended);
      if (!ended) publisher.end(partition, durable);
    }
    this.maybeFinish();
  }

  /** The journal has `n` records of the producer. The last one is its end, sent by this process or by a dead one. */
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
      // A stop closed the client before the answer came. The next start releases again.
      (error: unknown) => (isClosed(error) ? undefined : onFailure(error)),
    );
  }

  /** The index of the end record of a partition. */
  #lastIndex(partition: number, durable: number): number {
    const { life, generator } = this.#options;
    return life.isEnding ? (life.endIndexes?.[partition] ?? durable) : (generator.indexes[partition] ?? 0);
  }

  /** Throws unless the journal of an ending producer has exactly its records, and perhaps its end. */
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
