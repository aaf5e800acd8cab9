/**
 * Keeps the whole history of a soak in its folder, payloads included, so that `audit` can judge it again
 * (`soak/guarantee/whole-history.ts` has the format and the reader).
 *
 * It writes in the background and holds no more than its bound. When the disk is slower than the run, or has too little
 * room, events are left out: they are counted in their place, and one line says so at the end. The verdict of the run
 * does not depend on them. When a file cannot be written, or there is no room for the first one, the recorder gives up
 * and says so (`unwritten`). Such a run does not hold, because something that it was asked for is missing.
 */

import { type FileHandle, open } from 'node:fs/promises';
import { statfsSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '../../src/core/assert.ts';
import { type Clock, type Timer, delay } from '../../src/core/clock.ts';
import { makeFoldersSync } from '../../src/core/folder.ts';
import { formatBytes, formatCount } from '../../src/core/units.ts';
import type { LogEntry } from '../guarantee/history-log.ts';
import { SEGMENT_HEADER_BYTES, frameBytes, frameEnds, segmentHeader } from '../guarantee/history-frames.ts';
import { type CompactedEvents, compactedLine, countsOf, sumOf } from '../guarantee/recorded-history.ts';
import { type WholeLine, wholeLine } from '../guarantee/whole-event.ts';
import { closedLine, wholeSegmentName } from '../guarantee/whole-history.ts';

/** Events are written after this time. */
const WRITE_MS = 500;
/** A frame of this size is written at once. */
const FRAME_BYTES = 256 * 1024;
const SEGMENT_BYTES_MAX = 256 * 1024 * 1024;
/** The most unwritten bytes. Further events are left out. */
const PENDING_BYTES_MAX = 64 * 1024 * 1024;
/** The memory of a waiting entry without its payload. */
const ENTRY_BYTES = 256;
/** The room on the disk that is left to the pipeline under test. */
const ROOM_BYTES_MIN = 512 * 1024 * 1024;
/** How long the end waits for the disk. */
const CLOSE_MS = 30_000;

/** A file that is written from its beginning to its end. */
export interface SegmentFile {
  write(parts: readonly Uint8Array[]): Promise<void>;
  close(): Promise<void>;
}
/** Null: the disk has no room for it. */
export type OpenSegment = (path: string) => Promise<SegmentFile | null>;

/** The text and payloads of a frame that waits to be written. */
type Body = { readonly bytes: Buffer; readonly textBytes: number };

export class WholeRecorder {
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #onUnwritten: (line: string) => void;
  readonly #openSegment: OpenSegment;
  readonly #pendingBytesMax: number;
  readonly #segmentBytesMax: number;
  /** The lines of the frame that grows. */
  #lines: WholeLine[] = [];
  #growingBytes = 0;
  /** Frames that wait to be written, oldest first. The one that is being written is included. */
  readonly #queue: Body[] = [];
  #queuedBytes = 0;
  #segment: SegmentFile | null = null;
  #segmentNumber = 0;
  #segmentBytes = 0;
  #chain = 0;
  #isWriting = false;
  /** The current or last writing. Never rejects for an error of the disk. */
  #writing: Promise<void> = Promise.resolve();
  #timer: Timer | null = null;
  /** Events that were left out and have no line yet. */
  #dropping: CompactedEvents | null = null;
  #events = 0;
  #droppedEvents = 0;
  #isFull = false;
  #isLate = false;
  #unwritten: string | null = null;
  #isClosed = false;

  /** Makes the folder. Throws when it cannot be made. */
  constructor(
    folder: string,
    options: {
      readonly clock: Clock;
      readonly onUnwritten?: (line: string) => void;
      readonly openSegment?: OpenSegment;
      readonly pendingBytesMax?: number;
      readonly segmentBytesMax?: number;
    },
  ) {
    this.#folder = folder;
    this.#clock = options.clock;
    this.#onUnwritten = options.onUnwritten ?? (() => undefined);
    this.#openSegment = options.openSegment ?? openSegmentFile;
    this.#pendingBytesMax = options.pendingBytesMax ?? PENDING_BYTES_MAX;
    this.#segmentBytesMax = options.segmentBytesMax ?? SEGMENT_BYTES_MAX;
    makeFoldersSync(folder);
  }

  /** One line if the system refused to write. */
  get unwritten(): readonly string[] {
    return this.#unwritten === null ? [] : [this.#unwritten];
  }

  /** One line if events were left out, or not written in time. Complete after `close`. */
  get remarks(): readonly string[] {
    const remarks: string[] = [];
    if (this.#droppedEvents > 0) {
      const which = `${formatCount(this.#droppedEvents)} of ${formatCount(this.#events)} events`;
      const why = this.#isFull ? `the disk had less than ${formatBytes(ROOM_BYTES_MIN)} left` : 'the disk was too slow';
      remarks.push(`${this.#folder} lacks ${which}: ${why}`);
    }
    if (this.#isLate) {
      remarks.push(`${this.#folder} lacks its end: the disk did not write it within ${CLOSE_MS / 1e3} s`);
    }
    return remarks;
  }

  add(entry: LogEntry): void {
    assert(!this.#isClosed, 'a history that is closed takes no event');
    this.#events += 1;
    if (this.#unwritten !== null) return;
    const line = wholeLine(entry);
    const bytes = bytesOf(line);
    if (!this.#hasRoomFor(bytes)) return this.#drop(entry);
    this.#tellDropped();
    this.#push(line, bytes);
  }

  /** Writes what is left. Resolves when it is durable, given up or late. Never rejects for an error of the disk. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#tellDropped();
    const line = { text: closedLine(this.#events), payloads: [] };
    this.#push(line, bytesOf(line));
    this.#seal();
    const ended = new AbortController();
    const late = delay(this.#clock, CLOSE_MS, ended.signal).then(() => 'late' as const);
    const outcome = await Promise.race([this.#written(), late]);
    ended.abort();
    if (outcome === 'late') {
      this.#isLate = true;
      // No other frame is begun.
      this.#queue.length = 0;
    }
  }

  async #written(): Promise<void> {
    await this.#writing;
    try {
      await this.#segment?.close();
    } catch (error) {
      this.#giveUp(error);
    }
    this.#segment = null;
  }

  #hasRoomFor(bytes: number): boolean {
    if (this.#isFull) return false;
    const pending = this.#queuedBytes + this.#growingBytes;
    // After a loss, half of the room must be free before events are kept again.
    const bound = this.#dropping === null ? this.#pendingBytesMax : this.#pendingBytesMax / 2;
    return pending + bytes <= bound;
  }

  #drop(entry: LogEntry): void {
    const counts = countsOf(entry);
    this.#droppedEvents += 1;
    this.#dropping = this.#dropping === null ? counts : sumOf(this.#dropping, counts);
  }

  #tellDropped(): void {
    if (this.#dropping === null) return;
    const line = { text: compactedLine(this.#dropping).trimEnd(), payloads: [] };
    this.#dropping = null;
    this.#push(line, bytesOf(line));
  }

  #push(line: WholeLine, bytes: number): void {
    this.#lines.push(line);
    this.#growingBytes += bytes;
    if (this.#growingBytes >= FRAME_BYTES) this.#seal();
    else this.#timer ??= this.#clock.after(WRITE_MS, () => this.#seal());
  }

  #seal(): void {
    this.#timer?.clear();
    this.#timer = null;
    if (this.#lines.length === 0 || this.#unwritten !== null) return;
    const text = Buffer.from(`${this.#lines.map((line) => line.text).join('\n')}\n`, 'utf8');
    const bytes = Buffer.concat([text, ...this.#lines.flatMap(({ payloads }) => payloads)]);
    this.#lines = [];
    this.#growingBytes = 0;
    this.#queue.push({ bytes, textBytes: text.length });
    this.#queuedBytes += bytes.length;
    if (this.#isWriting) return;
    this.#isWriting = true;
    this.#writing = this.#write();
  }

  /** Writes until the queue is empty or writing fails. */
  async #write(): Promise<void> {
    try {
      for (let body = this.#queue[0]; body !== undefined; body = this.#queue[0]) {
        const segment = await this.#segmentFor(frameBytes(body.bytes.length));
        if (segment === null) return this.#giveUpFor(`there is no room for ${this.#folder}`);
        const { header, end, chain } = frameEnds(body.bytes, body.textBytes, this.#chain);
        await segment.write([header, body.bytes, end]);
        this.#chain = chain;
        this.#segmentBytes += frameBytes(body.bytes.length);
        this.#queue.shift();
        this.#queuedBytes -= body.bytes.length;
      }
    } catch (error) {
      this.#giveUp(error);
    } finally {
      this.#isWriting = false;
    }
  }

  /** The segment for the next frame. Null: there is no open one, and no room for another. */
  async #segmentFor(bytes: number): Promise<SegmentFile | null> {
    const before = this.#segment;
    if (before !== null && (this.#isFull || this.#segmentBytes + bytes <= this.#segmentBytesMax)) return before;
    const next = await this.#openSegment(join(this.#folder, wholeSegmentName(this.#segmentNumber + 1)));
    if (next === null) {
      // Frames that wait still go into the old segment.
      this.#isFull = true;
      return before;
    }
    await before?.close();
    this.#segment = next;
    this.#segmentNumber += 1;
    const { header, chain } = segmentHeader(this.#segmentNumber, this.#chain);
    await next.write([header]);
    this.#chain = chain;
    this.#segmentBytes = SEGMENT_HEADER_BYTES;
    return next;
  }

  #giveUp(error: unknown): void {
    if (typeof (error as { code?: unknown } | null)?.code !== 'string') throw error;
    this.#giveUpFor(`cannot write ${this.#folder}: ${String(error)}`);
  }

  #giveUpFor(line: string): void {
    this.#queue.length = 0;
    this.#queuedBytes = 0;
    this.#lines = [];
    this.#growingBytes = 0;
    this.#timer?.clear();
    if (this.#unwritten !== null) return;
    this.#unwritten = line;
    this.#onUnwritten(line);
  }
}

/** The memory of a waiting line. */
function bytesOf({ text, payloads }: WholeLine): number {
  return ENTRY_BYTES + text.length + payloads.reduce((sum, { length }) => sum + length, 0);
}

async function openSegmentFile(path: string): Promise<SegmentFile | null> {
  const { bavail, bsize } = statfsSync(join(path, '..'));
  if (bavail * bsize < ROOM_BYTES_MIN) return null;
  const file = await open(path, 'wx');
  return {
    write: (parts) => writeAll(file, parts),
    close: async () => {
      try {
        await file.datasync();
      } finally {
        await file.close();
      }
    },
  };
}

async function writeAll(file: FileHandle, parts: readonly Uint8Array[]): Promise<void> {
  for (const part of parts) {
    for (let written = 0; written < part.length; ) {
      written += (await file.write(part, written)).bytesWritten;
    }
  }
}
