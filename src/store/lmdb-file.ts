/**
 * Checks whether LMDB can open a file, before LMDB does. LMDB maps the file, and a used page that is missing from the
 * file kills the process by SIGBUS. On a damaged meta page lmdb-js crashes.
 *
 * A sound file may be shorter than its meta page says: pages that a transaction allocated at the end and gave back are
 * never written (seen: 1 to 4 pages, in 31 of 18,148 random commits). So this module walks the trees of a short file,
 * and refuses it only when a page that a tree refers to is missing.
 *
 * LMDB takes the meta page with the larger transaction id, so after a bit flip in an id it would silently open the
 * older snapshot. Two rules find that. The two ids of a sound file differ by one: a transaction writes the meta page of
 * its id's lowest bit. (In a file without a commit both ids are 0.) And the newer of the two root pages of a meta page
 * carries the id of that meta page, because every transaction writes at least one root.
 *
 * One sound state breaks these rules. When LMDB cannot write the meta page of a transaction, it writes that page again
 * with its old id and last page, but with the roots of the failed transaction. The other meta page is then the newest,
 * and whole. A flipped bit in the id of an acknowledged transaction can leave the same bytes. Two things tell them
 * apart. Only a failed write has a root beyond the page's own last page. And the note (`acknowledged-note.ts`) names
 * the last acknowledged transaction: if that is the id of the whole page, no acknowledged transaction is missing.
 *
 * The layout is that of lmdb-js 3.5 (mdb.c: MDB_page, MDB_meta, MDB_db, MDB_node), little-endian, 64 bits.
 */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { OperatingError } from '../core/errors.ts';
import type { Acknowledged } from './acknowledged-note.ts';

const SECTOR_BYTES = 512;
/** LMDB takes the system's page size. */
const PAGE_BYTES_POSSIBLE: readonly number[] = [4096, 8192, 16_384, 32_768, 65_536];

/**
 * MDB_page: page number u64, id of the transaction that wrote the page u64, 2 unused bytes, flags u16, then the bounds
 * of the free space (u16 each), or the number of pages of an overflow run (u32).
 */
const PAGE = { transactionAt: 8, flagsAt: 18, lowerAt: 20, pagesAt: 20, bytes: 24 } as const;
const PAGE_FLAG = { branch: 1, leaf: 2, overflow: 4, meta: 8 } as const;
/**
 * MDB_meta, with offsets from the start of the page: magic, version, then MDB_db of the free list and of the main tree,
 * last page, transaction.
 */
const META = {
  magicAt: 24,
  versionAt: 28,
  freeAt: 48,
  mainAt: 96,
  lastPageAt: 144,
  transactionAt: 152,
  bytes: 160,
} as const;
const META_MAGIC = 0xbeefc0de;
const META_VERSION = 2;
/** MDB_db: its last field is the root's page number, which is all ones when the tree is empty. */
const TREE = { rootAt: 40 } as const;
const NO_PAGE = 0xffff_ffff_ffff_ffffn;
/**
 * MDB_node: low and high u16 (page number or size), flags u16 (or the page number's top), key size u16, then the key.
 */
const NODE = { highAt: 2, flagsAt: 4, keyBytesAt: 6, bytes: 8 } as const;
const NODE_FLAG = { overflow: 1, tree: 2 } as const;
/** The deepest tree that LMDB makes. */
const DEPTH_MAX = 32;

export type LmdbMeta = {
  /** The id of the transaction that wrote the page. */
  readonly transaction: bigint;
  /** The number of pages of the file at that transaction, the meta pages included. */
  readonly pages: number;
  readonly pageBytes: number;
};
type Meta = LmdbMeta & { readonly roots: readonly bigint[] };

/**
 * State of a file. `empty`: nothing was ever committed (the store was killed, or had no space, while it was begun).
 * `sound`. `failed-commit`: sound except for a meta page that LMDB could not write; the next commit repairs it.
 */
export type LmdbFileState = 'empty' | 'sound' | 'failed-commit';

export type CheckOptions = {
  /** Names the file in errors. */
  readonly name?: string;
  /** What the note says about acknowledged transactions. */
  readonly acknowledged?: Acknowledged | null;
};

