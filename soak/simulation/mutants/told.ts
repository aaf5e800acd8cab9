/** Knows what chunkers were told is durable, over all their incarnations, and notices when it is no longer durable. */

import type { AppendOutcome, ExpectedOutcome, Journals, ShardEpoch } from '../../../src/journal/journals.ts';
import { WrappedJournals } from '../../../src/journal/wrapped-journals.ts';
import type { Subject } from '../decorations.ts';
import { opened } from './decorated.ts';

/** By producer and journal, the index below which everything was said to be durable. */
export type Told = Map<string, number>;

export class ToldJournals extends WrappedJournals {
  readonly #told: Told;
  readonly #onLoss: () => void;
  readonly #isOver: () => boolean;

  /**
   * A bug takes effect when the journal again expects records that it, or `inner`, had acknowledged to a living
   * process.
   */
  constructor(inner: Journals, told: Told, { tookEffect, isOver }: Pick<Subject, 'tookEffect' | 'isOver'>) {
    super(inner);
    this.#told = told;
    this.#onLoss = tookEffect;
    this.#isOver = isOver;
  }

  override async append(journal: string, bytes: Uint8Array, owner?: ShardEpoch): Promise<AppendOutcome> {
    const outcome = await this.inner.append(journal, bytes, owner);
    if (this.#isOver()) return outcome;
    const { producer, firstIndex, count } = opened(bytes, journal);
    const key = `${producer} ${journal}`;
    if (outcome.outcome === 'committed') this.#told.set(key, Math.max(this.#told.get(key) ?? 0, firstIndex + count));
    if (outcome.outcome === 'expected') this.#hear(key, outcome.n);
    return outcome;
  }

  override async expected(journal: string, producer: string, owner?: ShardEpoch): Promise<ExpectedOutcome> {
    const answer = await this.inner.expected(journal, producer, owner);
    if (answer.outcome === 'expected' && !this.#isOver()) this.#hear(`${producer} ${journal}`, answer.n);
    return answer;
  }

  #hear(key: string, n: number): void {
    const before = this.#told.get(key) ?? 0;
    if (n < before) this.#onLoss();
    else this.#told.set(key, n);
  }
}
