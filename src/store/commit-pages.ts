/**
 * The most pages that a transaction of LMDB can add to its file: all pages that it writes, as if it could reuse no free
 * page.
 *
 * - A value beyond half a page has overflow pages. Its node stays in a leaf: 8 bytes, the key, and the value or its
 *   page number.
 * - A page of a tree is copied once in a transaction. A write touches its path from root to leaf, and may split each
 *   page of that path. Many writes share their paths: then the bound is all pages of the tree, each split once, plus
 *   the pages that new nodes fill. A page that was split is split again when it is full, so new nodes are counted four
 *   times.
 * - The list of free pages is written again as a whole: at most 8 bytes for each page of the file.
 */

import type { Write } from './store.ts';

/** Header of a page, and of a node. */
const PAGE_HEADER_BYTES = 24;
const NODE_HEADER_BYTES = 8;
const PAGE_NUMBER_BYTES = 8;
/** With keys of up to 64 bytes a tree has this depth at 10^10 rows; with longer keys the bound is LMDB's own. */
const KEY_BYTES_FEW = 64;
const DEPTH_OF_SHORT_KEYS = 6;
const DEPTH_MAX = 32;
/**
 * The main tree, which names the tables, and the tree of the free list; and the rounds in which that list is written.
 */
const OWN_PAGES = 32;

/** A table's tree: its levels, and its branch and leaf pages. */
export type TreeShape = { readonly depth: number; readonly pages: number };
/** The shapes of the trees, where they are known; null when they are not, and then the bound is wider. */
export type TreeShapes = ((table: string) => TreeShape) | null;

export type FileSize = { readonly pages: number; readonly pageBytes: number };

/** What a transaction writes to one table. */
type Sum = { count: number; nodeBytes: number; keyBytesMax: number };

/** An upper bound of the pages that committing these writes appends to a file of this size. */
export function pagesAddedMax(writes: readonly Write[], { pages, pageBytes }: FileSize, shapes: TreeShapes): number {
  const roomBytes = pageBytes - PAGE_HEADER_BYTES;
  const tables = new Map<string, Sum>();
  let added = OWN_PAGES;
  for (const { table, key, value } of writes) {
    const sum = tables.get(table) ?? { count: 0, nodeBytes: 0, keyBytesMax: 0 };
    tables.set(table, sum);
    sum.count += 1;
    sum.keyBytesMax = Math.max(sum.keyBytesMax, key.length);
    const valueBytes = value?.length ?? 0;
    const nodeBytes = NODE_HEADER_BYTES + key.length + valueBytes;
    if (nodeBytes <= roomBytes / 2) {
      sum.nodeBytes += nodeBytes;
      continue;
    }
    added += Math.ceil((PAGE_HEADER_BYTES + valueBytes) / pageBytes);
    sum.nodeBytes += NODE_HEADER_BYTES + key.length + PAGE_NUMBER_BYTES;
  }
  for (const [table, { count, nodeBytes, keyBytesMax }] of tables) {
    const depthMax = keyBytesMax <= KEY_BYTES_FEW ? DEPTH_OF_SHORT_KEYS : DEPTH_MAX;
    const { depth, pages: treePages } = shapes?.(table) ?? { depth: depthMax, pages: Infinity };
    const paths = count * (depth + 1);
    const copied = Math.min(paths, treePages);
    const split = Math.min(paths, treePages + 4 * Math.ceil(nodeBytes / roomBytes) + depth);
    added += copied + split + 1;
  }
  // The list names these pages too, and the pages of the list that it replaces.
  const listed = pages + added;
  return added + 2 * Math.ceil((PAGE_NUMBER_BYTES * listed) / roomBytes);
}
