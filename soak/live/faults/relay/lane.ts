/**
 * One direction of one connection. It reads from the source, and passes bytes on to the sink in order, when its mode
 * lets it. It holds no more than its share of the link's room. Then it stops reading, and the sender feels it.
 */

import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../../../src/core/clock.ts';
import type { Prng } from '../../../../src/core/prng.ts';
import type { MutableLane } from './counters.ts';
import { cutInFrame, FrameCursor } from './frame-cursor.ts';
import { type Direction, drops, type LinkMode } from './link-mode.ts';
import { type Pacing, pacingOf } from './pacing.ts';

/**
 * The most bytes that all connections of a link together hold in one direction before their sources are no longer read.
 */
export const HELD_BYTES_MAX: number = 4 * 1024 * 1024;

export type LaneOptions = {
  readonly direction: Direction;
  readonly source: Socket;
  readonly counters: MutableLane;
  readonly clock: Clock;
  readonly mode: LinkMode;
  readonly prng: Prng;
  /** How many of `length` bytes that are to pass now may pass before the connection is cut; null: all of them. */
  readonly cutAfter: (length: number) => number | null;
  /** All bytes that are to pass before the cut were handed to the sink. */
  readonly onCut: () => void;
  /** The source has ended, and all its bytes were passed on. `isReset`: it ended with an error. */
  readonly onPassed: (isReset: boolean) => void;
};

