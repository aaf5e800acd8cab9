/** What is written and read; `csv-grammar.deep.test.ts` compares the reader with the grammar on all short texts. */

import test from 'ava';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { CODE_POINT } from '../core/testing/code-point.ts';
import { csvText } from './csv.ts';
import { CsvError, encodeCsv, parseDecimal } from './csv-grammar.ts';
import { recordsOf } from './testing/csv-records.ts';

/** Any Unicode text, in which characters with a meaning in CSV are more frequent than by chance. */
const NAME = fc.oneof(
  fc.string({ unit: CODE_POINT }),
  fc.string({
    unit: fc.constantFrom('"', ',', '\r', '\n', '\uFEFF', ' ', '\0', '\u007F', '\t', "'", '=', 'a', '\u2028'),
  }),
);
const TABLE = fc
  .uniqueArray(NAME, { minLength: 1, maxLength: 6 })
  .chain((columns) =>
    fc
      .array(fc.array(NAME, { minLength: columns.length, maxLength: columns.length }), { maxLength: 8 })
      .map((rows) => [columns, ...rows]),
  );

function written(table: readonly (readonly string[])[], lineEnd = '\r\n'): string {
  return table.map((record) => encodeCsv([record]).slice(0, -2) + lineEnd).join('');
}

test('any table that is written is read back equal, whatever its names hold', (t) => {
  fc.assert(
    fc.property(TABLE, fc.constantFrom('\n', '\r\n'), fc.constantFrom('', '\uFEFF'), (table, lineEnd, bom) => {
      t.deepEqual(recordsOf(bom + written(table, lineEnd)), { records: table, cut: null });
    }),
  );
});

test('what is written means the same to csv-parse as it comes, which finds out by itself how lines end', (t) => {
  fc.assert(fc.property(TABLE, (table) => t.deepEqual(parse(written(table), { bom: true }), table)));
});

test('the text of a table has half of a surrogate pair as a replacement character, as its bytes have', (t) => {
  t.is(Buffer.from(csvText(['a'], [{ a: 'x\uD800' }])).toString(), 'a\r\nx\uFFFD\r\n');
});

test('of a text that was cut anywhere, the whole records are read, and it is said unless nothing is missing', (t) => {
  fc.assert(
    fc.property(TABLE, fc.nat(), (table, at) => {
      const text = written(table);
      const ends = table.map((_, index) => written(table.slice(0, index + 1)).length);
      const length = at % (text.length + 1);
      const { records, cut } = recordsOf(text.slice(0, length));
      t.deepEqual(records, table.slice(0, ends.filter((end) => end <= length).length));
      t.is(cut === null, length === 0 || ends.includes(length));
    }),
  );
});

test('what the grammar does not have is named by line and column', (t) => {
  for (const [text, message] of [
    ['a,b\n1\n', 'line 2, column 1: 1 field where the header has 2'],
    ['a,b\r\n1,2,3\r\n', 'line 2, column 1: 3 fields where the header has 2'],
    ['a,b\n1,2\n\n', 'line 3, column 1: 1 field where the header has 2'],
    ['a,b\n1,2"3"\n', 'line 2, column 4: a quote within a field that does not begin with one'],
    ['a,b\n1,"2"3\n', 'line 2, column 6: text after the closing quote of a field'],
    ['a,b\n"1\n2",3\n4, "5"\n', 'line 4, column 4: a quote within a field that does not begin with one'],
    ['a,b\r\n"1\r\n2",3\r\n4, "5"\r\n', 'line 4, column 4: a quote within a field that does not begin with one'],
    ['a,b\n1,"2"\0\n', 'line 2, column 6: text after the closing quote of a field'],
    ['\uFEFFa\tb,c\n', 'line 1, column 2: a control character without quotes'],
    ['a,b\n1,2\rx\n', 'line 2, column 4: a carriage return that no line feed follows'],
    ['a,b\r1,2\r', 'line 1, column 4: a carriage return that no line feed follows'],
    ['a,b\n1,2\0\n', 'line 2, column 4: a control character without quotes'],
    ['a\tb,c\n', 'line 1, column 2: a control character without quotes'],
  ] as const) {
    t.throws(() => recordsOf(text), { instanceOf: CsvError, code: 'ERR_CSV', message }, text);
  }
});

test('a cut last line, and a quote that is never closed, are said with their place', (t) => {
  for (const [text, cut] of [
    ['a,b', 'line 1, column 1: the last line is cut and left out'],
    ['a,b\n1,2', 'line 2, column 1: the last line is cut and left out'],
    ['a,b\r\n1,2\r', 'line 2, column 1: the last line is cut and left out'],
    ['a,b\n1,', 'line 2, column 1: the last line is cut and left out'],
    ['a,b\n1,"2', 'line 2, column 1: the last line is cut and left out'],
    ['a,b\n1,"2\n3,4\n', 'line 2, column 3: a quoted field never ends; its record and what follows is left out'],
  ] as const) {
    t.is(recordsOf(text).cut, cut, text);
  }
});

test('bytes that are not UTF-8 are named by their line and column', (t) => {
  const bytes = Buffer.concat([Buffer.from('a,b\r\n\u00E9,2\r\n3\u00E9,'), Buffer.of(0xff), Buffer.from('4\r\n')]);
  t.throws(() => recordsOf(bytes), { instanceOf: CsvError, message: 'line 3, column 4: bytes that are not UTF-8' });
  t.throws(() => recordsOf(Buffer.of(0xc3)), { message: 'line 1, column 1: bytes that are not UTF-8' });
  t.deepEqual(recordsOf('\u00E9\n').records, [['\u00E9']]);
});

test('a number that is written is the same when it is read', (t) => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      t.is(parseDecimal(String(value)), value + 0 === 0 ? 0 : value);
    }),
  );
});

test('only a decimal number is a number', (t) => {
  for (const text of [
    '',
    ' 1',
    '1 ',
    '0x10',
    '0b1',
    '1_000',
    '1,5',
    'NaN',
    'Infinity',
    '-',
    '.',
    '1.',
    'e5',
    '1e',
    '1n',
  ]) {
    t.is(parseDecimal(text), null, text);
  }
  for (const text of ['1e999', '-1e999', '1e-999', '0.001e-400']) t.is(parseDecimal(text), null, text);
  for (const [text, value] of [
    ['007', 7],
    ['.5', 0.5],
    ['-1.25E+3', -1250],
    ['0e999', 0],
  ] as const) {
    t.is(parseDecimal(text), value);
  }
});
