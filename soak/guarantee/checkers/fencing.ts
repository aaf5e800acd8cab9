/**
 * Fencing (invariant 5): no two claimants raise the same epoch. Along the sums journal the epochs of a shard never
 * decrease. When a claimant has the answer to its raise, the journal has an end: from there on no batch of a lower
 * epoch begins. Where an engine fences only by the first append of the new owner (`promises.ts`), an append that began
 * before the raise may still land behind that end; what the epochs must do along the journal stays the same.
 */

import { SUMS_JOURNAL } from '../../../src/journal/journals.ts';
import { type EnginePromises, PROMISES } from '../../../src/journal/promises.ts';
import { type BatchEvent, BatchReader, shardOfProducer } from './batch-reader.ts';
import { FindingList } from './finding-list.ts';
import type { Checker, Findings, HistoryEvent } from '../history.ts';

type Raised = { readonly process: string; readonly epoch: number; readonly sumsHead: number };

type Shard = {
  lastEpoch: number;
  /** By epoch: where its last batch begins, and the index of the first sum of that batch. */
  readonly lastBatches: Map<number, { readonly begin: number; readonly index: number }>;
  readonly raised: Raised[];
};

export class FencingChecker implements Checker {
  readonly name = 'fencing';
  readonly #found = new FindingList(this.name);
  readonly #reader: BatchReader;
  readonly #promises: EnginePromises;
  readonly #shards = new Map<number, Shard>();

  constructor(reader: BatchReader = new BatchReader(), promises: EnginePromises = PROMISES.embedded) {
    this.#reader = reader;
    this.#promises = promises;
  }

  observe(event: HistoryEvent): void {
    this.#found.at(event);
    if (event.event === 'batch' && event.journal === SUMS_JOURNAL) this.#read(event);
    else if (event.event === 'raised') this.#raise(event.shard, event);
  }

  get hasFound(): boolean {
    return this.#found.hasViolation;
  }

  get findings(): Findings {
    return this.#found.findings;
  }

  finish(): Findings {
    for (const [number, { lastBatches, raised }] of this.#shards) {
      for (const epoch of lastBatches.keys()) {
        if (raised.some((claim) => claim.epoch === epoch)) continue;
        this.#found.inconclusive(`shard ${number} wrote under epoch ${epoch}, which nobody was seen to raise`);
      }
    }
    return this.#found.findings;
  }

  get #isFencedByRaise(): boolean {
    return this.#promises.fencedSince === 'raise';
  }

  #shard(number: number): Shard {
    let shard = this.#shards.get(number);
    if (shard === undefined) {
      shard = { lastEpoch: 0, lastBatches: new Map(), raised: [] };
      this.#shards.set(number, shard);
    }
    return shard;
  }

  #read(event: BatchEvent): void {
    const batch = this.#reader.readSound(event);
    const number = batch === null ? null : shardOfProducer(batch.producer);
    if (batch === null || number === null) return;
    const shard = this.#shard(number);
    const { epoch, firstIndex } = batch;
    const witness = { journal: SUMS_JOURNAL, offset: event.begin, index: firstIndex };
    const newer = shard.raised.find((claim) => claim.epoch > epoch && claim.sumsHead <= event.begin);
    if (epoch < shard.lastEpoch) {
      const detail = `shard ${number} wrote under epoch ${epoch} after epoch ${shard.lastEpoch}`;
      this.#found.violation('stale-writer', detail, witness);
    } else if (newer !== undefined && this.#isFencedByRaise) this.#name(number, epoch, newer, witness);
    shard.lastEpoch = Math.max(shard.lastEpoch, epoch);
    shard.lastBatches.set(epoch, { begin: event.begin, index: firstIndex });
  }

  /** Batches of a replaced owner may have been read before the claim of its successor. */
  #raise(number: number, claim: Raised): void {
    const shard = this.#shard(number);
    const { epoch, sumsHead } = claim;
    const twin = shard.raised.find((other) => other.epoch === epoch);
    if (twin !== undefined) {
      const detail = `${claim.process} raised epoch ${epoch} of shard ${number}, as ${twin.process} had done before`;
      this.#found.violation('stale-writer', detail, { journal: SUMS_JOURNAL, offset: sumsHead });
    }
    shard.raised.push({ process: claim.process, epoch, sumsHead });
    if (!this.#isFencedByRaise) return;
    for (const [older, { begin, index }] of shard.lastBatches) {
      if (older >= epoch || begin < sumsHead) continue;
      this.#name(number, older, claim, { journal: SUMS_JOURNAL, offset: begin, index });
    }
  }

  #name(
    number: number,
    epoch: number,
    claim: Raised,
    witness: { journal: string; offset: number; index: number },
  ): void {
    const detail =
      `shard ${number} wrote under epoch ${epoch} after ${claim.process} had raised it to ${claim.epoch}, ` +
      `when the journal ended at ${claim.sumsHead}`;
    this.#found.violation('stale-writer', detail, witness);
  }
}
