// The hash contexts of all open files of one partition. One native call folds a whole batch: it parses the records,
// finds each file's context and hashes, all or nothing. Invariant kept here: a refused batch changes nothing.

import { Pool as AddonPool, type PoolFailure } from '#addon';
import { checkBytes, checkNumber, checkWords } from './bytes.ts';
import { PoolClosedError } from './pool-errors.ts';
import { refuseJson, uncloneable } from './uncloneable.ts';

const INSTEAD = 'take its pages instead';
const UNCLONEABLE = uncloneable('HashPool', INSTEAD);

/** Bytes before a record's data: u32 LE data length (0 ends the file), u32 LE sequence from 1, 16-byte file id. */
export const RECORD_HEADER_BYTES = 24;
/** Bytes of a sum: 16-byte file id, u32 LE last sequence, u32 0, u64 LE data bytes, 32-byte SHA-256. */
export const SUM_BYTES = 64;
/** Slots of a slab page. */
export const PAGE_SLOTS = 31;
/**
 * Bytes of a slab page: 31 slots of 128 bytes, each 16-byte file id, u32 LE last sequence, 108-byte state in Go's
 * format; a free slot is all zeros.
 */
export const PAGE_BYTES = 3968;

/** Where a batch was refused. */
interface FoldFailurePlace {
  /** The record, from 0 in the batch, skipped ones included; the batch's count if the failure is about all of it. */
  readonly recordIndex: number;
  /** Where that record starts in the payload. */
  readonly byteOffset: number;
  /** Its file, 16 bytes; zeros if there is none. */
  readonly fileId: Buffer;
}

/** Why a batch was refused. */
export type FoldFailure =
  /** The lengths do not add up to the payload, or the records to the count, or a file would get too long. */
  | (FoldFailurePlace & { readonly kind: 'malformed' })
  /** A chunk's sequence does not follow its file's last one; a file that is not open starts at 1. */
  | (FoldFailurePlace & {
      readonly kind: 'sequence';
      readonly expectedSequence: number;
      readonly actualSequence: number;
    })
  /** `sums` is too small; it must have `needed` bytes. */
  | (FoldFailurePlace & { readonly kind: 'space'; readonly needed: number })
  /**
   * No room for another open file (the bound is 2^20 pages, 32 million files), or no memory for it or for the notes
   * about the records.
   */
  | (FoldFailurePlace & { readonly kind: 'full' });

/** What is known of an open file. */
export interface OpenFile {
  /** The last sequence folded, from 1. */
  readonly lastSequence: number;
  /** Its state, a fresh Buffer of 108 bytes, as `Sha256.deserialize` takes it. */
  readonly state: Buffer;
}

/**
 * Hash contexts by 16-byte file id. Buffers belong to the caller: they are read or written before a call returns, and
 * no reference is kept. Wrong types and shared memory throw ERR_INVALID_ARG_TYPE, values out of their bounds
 * ERR_OUT_OF_RANGE, an input that overlaps an output ERR_BUFFERS_OVERLAP.
 *
 * Memory follows the open files: memory that a refused batch or `clear()` leaves unused is given back. All memory is
 * given back when the pool is collected, or at once by `close()`. After `close()` every other call throws
 * ERR_POOL_CLOSED. `structuredClone` and `JSON.stringify` throw a TypeError with the code ERR_UNCLONEABLE.
 */
export class HashPool {
  protected readonly uncloneable: object = UNCLONEABLE;
  readonly #pool: AddonPool = new AddonPool();
  #isClosed = false;

  /**
   * Folds the `count` records that `records` consists of (the layout is at `RECORD_HEADER_BYTES`), except the first
   * `skip` records, of which only the lengths are checked. Writes a sum (`SUM_BYTES`) for every file that ends to
   * `sums`, back to back, in the records' order; bytes past them stay. Returns the number of sums, or -1 if the batch
   * is refused: then nothing was changed, and `failure()` tells why.
   */
  fold(records: Uint8Array, count: number, skip: number, sums: Uint8Array): number {
    this.#checkOpen();
    checkBytes('records', records);
    checkNumber('count', count);
    checkNumber('skip', skip);
    checkBytes('sums', sums);
    return this.#pool.fold(records, count, skip, sums);
  }

