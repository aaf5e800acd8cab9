/**
 * Assertions stay on in production. A process that has broken one of its own invariants exits with 1 before it writes
 * anything more.
 */

import { InvariantError } from './errors.ts';

export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** The end of a switch over a union. Reaching it is a bug at run time and an error at compile time. */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable: ${JSON.stringify(value)}`);
}

/** A count, index or offset: an integer from 0 that a double holds exactly. */
export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** The value as an object with unknown fields, or `null`. The first step of every shape check. */
export function asRecord(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}
