/**
 * One journal as the whole cluster has it: its route, what the fragment store keeps of it, and what is committed, which
 * is what an observer shows to the checkers.
 */

import { BATCH_HEADER_BYTES, readProducer } from '../../../src/message/batch.ts';
import { readCount } from '../../../src/message/counts.ts';
import type { Ref, Route } from './broker.ts';
import { type Replica, type Segment, segmentAt } from './replica.ts';

type Stored = { readonly segment: Segment; readonly atNs: number; readonly by: Ref };

export type CommittedBatch = { readonly begin: number; readonly bytes: Buffer };

export class Journal {
  /** With the prefix. */
  readonly name: string;
  /** Journals of chunks come first, then the sums journal, then those of the state of shards. */
  readonly number: number;
  readonly #hasBatches: boolean;
  readonly #onCommitted: (journal: number, batch: CommittedBatch) => void;
  readonly #onRepeated: (records: number) => void;
  readonly #onServedInVain: () => void;
  route: Route = { revision: 0, members: [] };
  /** The revision of the last route whose members agree. */
  syncedRevision = 0;
  #committed = new Set<Segment>();
  #end = 0;
  /** Something that was committed is gone: what the observer was shown is not what the journal has. */
  #tornAt: number | null = null;
  /** By offset. */
  readonly #parts = new Map<number, Buffer>();
  readonly #stored: Stored[] = [];
  readonly #uploaded = new Set<Segment>();
  /** When the store lost what, by offset. */
  readonly #trims: { readonly atNs: number; readonly end: number }[] = [];
  /** Segments that were handed to a reader, and are not committed. */
  readonly #servedEarly = new Set<Segment>();
  /** By producer, the index that follows its committed records. */
  readonly #nexts = new Map<string, number>();

  constructor(options: {
    readonly name: string;
    readonly number: number;
    /** Whether it consists of batches, which an observer is shown. */
    readonly hasBatches: boolean;
    readonly onCommitted: (journal: number, batch: CommittedBatch) => void;
    /** So many records were stored that had been stored before. */
    readonly onRepeated: (records: number) => void;
    /** A reader got a segment that has not become part of the journal. */
    readonly onServedInVain: () => void;
  }) {
    this.name = options.name;
    this.number = options.number;
    this.#hasBatches = options.hasBatches;
    this.#onCommitted = options.onCommitted;
    this.#onRepeated = options.onRepeated;
    this.#onServedInVain = options.onServedInVain;
  }

  /** The end of what is committed. */
  get end(): number {
    return this.#tornAt ?? this.#end;
  }

  nextOf(producer: string): number {
    return this.#nexts.get(producer) ?? 0;
  }

  isCommitted(segment: Segment): boolean {
    return this.#committed.has(segment);
  }

  /** Everything that is committed, by offset, in its order. */
  get committedParts(): ReadonlyMap<number, Buffer> {
    return this.#parts;
  }

  /** Whether this batch is committed at its place. */
  hasBatch(begin: number, bytes: Uint8Array): boolean {
    return this.#parts.get(begin)?.equals(bytes) === true;
  }

