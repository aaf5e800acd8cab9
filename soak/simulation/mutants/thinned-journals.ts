/**
 * Journals that leave some records out, so that no index shows it: the records that follow move up. A chunker above
 * them counts all records. The journals below get the others under dense indexes.
 */

import type { AppendOutcome, ExpectedOutcome, Journals, ShardEpoch } from '../../../src/journal/journals.ts';
import { WrappedJournals } from '../../../src/journal/wrapped-journals.ts';
import { type Chunk, decodeChunks, encodeChunk } from '../../../src/message/chunk.ts';
import { opened, resealed } from './decorated.ts';
import type { PlantedBatches } from './decorators/harm.ts';

/** By producer and journal, the indexes of records that are left out, ascending, over all incarnations of a chunker. */
export type LeftOut = Map<string, number[]>;

export class ThinnedJournals extends WrappedJournals {
  readonly #leftOut: LeftOut;
  readonly #leavesOut: (chunk: Chunk) => boolean;
  readonly #onLeftOut: () => void;
  readonly #planted: PlantedBatches;

  /**
   * `planted` gets every thinned batch, and every batch that takes the place of left-out records. `onLeftOut`: records
   * were acknowledged, or are no longer expected, although one of them is in no journal.
   */
  constructor(
    inner: Journals,
    options: {
      leftOut: LeftOut;
      leavesOut: (chunk: Chunk) => boolean;
      onLeftOut: () => void;
      planted: PlantedBatches;
    },
  ) {
    super(inner);
    this.#leftOut = options.leftOut;
    this.#leavesOut = options.leavesOut;
    this.#onLeftOut = options.onLeftOut;
    this.#planted = options.planted;
  }

  override async append(journal: string, bytes: Uint8Array, owner?: ShardEpoch): Promise<AppendOutcome> {
    const batch = opened(bytes, journal);
    const { producer, firstIndex, count } = batch;
    const leftOut = this.#of(producer, journal);
    const chunks = batch.kind === 'chunks' ? (decodeChunks(batch.payload) ?? []) : [];
    const isLeftOut = chunks.map((chunk, at) => this.#mark(leftOut, firstIndex + at, chunk));
    const first = below(leftOut, firstIndex);
    const kept = chunks.filter((_, at) => isLeftOut[at] !== true);
    const isThinner = kept.length < chunks.length;
    const end = { outcome: 'committed', begin: 0, end: 0, stampNs: 0 } as const;
    if (isThinner && kept.length === 0) {
      const answer = await this.inner.expected(journal, producer);
      if (answer.outcome === 'expected' && answer.n < first) return this.#fromInner(answer, leftOut);
      this.#onLeftOut();
      return answer.outcome === 'expected' ? { ...end, stampNs: answer.stampNs } : answer;
    }
    const thinner = isThinner
      ? resealed(batch, journal, {
          firstIndex: first,
          count: kept.length,
          payload: Buffer.concat(kept.map(encodeChunk)),
        })
      : resealed(batch, journal, { firstIndex: first, count });
    if (isThinner || first < firstIndex) this.#planted.plant(thinner);
    const outcome = await this.inner.append(journal, thinner, owner);
    return outcome.outcome === 'expected' ? this.#fromInner(outcome, leftOut) : outcome;
  }

  override async expected(journal: string, producer: string, owner?: ShardEpoch): Promise<ExpectedOutcome> {
    const answer = await this.inner.expected(journal, producer, owner);
    return answer.outcome === 'expected' ? this.#fromInner(answer, this.#of(producer, journal)) : answer;
  }

  #of(producer: string, journal: string): number[] {
    const key = `${producer} ${journal}`;
    const known = this.#leftOut.get(key) ?? [];
    this.#leftOut.set(key, known);
    return known;
  }

  #mark(leftOut: number[], index: number, chunk: Chunk): boolean {
    if (!this.#leavesOut(chunk)) return false;
    if (!leftOut.includes(index)) leftOut.push(index);
    return true;
  }

  /** The journal has the records before the n-th kept one, and so also the left-out records right behind them. */
  #fromInner<A extends { readonly n: number }>(answer: A, leftOut: readonly number[]): A {
    let index = answer.n;
    for (const left of leftOut.toSorted((a, b) => a - b)) if (left <= index) index += 1;
    if (index > answer.n) this.#onLeftOut();
    return { ...answer, n: index };
  }
}

/** The index among the kept records. */
function below(leftOut: readonly number[], index: number): number {
  return index - leftOut.filter((left) => left < index).length;
}
