/** latency.csv as compare reads it: rows of text. The columns before `unit` are the name of a row. */

import { type ParsedRow, parseCsv } from '../../src/results/csv-grammar.ts';

export type LatencyRow = Readonly<Record<string, string>>;

export type LatencyFile = {
  readonly rows: readonly LatencyRow[];
  /** Single lines, each with its line and column. */
  readonly problems: readonly string[];
};

const NEEDED = ['unit', 'count', 'censored', 'hdr'] as const;

export function parseLatencies(bytes: Buffer): LatencyFile {
  const rows: LatencyRow[] = [];
  let columns: readonly string[] | null = null;
  try {
    const cut = parseCsv(bytes, (record) => {
      if (columns === null) columns = columnsOf(record);
      else rows.push(rowOf(record, columns));
    });
    const problems = cut === null ? [] : [cut.message];
    if (rows.length === 0) problems.push('it is empty');
    return { rows, problems };
  } catch (error) {
    return { rows: [], problems: [error instanceof Error ? error.message : String(error)] };
  }
}

function columnsOf(header: ParsedRow): readonly string[] {
  const missing = NEEDED.filter((name) => !header.fields.includes(name));
  if (missing.length > 0) throw header.error(0, `the header has no column ${missing.join(', ')}`);
  return header.fields;
}

function rowOf({ fields, error }: ParsedRow, columns: readonly string[]): LatencyRow {
  for (const name of ['count', 'censored'] as const) {
    const index = columns.indexOf(name);
    const isMissing = name === 'censored' && fields[index] === '';
    if (!isMissing && !/^\d+$/.test(fields[index] ?? '')) throw error(index, `${name} is not a count`);
  }
  return Object.fromEntries(columns.map((name, index) => [name, fields[index] ?? '']));
}
