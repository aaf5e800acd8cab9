/** The reader of CSV on all short texts, against its grammar. */

import test from 'ava';
import { CsvError } from './csv-grammar.ts';
import { recordsOf } from './testing/csv-records.ts';

/** The grammar as it stands above its reader, as regular expressions: an oracle that shares nothing with csv-parse. */
const FIELD = String.raw`"(?:[^"]|"")*"|[^",\0-\x1f\x7f]*`;
const FILE = new RegExp(String.raw`^\uFEFF?(?:(?:${FIELD})(?:,(?:${FIELD}))*\r?\n)*$`);

/** Null: the text does not follow the grammar. */
function recordsByGrammar(text: string): string[][] | null {
  if (!FILE.test(text)) return null;
  const records: string[][] = [[]];
  for (const [, field = '', end] of text.replace(/^\uFEFF/, '').matchAll(new RegExp(`(${FIELD})(,|\r?\n)`, 'g'))) {
    records.at(-1)?.push(field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field);
    if (end !== ',') records.push([]);
  }
  records.pop();
  return records.some(({ length }) => length !== records[0]?.length) ? null : records;
}

test('of all short texts exactly those of the grammar are read, each as the grammar says', (t) => {
  const counts = { read: 0, refused: 0 };
  const visit = (text: string): void => {
    const expected = recordsByGrammar(text);
    let found: string[][] | null = null;
    try {
      const { records, cut } = recordsOf(text);
      if (cut === null) found = records;
    } catch (error) {
      if (!(error instanceof CsvError)) throw error;
    }
    counts[found === null ? 'refused' : 'read'] += 1;
    if (JSON.stringify(found) !== JSON.stringify(expected)) t.deepEqual(found, expected, JSON.stringify(text));
    if (text.length === SHORT_LENGTH_MAX) return;
    for (const character of ['a', '"', ',', '\r', '\n', '\0', '\uFEFF']) visit(text + character);
  };
  visit('');
  t.true(counts.read > 100 && counts.refused > 10_000, JSON.stringify(counts));
});

const SHORT_LENGTH_MAX = 5;
