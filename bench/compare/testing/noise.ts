/** Normally distributed noise, by a seed. */

import type { Prng } from '../../../src/core/prng.ts';

function normal(prng: Prng): number {
  const uniform = (): number => (prng.next32() + 0.5) / 2 ** 32;
  return Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

export function normals(prng: Prng, count: number): number[] {
  return Array.from({ length: count }, () => normal(prng));
}

/** Rows that share a part of their noise, as rows of one round do. */
export function noise(prng: Prng, rows: number, pairs: number): number[][] {
  const shared = normals(prng, pairs);
  return Array.from({ length: rows }, () => shared.map((common) => 0.5 * common + normal(prng)));
}
