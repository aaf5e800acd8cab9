/**
 * Which of two builds is measured first in each pair. Whatever the second of a pair suffers from (a warm processor,
 * dirty pages) must not fall on one build more than on the other: of every two pairs that follow each other each
 * build is first in one, and chance says in which. Of an odd number the last pair is by chance alone.
 */

import type { Prng } from '../../src/core/prng.ts';

export type Side = 'old' | 'new';

/** The build that is first, for each pair. */
export function orderOf(pairs: number, prng: Prng): Side[] {
  const order: Side[] = [];
  while (order.length < pairs) order.push(...(prng.below(2) === 0 ? BLOCKS[0] : BLOCKS[1]));
  return order.slice(0, pairs);
}

const BLOCKS: readonly [readonly Side[], readonly Side[]] = [
  ['old', 'new'],
  ['new', 'old'],
];
