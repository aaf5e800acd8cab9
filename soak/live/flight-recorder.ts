/**
 * The flight recorder of a soak: it keeps the history of the run without payloads in its folder, so that the end of a
 * run can be looked at afterwards (`soak/guarantee/recorded-history.ts` has the format and the reader).
 *
 * It never holds more than its bound: when there is no room, the oldest segment becomes one line of counts. Events are
 * in the file half a second after they were recorded, so killing this process loses no more than that. A file that
 * cannot be written is named, and from then on nothing is written; the run goes on.
 */

import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '../../src/core/assert.ts';
import type { Clock, Timer } from '../../src/core/clock.ts';
import { makeFoldersSync } from '../../src/core/folder.ts';
import type { EnginePromises } from '../../src/journal/promises.ts';
import { BatchReader } from '../guarantee/checkers/batch-reader.ts';
import type { LogEntry } from '../guarantee/history-log.ts';
import { loggedEvent } from '../guarantee/logged-event.ts';
import {
  COMPACTED_NAME,
  type CompactedEvents,
  compactedLine,
  countsOf,
  segmentName,
  sumOf,
} from '../guarantee/recorded-history.ts';

/** The most bytes of a run's history in its folder. */
export const HISTORY_BYTES_MAX: number = 64 * 1024 * 1024;
/**
 * Segments that fit into the bound. Two of them stay free: one for the segment that is being written, and one for the
 * counts of removed segments, with the copy of them that replaces the file.
 */
const SEGMENTS_PER_BOUND = 32;
/** Events are written after so long. */
const WRITE_MS = 500;
/** The most unwritten text, in UTF-16 units. More is written at once. */
const PENDING_LENGTH_MAX = 256 * 1024;
/** Removed segments have one line each up to this number. Then two lines become one. */
const COMPACTED_LINES_MAX = 512;

/** A segment, and the counts that remain when it is removed. */
type Segment = { readonly number: number; bytes: number; counts: CompactedEvents | null };

export class FlightRecorder {
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #bytesMax: number;
  readonly #segmentBytesMax: number;
  readonly #compactedLinesMax: number;
  readonly #onUnwritten: (line: string) => void;
  /** Shared by all who look at the same history, so that each batch is opened once. */
  readonly reader: BatchReader;
  /** The last segment is the one that is written. */
  readonly #segments: Segment[] = [];
  #compacted: CompactedEvents[] = [];
  #compactedBytes = 0;
  /** Of the last segment; null once it is closed. */
  #descriptor: number | null = null;
  /** Lines of the last segment that are not written yet. */
  #pending = '';
  #timer: Timer | null = null;
  #unwritten: string | null = null;
  #isClosed = false;

  /** Makes the folder. Throws when it cannot be made. */
  constructor(
    folder: string,
    options: {
      readonly clock: Clock;
      readonly onUnwritten?: (line: string) => void;
      readonly bytesMax?: number;
      readonly compactedLinesMax?: number;
      /** The promises of the engine whose batches are recorded; absent: those of the embedded engine. */
      readonly promises?: EnginePromises;
    },
  ) {
    this.#folder = folder;
    this.reader = new BatchReader(options.promises);
    this.#clock = options.clock;
    this.#onUnwritten = options.onUnwritten ?? (() => undefined);
    this.#bytesMax = options.bytesMax ?? HISTORY_BYTES_MAX;
    this.#segmentBytesMax = Math.floor(this.#bytesMax / SEGMENTS_PER_BOUND);
    this.#compactedLinesMax = options.compactedLinesMax ?? COMPACTED_LINES_MAX;
    makeFoldersSync(folder);
    this.#begin(1);
  }

  /** One line if not everything could be written. */
  get unwritten(): readonly string[] {
    return this.#unwritten === null ? [] : [this.#unwritten];
  }

