import test from 'ava';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { csvText } from './csv.ts';
import { CsvError, encodeCsv, parseCsv, parseDecimal } from './csv-grammar.ts';

function recordsOf(text: string | Buffer): { records: string[][]; cut: string | null } {
  const records: string[][] = [];
  const cut = parseCsv(Buffer.from(text), ({ fields }) => records.push([...fields]));
  return { records, cut: cut?.message ?? null };
}

/** Any Unicode text, in which characters with a meaning in CSV are more frequent than by chance. */
const NAME = fc.oneof(
  fc.string({ unit: 'binary' }),
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
