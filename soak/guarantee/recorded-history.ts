/**
 * The history of a run as it stands in a folder: lines of JSON in numbered segments, oldest first.
 *
 * | file | one line is |
 * | --- | --- |
 * | `000001.ndjson`, `000002.ndjson`, ... | an event (`logged-event.ts`), or the counts of events that were not kept |
 * | `compacted.ndjson`, once there is one | the counts of a segment that was removed to make room, or of several |
 *
 * Numbers of events run through all lines without a gap, so that a missing line or segment is noticed. Only the end of
 * the last segment may be torn, when its writer was killed. `compacted.ndjson` is replaced as a whole.
 */

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { asRecord, isCount } from '../../src/core/assert.ts';
import { OperatingError } from '../../src/core/errors.ts';
import { type Shape, conforms, nanoseconds, nullable, tableOf } from '../../src/core/shape.ts';
import type { LogEntry } from './history-log.ts';
import { type LoggedEvent, isLoggedEvent } from './logged-event.ts';

/** The counts of events that were not kept. */
export type CompactedEvents = {
  /** Segments that these counts stand for; null: events that were too long for a line. */
  readonly firstSegment: number | null;
  readonly lastSegment: number | null;
  readonly firstN: number;
  readonly lastN: number;
  /** Times of the first and the last event. */
  readonly fromNs: number;
  readonly toNs: number;
  /** By name of the event, how many there were. */
  readonly kinds: Readonly<Record<string, number>>;
};

export type RecordedLine =
  | { readonly what: 'event'; readonly event: LoggedEvent }
  | { readonly what: 'compacted'; readonly compacted: CompactedEvents }
  /** The last line of a run that was killed while writing it. */
  | { readonly what: 'torn'; readonly path: string; readonly byteLength: number };

export const COMPACTED_NAME: string = 'compacted.ndjson';
/** The folder of a history within the folder of its run. */
export const HISTORY_FOLDER: string = 'history';

const SEGMENT_NAME = /^(?<number>\d{6,})\.ndjson$/;

export function segmentName(number: number): string {
  return `${String(number).padStart(6, '0')}.ndjson`;
}

/** The counts of one event. */
export function countsOf({ n, event: { event, atNs } }: LogEntry): CompactedEvents {
  const segments = { firstSegment: null, lastSegment: null };
  return { ...segments, firstN: n, lastN: n, fromNs: atNs, toNs: atNs, kinds: { [event]: 1 } };
}

/** The counts of two consecutive ones together. */
export function sumOf(one: CompactedEvents, next: CompactedEvents): CompactedEvents {
  const kinds: Record<string, number> = { ...one.kinds };
  for (const [kind, count] of Object.entries(next.kinds)) kinds[kind] = (kinds[kind] ?? 0) + count;
  const { lastSegment, lastN, toNs } = next;
  return { ...one, lastSegment, lastN, toNs, kinds };
}

/** The line of these counts, with its line feed. */
export function compactedLine(compacted: CompactedEvents): string {
  return `${JSON.stringify({ compacted })}\n`;
}

const COMPACTED: Shape<CompactedEvents> = {
  firstSegment: nullable(isCount),
  lastSegment: nullable(isCount),
  firstN: isCount,
  lastN: isCount,
  fromNs: nanoseconds,
  toNs: nanoseconds,
  kinds: tableOf(isCount),
};

/**
 * Everything that a folder has of its history, in order. Throws OperatingError ERR_HISTORY_DAMAGED, with the file and
 * the line, for everything that a recorder does not write, and ERR_NO_HISTORY when there is no history.
 */
export function* readHistory(folder: string): Generator<RecordedLine> {
  const segments = existsSync(folder) ? segmentsOf(folder) : [];
  if (segments.length === 0) throw new OperatingError('ERR_NO_HISTORY', `there is no history in ${folder}`);
  let nextN = 1;
  let removedThrough = 0;
  const compacted = join(folder, COMPACTED_NAME);
  for (const { recorded, where } of existsSync(compacted) ? readLines(compacted, false) : []) {
    nextN = after(recorded, nextN, where);
    if (recorded.what === 'compacted') removedThrough = recorded.compacted.lastSegment ?? removedThrough;
    yield recorded;
  }
  // A killed recorder may have counted a segment without having had the time to remove it.
  const kept = segments.filter((number) => number > removedThrough);
  for (const [index, number] of kept.entries()) {
    const path = join(folder, segmentName(number));
    if (number !== removedThrough + index + 1) throw damaged(path, 'the segment before it is missing');
    for (const { recorded, where } of readLines(path, index === kept.length - 1)) {
      nextN = after(recorded, nextN, where);
      yield recorded;
    }
  }
}

function segmentsOf(folder: string): number[] {
  return readdirSync(folder)
    .flatMap((name) => SEGMENT_NAME.exec(name)?.groups?.['number'] ?? [])
    .map(Number)
    .toSorted((one, other) => one - other);
}

/** `where`: the path with the number of the line. */
type ReadLine = { readonly where: string; readonly recorded: RecordedLine };

function* readLines(path: string, mayBeTorn: boolean): Generator<ReadLine> {
  const lines = readFileSync(path, 'utf8').split('\n');
  const rest = lines.pop() ?? '';
  for (const [index, line] of lines.entries()) {
    const where = `${path}:${index + 1}`;
    const recorded = parse(line);
    if (recorded === null) throw damaged(where, 'not a line of a history');
    yield { where, recorded };
  }
  if (rest === '') return;
  const where = `${path}:${lines.length + 1}`;
  if (!mayBeTorn) throw damaged(where, 'it has no end');
  yield { where, recorded: { what: 'torn', path, byteLength: Buffer.byteLength(rest) } };
}

function parse(line: string): RecordedLine | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (isLoggedEvent(value)) return { what: 'event', event: value };
  const compacted = asRecord(value)?.['compacted'];
  return isCompactedEvents(compacted) ? { what: 'compacted', compacted } : null;
}

export function isCompactedEvents(value: unknown): value is CompactedEvents {
  return conforms(value, COMPACTED);
}

/** The number that comes after this line. The line must have the number `nextN`. */
function after(recorded: RecordedLine, nextN: number, where: string): number {
  if (recorded.what === 'torn') return nextN;
  const [firstN, lastN] =
    recorded.what === 'event'
      ? [recorded.event.n, recorded.event.n]
      : [recorded.compacted.firstN, recorded.compacted.lastN];
  if (firstN !== nextN) throw damaged(where, `event ${nextN} should stand here, and not ${firstN}`);
  if (recorded.what === 'compacted' && lastN - firstN + 1 !== countOf(recorded.compacted)) {
    throw damaged(where, `events ${firstN} to ${lastN} are not so many as it counts`);
  }
  return lastN + 1;
}

/** The number of counted events. */
export function countOf({ kinds }: CompactedEvents): number {
  return Object.values(kinds).reduce((total, count) => total + count, 0);
}

function damaged(where: string, what: string): OperatingError {
  return new OperatingError('ERR_HISTORY_DAMAGED', `the history is damaged at ${where}: ${what}`);
}