  /** Why the last `fold` that returned -1 did so. Throws if every fold succeeded. */
  failure(): FoldFailure {
    this.#checkOpen();
    const failure = this.#pool.failure();
    if (failure === null) throw new Error('no batch was refused');
    return foldFailure(failure);
  }

  /** The number of files of which something was folded and that have not ended. */
  openFiles(): number {
    this.#checkOpen();
    return this.#pool.openFiles();
  }

  /** Bytes that the pool holds outside the JavaScript heap. V8 is told of them, so that it collects pools in time. */
  memoryBytes(): number {
    this.#checkOpen();
    return this.#pool.memoryBytes();
  }

  /** The number of slab pages, including pages without files. */
  pageCount(): number {
    this.#checkOpen();
    return this.#pool.pageCount();
  }

  /** The number of pages that changed since they were last taken. */
  dirtyPages(): number {
    this.#checkOpen();
    return this.#pool.dirtyPages();
  }

  /**
   * Writes all dirty pages (`PAGE_BYTES` each, back to back, ascending) to `pages` and their numbers to `pageNumbers`,
   * and returns how many there were. They are then no longer dirty. A page without files is all zeros. If a buffer is
   * too small, it throws ERR_OUT_OF_RANGE and writes nothing.
   */
  takeDirtyPages(pageNumbers: Uint32Array, pages: Uint8Array): number {
    this.#checkOpen();
    checkWords('pageNumbers', pageNumbers);
    checkBytes('pages', pages);
    return this.#pool.takeDirtyPages(pageNumbers, pages);
  }

  /**
   * Loads a page that was taken, under the number it had, in any order; loading does not make it dirty. Pages without
   * files take no memory, nor do lower pages that were not loaded. Throws ERR_SHA256_PAGE, with nothing changed, on
   * bytes that `takeDirtyPages` cannot have written, on a file that is already open, on a page that has files, and on a
   * number from 2^20.
   */
  loadPage(page: number, bytes: Uint8Array): void {
    this.#checkOpen();
    checkNumber('page', page);
    checkBytes('bytes', bytes);
    this.#pool.loadPage(page, bytes);
  }

  /** Drops every file whose id starts with the 8 bytes `producerId`, and returns how many; their pages become dirty. */
  dropProducer(producerId: Uint8Array): number {
    this.#checkOpen();
    checkBytes('producerId', producerId);
    return this.#pool.dropProducer(producerId);
  }

  /** Forgets all files and pages, including dirty pages, and gives their memory back: the pool is as new. */
  clear(): void {
    this.#checkOpen();
    this.#pool.clear();
  }

  /** The last sequence and the state of an open file; null if the file is not open. For tests and audits. */
  lookup(fileId: Uint8Array): OpenFile | null {
    this.#checkOpen();
    checkBytes('fileId', fileId);
    return this.#pool.lookup(fileId);
  }

  /** Forgets all files and gives their memory back. Calling it again does nothing. */
  close(): void {
    if (this.#isClosed) return;
    this.clear();
    this.#isClosed = true;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Throws: JSON of a pool would lack its files. */
  toJSON(): never {
    return refuseJson('HashPool', INSTEAD);
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new PoolClosedError('the pool was closed');
  }
}

function foldFailure(failure: PoolFailure): FoldFailure {
  const { recordIndex, byteOffset, fileId, expectedSequence, actualSequence, needed } = failure;
  const place = { recordIndex, byteOffset, fileId };
  switch (failure.kind) {
    case 'malformed':
    case 'full':
      return { kind: failure.kind, ...place };
    case 'sequence':
      return { kind: 'sequence', expectedSequence, actualSequence, ...place };
    case 'space':
      return { kind: 'space', needed, ...place };
    default:
      throw new Error(`the addon named an unknown failure: ${failure.kind}`);
  }
}