  /** All members of a route have agreed on what this one has. */
  commit({ chain, end }: Replica): void {
    // Nobody can append until the journal goes on behind what the store has.
    if (end < this.storedEnd) return;
    if (end < this.#end) this.#tornAt = end;
    if (this.#tornAt !== null) {
      this.#tornAt = end;
      return;
    }
    let first = chain.length;
    while (first > 0 && (chain[first - 1]?.begin ?? 0) >= this.#end) first -= 1;
    for (const segment of chain.slice(first)) this.#add(segment);
    for (const segment of this.#servedEarly) {
      if (segment.begin >= this.#end) continue;
      this.#servedEarly.delete(segment);
      this.#onServedInVain();
    }
  }

  /** A broker has handed it, or a part of it, to a reader. */
  served(segment: Segment): void {
    if (!this.#committed.has(segment)) this.#servedEarly.add(segment);
  }

  #add(segment: Segment): void {
    this.#committed.add(segment);
    this.#servedEarly.delete(segment);
    let { begin } = segment;
    for (const bytes of segment.parts) {
      this.#parts.set(begin, bytes);
      if (this.#hasBatches) {
        this.#count(bytes);
        this.#onCommitted(this.number, { begin, bytes });
      }
      begin += bytes.length;
    }
    this.#end = segment.end;
  }

  #count(bytes: Buffer): void {
    if (bytes.length < BATCH_HEADER_BYTES) return;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const producer = readProducer(bytes, 16);
    const first = readCount(view, 24);
    const count = view.getUint32(12, true);
    const next = this.nextOf(producer);
    if (first < next) this.#onRepeated(Math.min(count, next - first));
    this.#nexts.set(producer, Math.max(next, first + count));
  }

  // --- the fragment store ---

  isStored(segment: Segment): boolean {
    return this.#uploaded.has(segment);
  }

  /** A broker has uploaded what it holds of what is committed. */
  store(segments: Iterable<Segment>, by: Ref, atNs: number): void {
    for (const segment of segments) {
      if (!this.#committed.has(segment) || this.#uploaded.has(segment)) continue;
      this.#uploaded.add(segment);
      this.#stored.push({ segment, atNs, by });
    }
    this.#stored.sort((a, b) => a.segment.begin - b.segment.begin);
  }

  /** What a broker sees of the store: what it has uploaded itself, and what was there when it last looked. */
  storedAt(offset: number, { broker, life }: Ref, lookedNs: number): Segment | null {
    const found = segmentAt(
      this.#stored.map(({ segment }) => segment),
      offset,
    );
    const stored = this.#stored.find(({ segment }) => segment === found);
    if (stored === undefined) return null;
    const isOwn = stored.by.broker === broker && stored.by.life === life;
    return isOwn || stored.atNs <= lookedNs ? found : null;
  }

  /** The segments of the store that a broker sees. */
  seenBy({ broker, life }: Ref, lookedNs: number): Segment[] {
    return this.#stored
      .filter(({ by, atNs }) => (by.broker === broker && by.life === life) || atNs <= lookedNs)
      .map(({ segment }) => segment);
  }

  /** Removes what was stored before then and ends up to there, but for the last of all. */
  trim({
    end,
    beforeNs,
    nowNs,
  }: {
    readonly end: number;
    readonly beforeNs: number;
    readonly nowNs: number;
  }): Segment[] {
    const kept = this.#stored.findIndex(({ segment, atNs }) => segment.end > end || atNs > beforeNs);
    const removed = this.#stored.splice(0, Math.max(0, Math.min(kept, this.#stored.length - 1)));
    const last = removed.at(-1);
    if (last !== undefined) this.#trims.push({ atNs: nowNs, end: last.segment.end });
    return removed.map(({ segment }) => segment);
  }

  /** The first offset that a broker knows of, and whether it has seen it in the store. */
  firstOf(ref: Ref, lookedNs: number): { readonly begin: number; readonly isStored: boolean } {
    const [stored] = this.seenBy(ref, lookedNs);
    const { chain, has, end } = ref.broker.replica(this.name);
    const trimmed = this.beginAt(lookedNs);
    const local = chain.find((segment) => has.has(segment) && segment.begin >= trimmed);
    const begin = Math.min(stored?.begin ?? end, local?.begin ?? end);
    return { begin, isStored: stored?.begin === begin };
  }

  /** Up to where it is trimmed. */
  get begin(): number {
    return this.#trims.at(-1)?.end ?? 0;
  }

  /** Up to where a broker that looked then knows it to be trimmed. */
  beginAt(lookedNs: number): number {
    return this.#trims.findLast(({ atNs }) => atNs <= lookedNs)?.end ?? 0;
  }

  get storedEnd(): number {
    return this.#stored.at(-1)?.segment.end ?? 0;
  }

  get stored(): Segment[] {
    return this.#stored.map(({ segment }) => segment);
  }
}
