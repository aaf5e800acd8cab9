/**
 * The records that earlier incarnations of a producer left in the journals. The generator runs forward to their end,
 * whatever its schedule says, and the verifier is told which files have ended there.
 *
 * An earlier incarnation took no step from `reservedStep` on (`records.ts`, `reserved`). Records of the producer beyond
 * those steps, which this process has not sent either, were written by somebody else: a `phantom`.
 *
 * Rule P-JUDGE-3 of docs/protocol.md.
 */

import type { Clock } from '../../core/clock.ts';
import type { ViolationError } from '../../core/errors.ts';
import { foreignRecords } from '../../journal/appender.ts';
import { chunkJournal } from '../../journal/journals.ts';
import type { Generator } from './generator.ts';
import type { Publisher } from './publisher.ts';

/** The most steps looked ahead before other work gets its turn. */
const AHEAD_STEPS = 4096;

/** The end of a file that some incarnation has sent, as record `endIndex` of its partition. */
export type EndedFile = { readonly fileNumber: number; readonly endIndex: number; readonly step: number };

export type PastOptions = {
  readonly producer: string;
  readonly clock: Clock;
  readonly generator: Generator;
  readonly publisher: Publisher;
  /** By partition: records below this index were in the journal when the life was continued. */
  readonly durable: readonly number[];
  /** No earlier incarnation took this step or a later one. */
  readonly reservedStep: number;
};

export class Past {
  readonly #options: PastOptions;
  /** By partition: the index to which the generator runs forward. */
  readonly #goals: number[];
  /** Whether the generator has passed every step that an earlier incarnation may have taken. */
  #isPassed = false;

  constructor(options: PastOptions) {
    this.#options = options;
    this.#goals = [...options.durable];
  }

  /** Whether a journal has records that the generator has not yet reached. */
  get isAhead(): boolean {
    const { indexes } = this.#options.generator;
    return this.#goals.some((goal, partition) => (indexes[partition] ?? 0) < goal);
  }

  /** The partition's journal has all records below `through`. */
  reach(partition: number, through: number): void {
    this.#goals[partition] = Math.max(this.#goals[partition] ?? 0, through);
  }

  /**
   * Must be called whenever the generator has gone on. Returns an error when a journal has records that no incarnation
   * can have sent.
   */
  judge(): ViolationError | null {
    if (this.#isPassed) return null;
    const { generator, publisher, producer, reservedStep } = this.#options;
    if (generator.step < reservedStep && !generator.isEnded) return null;
    this.#isPassed = true;
    publisher.sendsAloneFrom(generator.indexes);
    for (const [partition, goal] of this.#goals.entries()) {
      if (goal > (generator.indexes[partition] ?? 0)) return foreignRecords(chunkJournal(partition), producer, goal);
    }
    return null;
  }

  /**
   * The partition's journal expects record `n` next. The generator will run forward to `n` in its own time. For each
   * file that ends below `n`, `onEnded` is called now. That needs no room in any journal, so the promise always
   * resolves. Throws a `phantom` when there is no such record.
   */
  async completeThrough(partition: number, n: number, onEnded: (file: EndedFile) => void): Promise<void> {
    const { generator, publisher, producer, reservedStep, clock } = this.#options;
    if (!publisher.isOwn(partition, n)) throw foreignRecords(chunkJournal(partition), producer, n);
    this.reach(partition, n);
    if ((generator.indexes[partition] ?? 0) >= n) return;
    const ahead = generator.fork();
    for (let steps = 1; (ahead.indexes[partition] ?? 0) < n; steps += 1) {
      const next = ahead.step < reservedStep ? ahead.peek() : null;
      if (next === null) throw foreignRecords(chunkJournal(partition), producer, n);
      const { fileNumber, isEnd } = next;
      const endIndex = ahead.indexes[partition] ?? 0;
      if (isEnd && next.partition === partition) onEnded({ fileNumber, endIndex, step: ahead.step });
      ahead.skip();
      if (steps % AHEAD_STEPS === 0) await new Promise<void>((resolve) => clock.soon(resolve));
    }
  }
}
