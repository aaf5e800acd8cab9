/** Shared by the tests of the checkers: running one checker, and changing the events of a history. */

import { crc32c } from '../../../../src/hash/crc32c.ts';
import { SUMS_JOURNAL, chunkJournal } from '../../../../src/journal/journals.ts';
import { type Batch, type BatchHeader, decodeBatch } from '../../../../src/message/batch.ts';
import { forgeBatch } from '../../../../src/message/testing/forge.ts';
import type { BatchEvent } from '../batch-reader.ts';
import type { Checker, HistoryEvent } from '../../history.ts';
import type { Finding } from '../../violation.ts';

export type Found = {
  readonly kinds: readonly string[];
  readonly violations: readonly Finding[];
  readonly inconclusive: readonly string[];
};

export function run(checker: Checker, events: Iterable<HistoryEvent>): Found {
  for (const event of events) checker.observe(event);
  const { violations, inconclusive } = checker.finish();
  return { kinds: [...new Set(violations.map(({ kind }) => kind))], violations, inconclusive };
}

/** The events as if their writer had never written the removed events, and had written the added ones. */
export function recounted(events: readonly HistoryEvent[]): HistoryEvent[] {
  return events.map((event, place) => (event.event === 'end' ? { ...event, events: place } : event));
}

export function isChunks(event: HistoryEvent): event is BatchEvent {
  return event.event === 'batch' && event.journal !== SUMS_JOURNAL;
}

export function isSums(event: HistoryEvent): event is BatchEvent {
  return event.event === 'batch' && event.journal === SUMS_JOURNAL;
}

/**
 * The events as if the first chunker that drains had died for good instead: somebody else has ended it, and it was told
 * of no end.
 */
export function retired(events: readonly HistoryEvent[]): { events: HistoryEvent[]; producer: string } {
  const drained = events.find((event) => event.event === 'drained');
  if (drained?.event !== 'drained') throw new Error('somebody has drained');
  const { producer, process } = drained;
  const ends = new Map(
    events.filter(isChunks).flatMap((event) => {
      const { kind, producer: of, firstIndex } = decoded(event);
      return kind === 'end' && of === producer ? [[event.journal, firstIndex] as const] : [];
    }),
  );
  const changed = events.map((event): HistoryEvent => {
    if (event === drained) return { event: 'retired', atNs: event.atNs, process, producer };
    if (event.event !== 'acknowledged' || event.producer !== producer) return event;
    const end = ends.get(chunkJournal(event.partition)) ?? Number.POSITIVE_INFINITY;
    return { ...event, through: Math.min(event.through, end) };
  });
  return { events: changed, producer };
}

/** The place of the `which`-th fitting event (from 0, counted around). */
export function placeOf(
  events: readonly HistoryEvent[],
  fits: (event: HistoryEvent) => boolean,
  which: number,
): number {
  const places = events.flatMap((event, place) => (fits(event) ? [place] : []));
  const place = places[which % places.length];
  if (place === undefined) throw new Error('no event fits');
  return place;
}

/** The events, with one of them replaced by others. */
export function replaced<Event extends HistoryEvent>(
  events: readonly HistoryEvent[],
  fits: (event: HistoryEvent) => event is Event,
  which: number,
  replace: (event: Event) => readonly HistoryEvent[],
): HistoryEvent[] {
  const place = placeOf(events, fits, which);
  const event = events[place];
  if (event === undefined || !fits(event)) throw new Error('the event fits');
  return events.toSpliced(place, 1, ...replace(event));
}

export function decoded({ bytes, journal }: BatchEvent): Batch {
  const batch = decodeBatch(bytes, journal, crc32c);
  if ('fault' in batch) throw new Error(batch.fault);
  return batch;
}

/** The same batch with another header or payload, and a new checksum. */
export function resealed(event: BatchEvent, change: Partial<BatchHeader & { payload: Uint8Array }>): BatchEvent {
  const { payload, ...header } = { ...decoded(event), ...change };
  const bytes = forgeBatch(header, payload, event.journal);
  return { ...event, bytes, end: event.begin + bytes.length };
}

/** A copy with one bit changed, anywhere in it. */
export function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const at = Math.floor(bit / 8) % bytes.length;
  copy[at] = (copy[at] ?? 0) ^ (1 << (bit % 8));
  return copy;
}