  add(entry: LogEntry): void {
    assert(!this.#isClosed, 'a history that is closed takes no event');
    if (this.#unwritten !== null) return;
    const whole = `${JSON.stringify(loggedEvent(entry, this.reader))}\n`;
    const counts = countsOf(entry);
    // A line as long as a segment would leave no room for the earlier events.
    const wholeBytes = Buffer.byteLength(whole);
    const line = wholeBytes > this.#segmentBytesMax / 2 ? compactedLine(counts) : whole;
    const bytes = line === whole ? wholeBytes : Buffer.byteLength(line);
    if (this.#last.bytes + bytes > this.#segmentBytesMax && this.#last.bytes > 0) this.#try(() => this.#roll());
    this.#pending += line;
    const segment = this.#last;
    segment.bytes += bytes;
    segment.counts = segment.counts === null ? counts : sumOf(segment.counts, counts);
    if (this.#pending.length > PENDING_LENGTH_MAX) this.#try(() => this.#write());
    else this.#timer ??= this.#clock.after(WRITE_MS, () => this.#try(() => this.#write()));
  }

  /** Makes everything durable. */
  close(): void {
    if (this.#isClosed) return;
    this.#try(() => {
      this.#write();
      fsyncSync(this.#open);
    });
    this.#timer?.clear();
    this.#isClosed = true;
    // A file that was given up is open all the same.
    try {
      this.#closeSegment();
    } catch (error) {
      this.#giveUp(error);
    }
  }

  get #last(): Segment {
    const last = this.#segments.at(-1);
    assert(last !== undefined, 'a history has a segment that it is written to');
    return last;
  }

  get #open(): number {
    assert(this.#descriptor !== null, 'the last segment of a history is open');
    return this.#descriptor;
  }

  #begin(number: number): void {
    this.#descriptor = openSync(join(this.#folder, segmentName(number)), 'wx');
    this.#segments.push({ number, bytes: 0, counts: null });
  }

  #closeSegment(): void {
    const descriptor = this.#descriptor;
    // Closed or not, its number may be that of another file from now on.
    this.#descriptor = null;
    if (descriptor !== null) closeSync(descriptor);
  }

  /** Begins another segment, and makes room for all of it. */
  #roll(): void {
    this.#write();
    this.#closeSegment();
    this.#begin(this.#last.number + 1);
    this.#makeRoom();
  }

  #makeRoom(): void {
    const bound = this.#bytesMax - 2 * this.#segmentBytesMax;
    for (;;) {
      const bytes = this.#segments.reduce((sum, segment) => sum + segment.bytes, this.#compactedBytes);
      const [oldest] = this.#segments;
      if (bytes <= bound || oldest === undefined || oldest === this.#last) return;
      this.#compact(oldest);
    }
  }

  /** Writes the counts first: of a segment that is gone there is always a line. */
  #compact({ number, counts }: Segment): void {
    assert(counts !== null, 'a segment that is full has events');
    this.#compacted.push({ ...counts, firstSegment: number, lastSegment: number });
    if (this.#compacted.length > this.#compactedLinesMax) this.#compacted = inPairs(this.#compacted);
    const text = this.#compacted.map(compactedLine).join('');
    const path = join(this.#folder, COMPACTED_NAME);
    writeFileSync(`${path}.part`, text);
    renameSync(`${path}.part`, path);
    this.#compactedBytes = Buffer.byteLength(text);
    rmSync(join(this.#folder, segmentName(number)));
    this.#segments.shift();
  }

  #write(): void {
    this.#timer?.clear();
    this.#timer = null;
    const bytes = Buffer.from(this.#pending);
    this.#pending = '';
    for (let written = 0; written < bytes.length; ) {
      written += writeSync(this.#open, bytes, written);
    }
  }

  /** Gives the history up when the system refuses the work. */
  #try(work: () => void): void {
    if (this.#unwritten !== null) return;
    try {
      work();
    } catch (error) {
      this.#giveUp(error);
    }
  }

  #giveUp(error: unknown): void {
    if (typeof (error as { code?: unknown } | null)?.code !== 'string') throw error;
    this.#timer?.clear();
    if (this.#unwritten !== null) return;
    this.#unwritten = `cannot write ${this.#folder}: ${String(error)}`;
    this.#onUnwritten(this.#unwritten);
  }
}

function inPairs(lines: readonly CompactedEvents[]): CompactedEvents[] {
  return lines.flatMap((line, index) => {
    const next = lines[index + 1];
    if (index % 2 === 1) return [];
    return [next === undefined ? line : sumOf(line, next)];
  });
}
