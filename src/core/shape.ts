/** Checks values that come from another process or from a file (invariant 9): one check for each field of an object. */

import { asRecord, isCount } from './assert.ts';

export type Check = (value: unknown) => boolean;
/** One check for each field; a field that may be absent accepts undefined. */
export type Shape<T> = { readonly [Key in keyof Required<T>]: Check };

export const text: Check = (value) => typeof value === 'string';
export const flag: Check = (value) => typeof value === 'boolean';
export const literal =
  (...expected: readonly string[]): Check =>
  (value) =>
    typeof value === 'string' && expected.includes(value);
export const nanoseconds: Check = (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0;
export const hexadecimal = (digits: number): Check => {
  const pattern = new RegExp(`^[0-9a-f]{${digits}}$`);
  return (value) => typeof value === 'string' && pattern.test(value);
};
export const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
/** An object whose own fields are keys of a table. */
export const tableOf =
  (check: Check, key: Check = text): Check =>
  (value) => {
    const table = asRecord(value);
    return table !== null && Object.entries(table).every(([name, entry]) => key(name) && check(entry));
  };
export const counts: Check = listOf(isCount);
export const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
export const nullable =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
/** An object of this shape; other fields do not matter. */
export const objectOf =
  <T>(shape: Shape<T>): Check =>
  (value) =>
    conforms(value, shape);

/** The first field that `shape` refuses, or null: then the value is what the shape describes. */
export function refusedField<T>(value: Record<string, unknown>, shape: Shape<T>): string | null {
  // No list of entries is made for each value, because histories of millions of events are checked here.
  for (const name in shape) if (!shape[name](value[name])) return name;
  return null;
}

export function conforms<T>(value: unknown, shape: Shape<T>): value is T {
  const fields = asRecord(value);
  return fields !== null && refusedField(fields, shape) === null;
}
