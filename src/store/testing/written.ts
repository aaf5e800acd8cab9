/** What `writer.ts` writes. */

export const TABLES = ['a', 'b'] as const;
export const LAST: Buffer = Buffer.from('last');

/** Rows of one transaction. */
export function rowsOf(number: number): number {
  return (number % 7) + 1;
}
