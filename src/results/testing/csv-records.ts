/** What the reader of CSV makes of a text. */

import { parseCsv } from '../csv-grammar.ts';

export function recordsOf(text: string | Buffer): { records: string[][]; cut: string | null } {
  const records: string[][] = [];
  const cut = parseCsv(Buffer.from(text), ({ fields }) => records.push([...fields]));
  return { records, cut: cut?.message ?? null };
}