export class Lane {
  readonly #options: LaneOptions;
  readonly #cursor = new FrameCursor();
  #mode: LinkMode;
  #pacing: Pacing | null;
  #sink: Socket | null = null;
  #queue: Buffer[] = [];
  #queueBytes = 0;
  /** Bytes that the sink had not taken at the last look. */
  #sinkBytes = 0;
  #isSinkGone = false;
  #isCut = false;
  #end: 'open' | 'ended' | 'reset' | 'told' = 'open';
  #timer: Timer | null = null;
  /** Whether bytes of the lane have vanished, so that it can never go on. */
  hasDropped = false;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#mode = options.mode;
    this.#pacing = pacingOf(options.mode, options.prng);
    options.source.on('data', (bytes: Buffer) => this.#receive(bytes));
    options.source.on('end', () => this.#sourceEnded('ended'));
    options.source.on('error', () => this.#sourceEnded('reset'));
  }

  /** From now on bytes can be passed on. */
  attach(sink: Socket): void {
    this.#sink = sink;
    sink.on('drain', () => this.#pump());
    this.#pump();
  }

  set(mode: LinkMode): void {
    this.#mode = mode;
    this.#pacing = pacingOf(mode, this.#options.prng);
    this.#timer?.clear();
    this.#timer = null;
    // The new mode also applies to the bytes that already wait.
    this.#pacing?.arrive(this.#queueBytes, this.#options.clock.nowNs());
    if (this.#drops()) this.#dropQueue();
    this.#pump();
  }

  /** Updates the gauge of held bytes. */
  look(): void {
    this.#regulate();
  }

  /** Nobody takes what it passes on. Later bytes are lost, but still read, so that the end of the source is noticed. */
  sinkGone(): void {
    this.#isSinkGone = true;
    this.#timer?.clear();
    this.#timer = null;
    this.#options.counters.bytesLost += this.#queueBytes;
    this.#clear();
    this.#options.source.resume();
  }

  #drops(): boolean {
    return drops(this.#mode, this.#options.direction);
  }

  #isStalled(): boolean {
    return this.#mode.mode === 'stall' && this.#mode.directions.includes(this.#options.direction);
  }

  #receive(bytes: Buffer): void {
    const { counters, clock } = this.#options;
    if (this.#isSinkGone || this.#isCut) {
      counters.bytesLost += bytes.length;
    } else if (this.#drops()) {
      this.hasDropped = true;
      counters.bytesDropped += bytes.length;
    } else if (this.#pacing === null && !this.#isStalled() && this.#sink !== null && this.#queueBytes === 0) {
      this.#write(bytes);
      this.#regulate();
    } else {
      this.#queue.push(bytes);
      this.#queueBytes += bytes.length;
      counters.bytesHeld += bytes.length;
      if (this.#pacing !== null || this.#isStalled()) counters.bytesDelayed += bytes.length;
      this.#pacing?.arrive(bytes.length, clock.nowNs());
      this.#pump();
    }
  }

  #sourceEnded(how: 'ended' | 'reset'): void {
    if (this.#end !== 'open') return;
    this.#end = how;
    this.#pump();
  }

  /** Passes on what may pass now, and sets when to look again. */
  #pump(): void {
    this.#passHeld();
    this.#regulate();
    if (this.#queueBytes > 0 || this.#isStalled() || this.#drops()) return;
    if (this.#end === 'open' || this.#end === 'told') return;
    const isReset = this.#end === 'reset';
    this.#end = 'told';
    this.#options.onPassed(isReset);
  }

  #passHeld(): void {
    const { clock } = this.#options;
    while (this.#queueBytes > 0 && !this.#isStalled() && !this.#isCut && this.#sink?.writableNeedDrain === false) {
      const nowNs = clock.nowNs();
      const granted = this.#pacing?.grant(this.#queueBytes, nowNs) ?? this.#queueBytes;
      if (granted === 0) return this.#wakeAt(this.#pacing?.nextNs(this.#queueBytes) ?? nowNs, nowNs);
      for (const piece of this.#take(granted)) this.#write(piece);
    }
  }

  #wakeAt(atNs: number, nowNs: number): void {
    if (this.#timer !== null) return;
    this.#timer = this.#options.clock.after(Math.max(1, Math.ceil((atNs - nowNs) / 1e6)), () => {
      this.#timer = null;
      this.#pump();
    });
  }

  /** Takes so many bytes from the front of the queue. */
  #take(count: number): Buffer[] {
    const taken: Buffer[] = [];
    let left = count;
    while (left > 0) {
      const head = this.#queue[0];
      if (head === undefined) break;
      const piece = head.length <= left ? head : head.subarray(0, left);
      if (piece === head) this.#queue.shift();
      else this.#queue[0] = head.subarray(left);
      left -= piece.length;
      taken.push(piece);
    }
    this.#queueBytes -= count;
    this.#options.counters.bytesHeld -= count;
    return taken;
  }

  #write(bytes: Buffer): void {
    const { counters, cutAfter, onCut } = this.#options;
    if (this.#isCut) {
      counters.bytesLost += bytes.length;
      return;
    }
    const allowed = cutAfter(bytes.length);
    const cut = allowed === null ? null : cutInFrame(this.#cursor, bytes, allowed);
    const passing = cut === null ? bytes : bytes.subarray(0, cut);
    this.#cursor.advance(passing);
    counters.bytesPassed += passing.length;
    if (cut === null) {
      this.#sink?.write(passing);
      return;
    }
    this.#isCut = true;
    counters.bytesLost += bytes.length - cut;
    if (cut === 0) onCut();
    else this.#sink?.write(passing, () => onCut());
  }

  #dropQueue(): void {
    if (this.#queueBytes > 0) this.hasDropped = true;
    this.#options.counters.bytesDropped += this.#queueBytes;
    this.#clear();
  }

  #clear(): void {
    this.#options.counters.bytesHeld -= this.#queueBytes + this.#sinkBytes;
    this.#queue = [];
    this.#queueBytes = 0;
    this.#sinkBytes = 0;
  }

  /** Counts the bytes that wait at the sink, and reads from the source only while there is room. */
  #regulate(): void {
    const { counters, source } = this.#options;
    const sinkBytes = this.#isSinkGone ? 0 : (this.#sink?.writableLength ?? 0);
    counters.bytesHeld += sinkBytes - this.#sinkBytes;
    this.#sinkBytes = sinkBytes;
    const isFull = this.#sink?.writableNeedDrain === true && !this.#isSinkGone && !this.#drops();
    const hasNoRoom = this.#queueBytes > 0 && counters.bytesHeld >= HELD_BYTES_MAX;
    if (isFull || hasNoRoom) source.pause();
    else if (source.isPaused()) source.resume();
  }
}
