/**
 * The blocks of a store's file, reserved before LMDB writes into them. So a full disk, a quota or a limit of file size
 * shows here, between two commits, and never inside LMDB. lmdb-js 3.5.6 answers a failed write by printing up to 107
 * bytes into `malloc(100)`, and a failed write of a meta page leaves a store that needs an explanation.
 *
 * The blocks lie beyond the end of the file, whose size stays what LMDB has written. Reserving the first bytes again
 * is harmless, and fills the holes that LMDB leaves at the end.
 */

import { closeSync, fstatSync, openSync, statfsSync, writeSync } from 'node:fs';
import { OperatingError } from '../core/errors.ts';
import { allocateFile } from '../hash/file-space.ts';
import { type ProcessLimits, readProcessLimits } from './process-limits.ts';

/** Room is reserved in steps of this size, while the disk has enough. */
const STEP_BYTES = 4 * 1024 ** 2;
/** With fewer free steps than this, no whole step is reserved, because others need the disk too. */
const AMPLE_STEPS = 16;
const ZEROS = Buffer.alloc(64 * 1024);
const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left on device',
  EDQUOT: 'disk quota exceeded',
  EFBIG: "the limit of a file's size (ulimit -f) is reached",
};
/** File systems that cannot reserve blocks. */
const UNSUPPORTED: ReadonlySet<string> = new Set(['EOPNOTSUPP', 'ENOSYS', 'EINVAL', 'ENODEV']);

export type DiskRoomOptions = {
  /** The most that LMDB can map. */
  readonly mapBytes: number;
  readonly allocate?: typeof allocateFile;
  readonly limits?: () => Pick<ProcessLimits, 'fileBytes'>;
  /** Free bytes of the file system that holds the file. */
  readonly freeBytes?: (file: string) => number;
};

export class DiskRoom {
  readonly #file: string;
  readonly #mapBytes: number;
  readonly #allocate: typeof allocateFile;
  readonly #limits: () => Pick<ProcessLimits, 'fileBytes'>;
  readonly #freeBytes: (file: string) => number;
  #bytes = 0;

  constructor(file: string, options: DiskRoomOptions) {
    this.#file = file;
    this.#mapBytes = options.mapBytes;
    this.#allocate = options.allocate ?? allocateFile;
    this.#limits = options.limits ?? readProcessLimits;
    this.#freeBytes = options.freeBytes ?? freeBytesOf;
  }

  /**
   * Whether the first `bytes` bytes of the file can be written. Reserves them if need be, but only on a disk with
   * plenty of room. False: the caller should ask for exactly what it needs.
   */
  has(bytes: number): boolean {
    if (bytes <= this.#bytes) return true;
    const step = this.#stepOf(bytes);
    if (step < bytes || !this.#isAmple() || this.#reserve(step) !== null) return false;
    this.#bytes = step;
    return true;
  }

  /**
   * Makes sure that the first `bytes` bytes of the file can be written. Throws OperatingError ERR_STORE_FULL with the
   * reason; then nothing is lost.
   */
  ensure(bytes: number): void {
    if (this.has(bytes)) return;
    if (bytes > this.#mapBytes) {
      throw full(`its map of ${this.#mapBytes} bytes is full: the address space of the process is limited (ulimit -v)`);
    }
    if (bytes > this.#limits().fileBytes) throw full(`${REASONS['EFBIG']} (EFBIG)`);
    // On a disk that is nearly full, reserve exactly what is needed.
    const error = this.#reserve(bytes);
    if (error !== null) throw full(`${REASONS[error] ?? 'its disk blocks cannot be reserved'} (${error})`);
    this.#bytes = bytes;
  }

  /** A whole number of steps, within the limits. */
  #stepOf(bytes: number): number {
    const steps = Math.ceil(bytes / STEP_BYTES) * STEP_BYTES;
    return Math.min(steps, this.#mapBytes, this.#limits().fileBytes);
  }

  #isAmple(): boolean {
    return this.#freeBytes(this.#file) >= AMPLE_STEPS * STEP_BYTES;
  }

  #reserve(bytes: number): string | null {
    const error = this.#allocate(this.#file, bytes);
    return error !== null && UNSUPPORTED.has(error) ? this.#writeZeros(bytes) : error;
  }

  /** Writes zeros beyond the end of the file. LMDB accepts a file that is longer than its last page. */
  #writeZeros(bytes: number): string | null {
    const descriptor = openSync(this.#file, 'r+');
    try {
      for (let at = fstatSync(descriptor).size; at < bytes; ) {
        at += writeSync(descriptor, ZEROS, 0, Math.min(ZEROS.length, bytes - at), at);
      }
      return null;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? 'EIO';
    } finally {
      closeSync(descriptor);
    }
  }
}

function full(detail: string): OperatingError {
  return new OperatingError('ERR_STORE_FULL', detail);
}

function freeBytesOf(file: string): number {
  const { bavail, bsize } = statfsSync(file);
  return bavail * bsize;
}
