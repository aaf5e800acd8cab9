/**
 * Assertions stay on in production: a process that has lost its own invariants stops (exit 1) before it writes more.
 */

import { InvariantError } from './errors.ts';

export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** The end of a switch over a union: reaching it at run time is a bug, at compile time an error. */
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
