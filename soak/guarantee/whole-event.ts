/**
 * An event of a history with its payload: a line of JSON, and the bytes that the line leaves out. A whole history is
 * recorded in this form, so that the checkers can judge it again.
 *
 * The line is that of `logged-event.ts`, with these differences. The event `said` of a chunker keeps its histograms. A
 * `batch` has its place and the number of its bytes, which follow the line. A `checkpoint` has all open files and, for
 * each part of its outbox, the first index and the number of bytes; the sums follow the line.
 */

import { asRecord, isCount } from '../../src/core/assert.ts';
import { type Check, listOf, objectOf } from '../../src/core/shape.ts';
import { SUM_BYTES } from '../../src/message/sum.ts';
import type { BatchFields } from './batch-line.ts';
import type { HistoryEvent } from './history.ts';
import type { LogEntry } from './history-log.ts';
import { type LoggedBatch, type LoggedCheckpoint, isLoggedEvent } from './logged-event.ts';

type CheckpointEvent = Extract<HistoryEvent, { event: 'checkpoint' }>;
type OutboxPlace = { readonly first: number; readonly byteLength: number };

/** `text` has no line feed. `payloads` follow it, in this order, and are not copied. */
export type WholeLine = { readonly text: string; readonly payloads: readonly Uint8Array[] };

/** Returns the next bytes behind the lines; null when there are fewer. */
export type TakeBytes = (byteLength: number) => Uint8Array | null;

export function wholeLine({ n, event, cause }: LogEntry): WholeLine {
  const place = cause === undefined ? { n } : { n, cause };
  if (event.event === 'batch') {
    const { bytes, ...rest } = event;
    return { text: JSON.stringify({ ...place, ...rest, byteLength: bytes.length }), payloads: [bytes] };
  }
  if (event.event === 'checkpoint') {
    const { outbox, openFiles, ...rest } = event;
    const payloads = outbox.map(({ sums }) => sums);
    const bytes = payloads.reduce((sum, { length }) => sum + length, 0);
    const counts = { openFileCount: Object.keys(openFiles).length, unpublishedCount: Math.floor(bytes / SUM_BYTES) };
    const places = outbox.map(({ first, sums }): OutboxPlace => ({ first, byteLength: sums.length }));
    return { text: JSON.stringify({ ...place, ...rest, ...counts, openFiles, outbox: places }), payloads };
  }
  return { text: JSON.stringify({ ...place, ...event }), payloads: [] };
}

const isOutbox: Check = listOf(objectOf<OutboxPlace>({ first: isCount, byteLength: isCount }));

/** The entry of a parsed line. Null when the line is not an entry or its bytes are missing. */
export function wholeEntry(value: unknown, take: TakeBytes): LogEntry | null {
  if (!isLoggedEvent(value)) return null;
  const { n, cause, ...told } = value;
  const event =
    told.event === 'batch'
      ? withBytes(told, take)
      : told.event === 'checkpoint'
        ? withOutbox(told, asRecord(value)?.['outbox'], take)
        : (told as HistoryEvent);
  if (event === null) return null;
  return cause === undefined ? { n, event } : { n, event, cause };
}

/** The entry of the line of a batch, whose fields were checked (`batch-line.ts`). Null when its bytes are missing. */
export function batchEntry(fields: BatchFields, take: TakeBytes): LogEntry | null {
  const { n, atNs, journal, begin, end, stampNs, byteLength } = fields;
  const bytes = take(byteLength);
  return bytes === null ? null : { n, event: { atNs, event: 'batch', journal, begin, end, stampNs, bytes } };
}

function withBytes({ byteLength, ...rest }: LoggedBatch, take: TakeBytes): HistoryEvent | null {
  const bytes = take(byteLength);
  return bytes === null ? null : { ...rest, bytes };
}

function withOutbox(logged: LoggedCheckpoint, places: unknown, take: TakeBytes): CheckpointEvent | null {
  const { openFileCount, openFiles, unpublishedCount: _, ...rest } = logged;
  if (openFiles === undefined || Object.keys(openFiles).length !== openFileCount || !isOutbox(places)) return null;
  const outbox: { first: number; sums: Uint8Array }[] = [];
  for (const { first, byteLength } of places as readonly OutboxPlace[]) {
    const sums = take(byteLength);
    if (sums === null) return null;
    outbox.push({ first, sums });
  }
  return { ...rest, openFiles, outbox };
}