/** Throws ERR_STORE_DAMAGED. No process may be writing the file. */
export function checkLmdbFile(file: string, { name = file, acknowledged = null }: CheckOptions = {}): LmdbFileState {
  const damaged = (detail: string): OperatingError =>
    new OperatingError('ERR_STORE_DAMAGED', `the store ${name} ${detail}`);
  const descriptor = openSync(file, 'r');
  try {
    const { size } = fstatSync(descriptor);
    if (isNeverCommitted(descriptor, size)) {
      if (acknowledged === null || acknowledged.transaction === 0n) return 'empty';
      throw damaged(`is empty, and transaction ${acknowledged.transaction} was acknowledged`);
    }
    const metas = readMetas(descriptor);
    if (metas === null) throw damaged('has no two valid meta pages');
    if (isBegun(metas)) return 'sound';
    const newest = newestOf(metas);
    const walk = new Walk(descriptor, Math.floor(size / newest.pageBytes), newest.pageBytes);
    if (size < newest.pages * newest.pageBytes) {
      // LMDB writes whole pages.
      const isWhole = size % newest.pageBytes === 0 && newest.roots.every((root) => walk.tree(root, 0));
      if (!isWhole) throw damaged(`is truncated: ${size} bytes, ${newest.pages} pages in use`);
    }
    const isWhole = ({ transaction, roots }: Meta): boolean => walk.newestRoot(roots) === transaction;
    const older = metas[0] === newest ? metas[1] : metas[0];
    const ids = metas.map(({ transaction }) => transaction);
    if (areSuccessive(ids) && isWhole(newest)) {
      if (isWhole(older)) return 'sound';
      const isLast = acknowledged?.isLast === true && acknowledged.transaction === newest.transaction;
      if (isLast || hasRootBeyondItsEnd(older)) return 'failed-commit';
    }
    throw damaged(`has meta pages with the wrong transaction ids: ${ids.join(' and ')}`);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * The id of the last transaction that was committed to a file; `null` when the file lacks two valid meta pages. A
 * process may be writing the file.
 */
export function newestTransaction(file: string): bigint | null {
  const descriptor = openSync(file, 'r');
  try {
    return newestMeta(descriptor)?.transaction ?? null;
  } finally {
    closeSync(descriptor);
  }
}

/** The meta page that LMDB opens, from an open file; `null` when the file lacks two valid meta pages. */
export function newestMeta(descriptor: number): LmdbMeta | null {
  const metas = readMetas(descriptor);
  return metas === null ? null : newestOf(metas);
}

/** The newest transaction after a commit, when `last` was the newest before: usually one read. */
export function nextMeta(descriptor: number, last: LmdbMeta): LmdbMeta | null {
  const id = last.transaction + 1n;
  const meta = readMeta(descriptor, id % 2n === 0n ? 0 : last.pageBytes);
  return meta?.transaction === id ? meta : newestMeta(descriptor);
}

/**
 * A new store is one write of two meta pages, both with id 0, and is synced with the first commit. A killed process, a
 * full disk or a power cut leaves a first meta page followed by zeros, or only zeros.
 */
function isNeverCommitted(descriptor: number, size: number): boolean {
  if (size > 2 * Math.max(...PAGE_BYTES_POSSIBLE)) return false;
  const bytes = Buffer.alloc(size);
  readSync(descriptor, bytes, 0, size, 0);
  const isZero = (from: number): boolean => bytes.subarray(from).every((byte) => byte === 0);
  // Disks write whole sectors; only truncation leaves a part of a sector.
  if (size % SECTOR_BYTES === 0 && isZero(0)) return true;
  const first = readMeta(descriptor, 0);
  return first !== null && first.transaction === 0n && size <= 2 * first.pageBytes && isZero(first.pageBytes);
}

/**
 * In a store without a commit, the second page may have the roots of a failed first commit. LMDB opens the first page.
 */
function isBegun(metas: Metas): boolean {
  return metas.every(({ transaction }) => transaction === 0n) && metas[0].roots.every((root) => root === NO_PAGE);
}

/** The roots of one transaction beside the last page of an older one. */
function hasRootBeyondItsEnd({ roots, pages }: Meta): boolean {
  return roots.some((root) => root !== NO_PAGE && root >= BigInt(pages));
}

type Metas = readonly [Meta, Meta];

function readMetas(descriptor: number): Metas | null {
  const first = readMeta(descriptor, 0);
  const second = first === null ? null : readMeta(descriptor, first.pageBytes);
  if (first === null || second === null || second.pageBytes !== first.pageBytes) return null;
  return [first, second];
}

function newestOf([first, second]: Metas): Meta {
  return first.transaction < second.transaction ? second : first;
}

/** A transaction with an even id writes the first meta page, one with an odd id the second. */
function areSuccessive([even = 0n, odd = 0n]: readonly bigint[]): boolean {
  return even % 2n === 0n && (odd === even + 1n || odd === even - 1n);
}

function readMeta(descriptor: number, at: number): Meta | null {
  const page = Buffer.allocUnsafe(META.bytes);
  if (readSync(descriptor, page, 0, META.bytes, at) < META.bytes) return null;
  // The first field of the free list's MDB_db has the page size.
  const pageBytes = page.readUInt32LE(META.freeAt);
  const isMeta =
    page.readUInt16LE(PAGE.flagsAt) === PAGE_FLAG.meta &&
    page.readUInt32LE(META.magicAt) === META_MAGIC &&
    page.readUInt32LE(META.versionAt) === META_VERSION &&
    PAGE_BYTES_POSSIBLE.includes(pageBytes);
  if (!isMeta) return null;
  return {
    transaction: page.readBigUInt64LE(META.transactionAt),
    pages: Number(page.readBigUInt64LE(META.lastPageAt)) + 1,
    pageBytes,
    roots: [META.freeAt, META.mainAt].map((tree) => page.readBigUInt64LE(tree + TREE.rootAt)),
  };
}

/** Follows every reference of a tree. `false`: a reference leads to a missing page, or to bytes that are not a page. */
class Walk {
  readonly #descriptor: number;
  readonly #pages: bigint;
  readonly #pageBytes: number;

  constructor(descriptor: number, pages: number, pageBytes: number) {
    this.#descriptor = descriptor;
    this.#pages = BigInt(pages);
    this.#pageBytes = pageBytes;
  }

  tree(root: bigint, depth: number): boolean {
    if (root === NO_PAGE) return true;
    const page = this.#read(root);
    if (page === null || depth > DEPTH_MAX) return false;
    const flags = page.readUInt16LE(PAGE.flagsAt);
    const nodes = (page.readUInt16LE(PAGE.lowerAt) - PAGE.bytes) / 2;
    for (let index = 0; index < nodes; index += 1) {
      const at = page.readUInt16LE(PAGE.bytes + index * 2);
      if (at + NODE.bytes > page.length) return false;
      const isSound =
        (flags & PAGE_FLAG.branch) !== 0 ? this.tree(childOf(page, at), depth + 1) : this.#leafNode(page, at, depth);
      if (!isSound) return false;
    }
    return (flags & (PAGE_FLAG.branch | PAGE_FLAG.leaf)) !== 0;
  }

  /** The last transaction that wrote one of these pages; `null` when a page is missing. */
  newestRoot(roots: readonly bigint[]): bigint | null {
    let newest = 0n;
    for (const root of roots) {
      if (root === NO_PAGE) continue;
      const transaction = this.#read(root)?.readBigUInt64LE(PAGE.transactionAt);
      if (transaction === undefined) return null;
      if (transaction > newest) newest = transaction;
    }
    return newest;
  }

  #leafNode(page: Buffer, at: number, depth: number): boolean {
    const flags = page.readUInt16LE(at + NODE.flagsAt);
    const data = at + NODE.bytes + page.readUInt16LE(at + NODE.keyBytesAt);
    if ((flags & NODE_FLAG.overflow) !== 0)
      return data + 8 <= page.length && this.#overflow(page.readBigUInt64LE(data));
    if ((flags & NODE_FLAG.tree) === 0) return true;
    return data + TREE.rootAt + 8 <= page.length && this.tree(page.readBigUInt64LE(data + TREE.rootAt), depth + 1);
  }

  #overflow(first: bigint): boolean {
    const page = this.#read(first);
    if (page === null || (page.readUInt16LE(PAGE.flagsAt) & PAGE_FLAG.overflow) === 0) return false;
    return first + BigInt(page.readUInt32LE(PAGE.pagesAt)) <= this.#pages;
  }

  #read(number: bigint): Buffer | null {
    if (number >= this.#pages) return null;
    const page = Buffer.alloc(this.#pageBytes);
    const length = readSync(this.#descriptor, page, 0, page.length, Number(number) * this.#pageBytes);
    return length === page.length ? page : null;
  }
}

function childOf(page: Buffer, at: number): bigint {
  const low = BigInt(page.readUInt16LE(at));
  const high = BigInt(page.readUInt16LE(at + NODE.highAt));
  return low | (high << 16n) | (BigInt(page.readUInt16LE(at + NODE.flagsAt)) << 32n);
}
