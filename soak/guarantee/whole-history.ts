/**
 * The whole history of a run in its folder: everything that the checkers were shown, in segments of frames
 * (`history-frames.ts`), oldest first: `000001.frames`, `000002.frames`, ...
 *
 * A line of a frame is one of three: an event (`whole-event.ts`), the counts of events that were not kept, or `closed`,
 * which the recorder writes last. The numbers of events run through all lines without a gap. A history without `closed`
 * is that of a run that was killed or still goes on.
 */

import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { asRecord, isCount } from '../../src/core/assert.ts';
import { OperatingError } from '../../src/core/errors.ts';
import type { EnginePromises } from '../../src/journal/promises.ts';
import { type Shape, conforms } from '../../src/core/shape.ts';
import { BatchLineReader } from './batch-line.ts';
import { BatchReader } from './checkers/batch-reader.ts';
import type { LogEntry } from './history-log.ts';
import { type Frame, FrameReader, damaged } from './history-frames.ts';
import { loggedEvent } from './logged-event.ts';
import { type CompactedEvents, type RecordedLine, countOf, isCompactedEvents } from './recorded-history.ts';
import { batchEntry, wholeEntry } from './whole-event.ts';

/** The folder of a whole history within that of its run. */
export const WHOLE_FOLDER: string = 'history-full';

export type WholeRead =
  | { readonly what: 'event'; readonly entry: LogEntry }
  | { readonly what: 'dropped'; readonly dropped: CompactedEvents }
  /** `events`: how many the recorder was given. */
  | { readonly what: 'closed'; readonly events: number }
  /** The part of its last frame that a recorder had written when it was killed. */
  | { readonly what: 'torn'; readonly path: string; readonly byteLength: number };

type Closed = { readonly events: number };
const CLOSED: Shape<Closed> = { events: isCount };

const SEGMENT_NAME = /^(?<number>\d{6,})\.frames$/;

export function wholeSegmentName(number: number): string {
  return `${String(number).padStart(6, '0')}.frames`;
}

export function closedLine(events: number): string {
  return JSON.stringify({ closed: { events } });
}

export function hasWholeHistory(folder: string): boolean {
  return existsSync(folder) && segmentsOf(folder).length > 0;
}

/** 0 when there is no history. */
export function wholeHistoryBytes(folder: string): number {
  const segments = existsSync(folder) ? segmentsOf(folder) : [];
  return segments.reduce((bytes, number) => bytes + statSync(join(folder, wholeSegmentName(number))).size, 0);
}

/**
 * All of a whole history, in order. Throws an OperatingError ERR_HISTORY_DAMAGED, with the file and the byte, for
 * anything that no recorder writes, and ERR_NO_HISTORY when there is none.
 */
export function* readWholeHistory(folder: string): Generator<WholeRead> {
  const segments = existsSync(folder) ? segmentsOf(folder) : [];
  if (segments.length === 0) throw new OperatingError('ERR_NO_HISTORY', `there is no whole history in ${folder}`);
  const frames = new FrameReader();
  const lines = new LineReader();
  let nextN = 1;
  let isClosed = false;
  for (const [index, number] of segments.entries()) {
    const path = join(folder, wholeSegmentName(number));
    if (number !== index + 1) throw damaged(path, 'the segment before it is missing');
    for (const read of frames.read(path, number)) {
      if (isClosed) throw damaged(path, 'the history goes on after its end');
      if (read.what === 'torn') {
        if (index < segments.length - 1) throw damaged(path, 'it ends within a frame, and is not the last segment');
        yield read;
        continue;
      }
      lines.start(read.frame, read.where);
      for (let line = lines.next(); line !== null; line = lines.next()) {
        if (isClosed) throw damaged(read.where, 'the history goes on after its end');
        nextN = after(line, nextN, read.where);
        isClosed ||= line.what === 'closed';
        yield line;
      }
    }
  }
}

/**
 * The same history without payloads, as a flight recorder would have kept it. `promises`: those of the engine of the
 * run's journals.
 */
export function* tellWholeHistory(folder: string, promises?: EnginePromises): Generator<RecordedLine> {
  const reader = new BatchReader(promises);
  for (const read of readWholeHistory(folder)) {
    if (read.what === 'event') yield { what: 'event', event: loggedEvent(read.entry, reader) };
    else if (read.what === 'dropped') yield { what: 'compacted', compacted: read.dropped };
    else if (read.what === 'torn') yield read;
  }
}

function segmentsOf(folder: string): number[] {
  return readdirSync(folder)
    .flatMap((name) => SEGMENT_NAME.exec(name)?.groups?.['number'] ?? [])
    .map(Number)
    .toSorted((one, other) => one - other);
}

const LINE_FEED = 0x0a;
const NOTHING = Buffer.alloc(0);

/** Reads the lines of one frame after the other. No generator: it is called for each event of a history. */
class LineReader {
  readonly #batches = new BatchLineReader();
  #text: Buffer = NOTHING;
  #payloads: Buffer = NOTHING;
  #where = '';
  #at = 0;
  #taken = 0;

  start({ text, payloads }: Frame, where: string): void {
    this.#text = text;
    this.#payloads = payloads;
    this.#where = where;
    this.#at = 0;
    this.#taken = 0;
  }

  /** Null behind the last line of the frame. */
  next(): WholeRead | null {
    const begin = this.#at;
    if (begin === this.#text.length) {
      if (this.#taken === this.#payloads.length) return null;
      throw damaged(this.#where, 'a frame has more bytes than its lines say');
    }
    const end = this.#text.indexOf(LINE_FEED, begin);
    const line = end < 0 ? null : this.#parsed(begin, end);
    if (line === null) throw damaged(this.#where, 'a line of this frame is no line of a history');
    this.#at = end + 1;
    return line;
  }

  #parsed(begin: number, end: number): WholeRead | null {
    if (!this.#batches.read(this.#text, begin, end)) return parsed(this.#text.toString('utf8', begin, end), this.#take);
    const entry = batchEntry(this.#batches.fields, this.#take);
    return entry === null ? null : { what: 'event', entry };
  }

  readonly #take = (byteLength: number): Uint8Array | null => {
    const from = this.#taken;
    if (this.#payloads.length - from < byteLength) return null;
    this.#taken = from + byteLength;
    return this.#payloads.subarray(from, this.#taken);
  };
}

function parsed(text: string, take: (byteLength: number) => Uint8Array | null): WholeRead | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const entry = wholeEntry(value, take);
  if (entry !== null) return { what: 'event', entry };
  const { compacted, closed } = asRecord(value) ?? {};
  if (isCompactedEvents(compacted)) return { what: 'dropped', dropped: compacted };
  return conforms(closed, CLOSED) ? { what: 'closed', events: closed.events } : null;
}

/** The number after this line. The line's own number must be the next one. */
function after(line: WholeRead, nextN: number, where: string): number {
  if (line.what === 'torn') return nextN;
  if (line.what === 'closed') {
    if (line.events === nextN - 1) return nextN;
    throw damaged(where, `${line.events} events were recorded, and ${nextN - 1} are here`);
  }
  const [firstN, lastN] =
    line.what === 'event' ? [line.entry.n, line.entry.n] : [line.dropped.firstN, line.dropped.lastN];
  if (firstN !== nextN) throw damaged(where, `event ${nextN} should stand here, and not ${firstN}`);
  if (line.what === 'dropped' && lastN - firstN + 1 !== countOf(line.dropped)) {
    throw damaged(where, `events ${firstN} to ${lastN} are not so many as it counts`);
  }
  return lastN + 1;
}
