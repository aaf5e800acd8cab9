/** Reads the sums journal from the verifier's place, one batch after the other, until the chunker is over. */

import { OperatingError } from '../../core/errors.ts';
import { type Journals, type ReadStream, SUMS_JOURNAL, type StoredBatch } from '../../journal/journals.ts';
import { sumsTrimmed } from './sums-pin.ts';

const READ_CREDIT_BYTES = 4 * 1024 * 1024;

export type SumsReaderOptions = {
  readonly journals: Journals;
  readonly producer: string;
  readonly offset: number;
  /** Whether the chunker was stopped or has failed. Later batches are not checked. */
  readonly isOver: () => boolean;
  /** The next batch is read when this resolves. */
  readonly check: (batch: StoredBatch) => Promise<void>;
  /** The journal has not kept batches that the producer must read, or refuses to be read. */
  readonly onGone: (error: OperatingError) => void;
  readonly onError: (error: unknown) => void;
};

export class SumsReader {
  readonly #options: SumsReaderOptions;
  readonly #stream: ReadStream;
  /** Where the next batch begins. */
  #offset: number;

  constructor(options: SumsReaderOptions) {
    const { journals, offset } = options;
    this.#options = options;
    this.#offset = offset;
    this.#stream = journals.read(SUMS_JOURNAL, offset, { creditBytes: READ_CREDIT_BYTES });
  }

  start(): void {
    this.#read().catch(this.#options.onError);
  }

  /** Ends the stream. */
  close(): void {
    this.#stream.close();
  }

  async #read(): Promise<void> {
    const { producer, isOver, check, onGone } = this.#options;
    for (;;) {
      const next = await this.#stream.next();
      if (next === null || isOver()) return;
      if ('bytes' in next) {
        await check(next);
        this.#offset = next.end;
        continue;
      }
      if (next.end === 'trimmed') return onGone(sumsTrimmed(producer, { offset: this.#offset, begin: next.begin }));
      const where = `cannot read the sums journal at ${this.#offset}`;
      return onGone(new OperatingError('ERR_READ_REJECTED', `${where}: ${JSON.stringify(next)}`));
    }
  }
}
