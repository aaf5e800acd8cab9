/**
 * Writes lines to a descriptor of this process: its log, its standard output, the channel to its supervisor. A line has
 * left the process when `write` returns, unless the reader is slow. Then the line waits here, within a bound, and is
 * written when there is room, or by `flush`.
 *
 * It never throws and never waits for a reader. When a disk is full, a pipe is closed, or a terminal is gone or
 * stopped, the lines that cannot be written are dropped and counted. A line that broke off is ended before the next
 * line.
 */

import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { attempt } from '../core/log.ts';

export type DescriptorWriterOptions = {
  readonly descriptor: number;
  /** Bytes that may wait for a reader. When they are reached, a new line is dropped. */
  readonly pendingBytesMax: number;
};

/** How soon it writes again to a reader without room. */
const RETRY_MS = 10;
/** Errors that mean that the reader is gone for good. */
const GONE: ReadonlySet<string> = new Set(['EPIPE', 'ECONNRESET', 'EIO', 'EBADF', 'ENOTCONN']);

export class DescriptorWriter {
  readonly #descriptor: number;
  readonly #pendingBytesMax: number;
  readonly #pending: Buffer[] = [];
  #pendingBytes = 0;
  /** Bytes already written of the first waiting line. */
  #written = 0;
  /** The last line that was written broke off. */
  #isTorn = false;
  #dropped = 0;
  #retry: NodeJS.Timeout | null = null;
  #onGone: ((error: Error) => void) | null = null;

  constructor({ descriptor, pendingBytesMax }: DescriptorWriterOptions) {
    this.#descriptor = withoutWaiting(descriptor);
    this.#pendingBytesMax = pendingBytesMax;
  }

  /** Lines that were not written, or not written whole. */
  get dropped(): number {
    return this.#dropped;
  }

  /** `listener` is called once, when the reader is found to be gone. */
  on(_event: 'error', listener: (error: Error) => void): void {
    this.#onGone = listener;
  }

  /** `line` includes its line feed. */
  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#pendingBytes > 0 && this.#pendingBytes + bytes.length > this.#pendingBytesMax) {
      this.#dropped += 1;
      return;
    }
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    this.#pump();
  }

  /** Waits at most `waitMs` until everything is written or dropped. The last step of a process. */
  flush(waitMs: number): void {
    const endMs = performance.now() + waitMs;
    const cell = new Int32Array(new SharedArrayBuffer(4));
    while (!this.#pump() && performance.now() < endMs) Atomics.wait(cell, 0, 0, RETRY_MS);
  }

  /** Writes as much as there is room for. Returns whether nothing waits any more. */
  #pump(): boolean {
    for (let head = this.#pending[0]; head !== undefined; head = this.#pending[0]) {
      if (this.#isTorn && this.#written === 0 && head[0] !== NEWLINE) head = this.#endTornLine(head);
      try {
        const written = writeSync(this.#descriptor, head, this.#written);
        if (written === 0) this.#drop(head);
        else this.#advance(head, written);
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code ?? '';
        if (code === 'EAGAIN') {
          this.#retryLater();
          return false;
        }
        if (code === 'EINTR') continue;
        this.#drop(head);
        if (GONE.has(code)) this.#gone(error as Error);
      }
    }
    return true;
  }

  #endTornLine(head: Buffer): Buffer {
    const whole = Buffer.concat([Buffer.from([NEWLINE]), head]);
    this.#pending[0] = whole;
    this.#pendingBytes += 1;
    return whole;
  }

  #advance(head: Buffer, written: number): void {
    this.#written += written;
    if (this.#written < head.length) return;
    this.#isTorn = false;
    this.#remove(head);
  }

  #drop(head: Buffer): void {
    this.#isTorn ||= this.#written > 0;
    this.#dropped += 1;
    this.#remove(head);
  }

  #remove(head: Buffer): void {
    this.#pending.shift();
    this.#pendingBytes -= head.length;
    this.#written = 0;
  }

  #retryLater(): void {
    if (this.#retry !== null) return;
    this.#retry = setTimeout(() => {
      this.#retry = null;
      this.#pump();
    }, RETRY_MS).unref();
  }

  #gone(error: Error): void {
    const onGone = this.#onGone;
    this.#onGone = null;
    if (onGone !== null) attempt(() => onGone(error));
  }
}

const NEWLINE = 0x0a;

/** Sockets that exist only to keep their descriptors from blocking: nothing is read or written through them. */
const SOCKETS: Socket[] = [];

/**
 * A descriptor that writes to the same place and gives EAGAIN instead of blocking. Pipes and terminals are opened anew,
 * because the mode belongs to the open file, which other processes share. A plain file has no reader to wait for.
 */
function withoutWaiting(descriptor: number): number {
  try {
    const stat = fstatSync(descriptor);
    if (stat.isFIFO() || stat.isCharacterDevice()) {
      const { O_WRONLY, O_NONBLOCK, O_NOCTTY, O_APPEND } = constants;
      return openSync(`/proc/self/fd/${descriptor}`, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_APPEND);
    }
    if (stat.isSocket()) keepSocket(descriptor);
  } catch {
    // Use the descriptor as it is. A write may then wait for its reader.
  }
  return descriptor;
}

/** Node would collect the socket. Two sockets on one descriptor would disturb each other. */
function keepSocket(descriptor: number): void {
  if (descriptor === 1) void process.stdout;
  else if (descriptor === 2) void process.stderr;
  else {
    const socket = new Socket({ fd: descriptor, readable: false, writable: true });
    socket.on('error', () => undefined);
    SOCKETS.push(socket.unref());
  }
}
