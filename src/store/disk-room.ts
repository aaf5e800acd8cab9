/**
 * The blocks of a store's file, reserved before LMDB writes into them. A full disk, a quota or a limit of file size then
 * fails here, between two commits, and never inside LMDB: lmdb-js 3.5.6 answers a failing write by printing up to 107
 * bytes into `malloc(100)`, and a failing write of a meta page leaves the store in a state that must be explained.
 *
 * The blocks lie beyond the end of the file, whose size stays what LMDB has written. Reserving the first bytes again is
 * harmless, and fills the holes that LMDB leaves at the end.
 */

import { closeSync, fstatSync, openSync, writeSync } from 'node:fs';
import { OperatingError } from '../core/errors.ts';
import { allocateFile } from '../hash/file-space.ts';
import { type ProcessLimits, readProcessLimits } from './process-limits.ts';

/** Room is made in steps of this size, as far as there is so much. */
const STEP_BYTES = 4 * 1024 ** 2;
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
  readonly limits?: () => ProcessLimits;
};

export class DiskRoom {
  readonly #file: string;
  readonly #mapBytes: number;
  readonly #allocate: typeof allocateFile;
  readonly #limits: () => ProcessLimits;
  #bytes = 0;

  constructor(file: string, options: DiskRoomOptions) {
    this.#file = file;
    this.#mapBytes = options.mapBytes;
    this.#allocate = options.allocate ?? allocateFile;
    this.#limits = options.limits ?? readProcessLimits;
  }

  /** Bytes from the begin of the file that are reserved. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Makes sure that the first `bytes` bytes of the file can be written. Throws OperatingError ERR_STORE_FULL with the
   * reason; nothing is lost then.
   */
  ensure(bytes: number): void {
    if (bytes <= this.#bytes) return;
    if (bytes > this.#mapBytes) {
      throw full(`its map of ${this.#mapBytes} bytes is full: the address space of the process is limited (ulimit -v)`);
    }
    const { fileBytes } = this.#limits();
    if (bytes > fileBytes) throw full(`${REASONS['EFBIG']} (EFBIG)`);
    const step = Math.min(Math.ceil(bytes / STEP_BYTES) * STEP_BYTES, this.#mapBytes, fileBytes);
    if (this.#reserve(step) === null) {
      this.#bytes = step;
      return;
    }
    // On a disk that is nearly full, what is needed and no more.
    const error = this.#reserve(bytes);
    if (error !== null) throw full(`${REASONS[error] ?? 'its disk blocks cannot be reserved'} (${error})`);
    this.#bytes = bytes;
  }

  #reserve(bytes: number): string | null {
    const error = this.#allocate(this.#file, bytes);
    return error !== null && UNSUPPORTED.has(error) ? this.#writeZeros(bytes) : error;
  }

  /** Beyond its end, where nothing of LMDB's is: LMDB takes a file that is longer than its last page. */
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
