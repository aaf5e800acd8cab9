/**
 * Which of two builds is measured first in each pair. The second of a pair may suffer from the first (a warm processor,
 * dirty pages), and that must not fall on one build more than on the other. So of every two pairs in a row each build
 * is first in one, and chance says in which. With an odd number of pairs, chance alone decides the last one.
 */

import type { Prng } from '../../src/core/prng.ts';

export type Side = 'old' | 'new';

/** The build that goes first in each pair. */
export function orderOf(pairs: number, prng: Prng): Side[] {
  const order: Side[] = [];
  while (order.length < pairs) order.push(...(prng.below(2) === 0 ? BLOCKS[0] : BLOCKS[1]));
  return order.slice(0, pairs);
}

const BLOCKS: readonly [readonly Side[], readonly Side[]] = [
  ['old', 'new'],
  ['new', 'old'],
];
