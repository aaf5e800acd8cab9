/**
 * Journals are whole: batches follow each other without a gap or an overlap, each batch verifies in its journal, the
 * record indexes of each producer are dense, and nothing of a producer comes after its end.
 */

import { formatCount } from '../../../src/core/units.ts';
import { SUMS_JOURNAL } from '../../../src/journal/journals.ts';
import { type EnginePromises, PROMISES } from '../../../src/journal/promises.ts';
import type { Batch } from '../../../src/message/batch.ts';
import { type BatchEvent, BatchReader, shardOfProducer } from './batch-reader.ts';
import { FindingList } from './finding-list.ts';
import type { Checker, Findings, HistoryEvent } from '../history.ts';
import { RecordMemory } from './record-memory.ts';

type Producer = {
  next: number;
  hasEnded: boolean;
  /** Null where the engine stores no record twice. */
  readonly memory: RecordMemory | null;
};

type Journal = {
  next: number;
  /** Something was not read, so the next indexes are learnt anew. */
  isTorn: boolean;
  /** By producer. */
  readonly producers: Map<string, Producer>;
};

export class JournalsChecker implements Checker {
  readonly name = 'journals';
  readonly #found = new FindingList(this.name);
  readonly #reader: BatchReader;
  readonly #promises: EnginePromises;
  readonly #journals = new Map<string, Journal>();
  readonly #producers = new Set<string>();
  readonly #heads = new Map<string, number>();
  #partitions = 0;
  #hasForgotten = false;

  /**
   * `promises`: of the engine. Readers skip records that it may store twice, so that a copy is not a violation. Another
   * record at the index of an earlier one is.
   */
  constructor(reader: BatchReader = new BatchReader(), promises: EnginePromises = PROMISES.embedded) {
    this.#reader = reader;
    this.#promises = promises;
  }

  observe(event: HistoryEvent): void {
    this.#found.at(event);
    if (event.event === 'batch') this.#read(event);
    else if (event.event === 'run') this.#partitions = event.partitions;
    else if (event.event === 'producer') this.#producers.add(event.producer);
    else if (event.event === 'head') this.#heads.set(event.journal, event.offset);
    else if (event.event === 'unread') this.#skip(event.journal, event.to);
  }

  get hasFound(): boolean {
    return this.#found.hasViolation;
  }

  get findings(): Findings {
    return this.#found.findings;
  }

  finish(): Findings {
    for (const [name, head] of this.#heads) {
      const next = this.#journals.get(name)?.next ?? 0;
      if (head > next) this.#found.inconclusive(`${name} ends at ${head}, and was read up to ${next}`);
      if (head < next) {
        const detail = `the journal ends at ${head}, although it was read up to ${next}`;
        this.#found.violation('acknowledged-loss', detail, { journal: name, offset: head });
      }
    }
    return this.#found.findings;
  }

  #skip(name: string, to: number): void {
    const journal = this.#journal(name);
    journal.next = Math.max(journal.next, to);
    journal.isTorn = true;
    for (const producer of journal.producers.values()) producer.next = Number.NaN;
  }

  #journal(name: string): Journal {
    let journal = this.#journals.get(name);
    if (journal === undefined) {
      journal = { next: 0, isTorn: false, producers: new Map() };
      this.#journals.set(name, journal);
    }
    return journal;
  }

  #read(event: BatchEvent): void {
    const journal = this.#journal(event.journal);
    if (event.begin !== journal.next) {
      const kind = event.begin > journal.next ? 'gap' : 'duplicate';
      this.#found.violation(kind, `a batch stands at ${event.begin}, the next is at ${journal.next}`, placeOf(event));
    }
    journal.next = event.end;
    const batch = this.#reader.read(event);
    if ('fault' in batch) this.#found.violation('corrupt', batch.fault, placeOf(event));
    else if (this.#isKnown(batch, event.journal)) this.#checkIndexes(journal, batch, event);
    else {
      const detail = `${formatCount(batch.count)} records of ${batch.producer}, which is not a producer of this run`;
      this.#found.violation('phantom', detail, { ...placeOf(event), index: batch.firstIndex });
    }
  }

  #isKnown({ producer }: Batch, journal: string): boolean {
    if (journal !== SUMS_JOURNAL) return this.#producers.has(producer);
    const shard = shardOfProducer(producer);
    return shard !== null && shard < this.#partitions;
  }

  #checkIndexes(journal: Journal, batch: Batch, event: BatchEvent): void {
    const { producer, firstIndex, count } = batch;
    let known = journal.producers.get(producer);
    if (known === undefined) {
      const memory = this.#promises.mayRepeat ? new RecordMemory() : null;
      known = { next: journal.isTorn ? Number.NaN : 0, hasEnded: false, memory };
      journal.producers.set(producer, known);
    }
    const { next } = known;
    if (firstIndex > next) {
      const detail = `records ${next} to ${firstIndex - 1} of ${producer} are missing`;
      this.#found.violation('gap', detail, { ...placeOf(event), index: firstIndex });
    } else if (firstIndex < next && !this.#promises.mayRepeat) {
      const detail = `record ${firstIndex} of ${producer} again, the next is ${next}`;
      this.#found.violation('duplicate', detail, { ...placeOf(event), index: firstIndex });
    } else if (known.hasEnded && firstIndex >= next) {
      const detail = `record ${firstIndex} of ${producer} comes after its end`;
      this.#found.violation('phantom', detail, { ...placeOf(event), index: firstIndex });
    }
    const repetition = known.memory?.take(batch) ?? null;
    if (repetition?.what === 'differs') {
      const detail = `another record ${repetition.index} of ${producer} stands in the journal before`;
      this.#found.violation('mismatched', detail, { ...placeOf(event), index: repetition.index });
    } else if (repetition !== null && !this.#hasForgotten) {
      this.#hasForgotten = true;
      const from = `record ${repetition.index} of ${producer} in ${event.journal} on`;
      this.#found.inconclusive(`from ${from} records stand again, too late to be compared with the first ones`);
    }
    known.next = Math.max(Number.isNaN(next) ? 0 : next, firstIndex + count);
    // A repetition that is skipped ends nothing.
    if (batch.kind === 'end' && !(firstIndex < next)) known.hasEnded = true;
  }
}

/** Made only for a violation, because nearly all batches are right. */
function placeOf({ journal, begin: offset }: BatchEvent): { readonly journal: string; readonly offset: number } {
  return { journal, offset };
}
