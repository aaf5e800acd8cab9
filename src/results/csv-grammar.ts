/**
 * The one grammar of every CSV that is written or read here (RFC 4180 with less freedom):
 *
 *     file   = [BOM] 1*record                  UTF-8; every record has its line end, the last one too
 *     record = field *("," field) (LF / CRLF)  as many fields as the first record, which is the header
 *     field  = plain / quoted
 *     plain  = *(any character but '"', ",", and control characters)
 *     quoted = '"' *(any character but '"' / '""') '"'
 *     number = ["-"] (digits ["." digits] / "." digits) [("e" / "E") ["+" / "-"] digits]
 *
 * csv-parse reads and csv-stringify writes. This file refuses text that csv-parse accepts beyond the grammar, and gives
 * the line and the column of an error, both from 1. A record without its line end was cut because its writer was
 * killed.
 */

import { isUtf8 } from 'node:buffer';
import { type InfoRecord, CsvError as ParserError, parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import { assert } from '../core/assert.ts';
import { OperatingError } from '../core/errors.ts';

const [LF, CR] = [0x0a, 0x0d];
const BOM = Buffer.from('\uFEFF');
/**
 * Characters that a field never has without quotes: U+0000 to U+001F, and U+007F. LF is not in the list, because it
 * ends a record there.
 */
const CONTROL = /[^\P{Cc}\n\x80-\x9f]/u;
/**
 * Fields with these characters are quoted, as are fields with commas and quotes. At the start of a file U+FEFF would be
 * a BOM.
 */
const QUOTED = [CONTROL, '\n', /^\uFEFF/];
const RECORD_ENDS = ['\r\n', '\n'];
const AFTER_QUOTE = 'text after the closing quote of a field';
const LONE_RETURN = 'a carriage return that no line feed follows';

/** The fault and its place: `line 7, column 3: a quote within a field`. */
export class CsvError extends OperatingError {
  constructor(text: Buffer, offset: number, what: string) {
    super('ERR_CSV', `${placeText(text, offset)}: ${what}`);
  }
}

/** Lines end in LF; columns are UTF-16 code units. */
function placeText(text: Buffer, offset: number): string {
  let [line, start] = [1, 0];
  for (let at = text.indexOf(LF); at >= 0 && at < offset; at = text.indexOf(LF, start)) {
    line += 1;
    start = at + 1;
  }
  return `line ${line}, column ${text.toString('utf8', start, offset).length + 1}`;
}

/** One record. The same object is used for all records, so it is valid until the next one is read. */
export type ParsedRow = {
  readonly fields: readonly string[];
  /** The error of one field. */
  readonly error: (field: number, what: string) => CsvError;
};

/**
 * Hands every whole record of a file to `visit`, the header first. A last record that was cut is left out, and its
 * error is returned; null when no record was cut. Throws a CsvError at the first fault against the grammar, and
 * whatever `visit` throws.
 */
export function parseCsv(bytes: Buffer, visit: (record: ParsedRow) => void): CsvError | null {
  checkUtf8(bytes);
  const text = bytes.subarray(0, BOM.length).equals(BOM) ? bytes.subarray(BOM.length) : bytes;
  let begin = 0;
  const record = {
    fields: [] as readonly string[],
    error: (field: number, what: string): CsvError => {
      const at = spansOf(text.subarray(begin))[field]?.begin ?? 0;
      return new CsvError(text, begin + at, what);
    },
  };
  const onRecord = (wrapped: unknown, { bytes: end, raw = '' }: InfoRecord): null => {
    // `raw` has the first character of a line end.
    if (CONTROL.test(raw.slice(0, -1))) checkControls(text, begin);
    record.fields = (wrapped as WrappedRecord).record;
    visit(record);
    begin = end;
    return null;
  };
  try {
    const whole = text.subarray(0, text.lastIndexOf(LF) + 1);
    parse(whole, { record_delimiter: RECORD_ENDS, raw: true, on_record: onRecord });
  } catch (error) {
    if (!(error instanceof ParserError)) throw error;
    return grammarError(text, begin, error);
  }
  return begin === text.length ? null : cutAt(text, begin);
}

/** The records of csv-parse with `raw`; its types do not say so. */
type WrappedRecord = { readonly record: readonly string[] };

/**
 * The first record that csv-parse refuses begins at `begin`. Throws its error, or returns it if the record is
 * unfinished.
 */
function grammarError(text: Buffer, begin: number, { code, message, ...error }: ParserError): CsvError {
  if (code === 'CSV_QUOTE_NOT_CLOSED') {
    const quote = Number(error['index']) === 0 ? begin : Number(error['bytes']) + 1;
    return new CsvError(text, quote, 'a quoted field never ends; its record and what follows is left out');
  }
  if (code === 'CSV_RECORD_INCONSISTENT_FIELDS_LENGTH') {
    const [read, width] = [spansOf(text.subarray(begin)).length, spansOf(text).length];
    throw new CsvError(text, begin, `${read === 1 ? '1 field' : `${read} fields`} where the header has ${width}`);
  }
  /** `raw` ends in the quote that csv-parse refuses. */
  const end = begin + Buffer.byteLength(String(error['raw']));
  if (code === 'CSV_INVALID_CLOSING_QUOTE') throw new CsvError(text, end, AFTER_QUOTE);
  if (code === 'INVALID_OPENING_QUOTE') {
    throw new CsvError(text, end - 1, 'a quote within a field that does not begin with one');
  }
  throw new CsvError(text, begin, message);
}

/**
 * The error of a text that does not end a line that begins at `begin`. Throws a CsvError when lines end in CR alone.
 */
function cutAt(text: Buffer, begin: number): CsvError {
  const at = text.indexOf(CR, begin);
  if (at >= 0 && at < text.length - 1 && !text.includes('"', begin)) throw new CsvError(text, at, LONE_RETURN);
  return new CsvError(text, begin, 'the last line is cut and left out');
}

/** The place of a field in bytes, with its quotes. */
type Span = { readonly begin: number; readonly end: number; readonly isQuoted: boolean };

/** The fields of the first record of a text. */
function spansOf(text: Buffer): Span[] {
  const spans: Span[] = [];
  let begin = 0;
  parse(text, {
    record_delimiter: RECORD_ENDS,
    to: 1,
    cast: (field, { bytes: end, quoting: isQuoted }) => {
      spans.push({ begin, end, isQuoted });
      begin = end + 1;
      return field;
    },
  });
  return spans;
}

/** Checks the record at `begin`. csv-parse accepts control characters in any field, and NUL behind a closing quote. */
function checkControls(text: Buffer, begin: number): void {
  for (const span of spansOf(text.subarray(begin))) {
    const at = begin + span.begin;
    const raw = text.toString('latin1', at, begin + span.end);
    if (span.isQuoted) {
      const end = raw.lastIndexOf('"') + 1;
      if (end < raw.length) throw new CsvError(text, at + end, AFTER_QUOTE);
    } else if (CONTROL.test(raw)) {
      const index = raw.search(CONTROL);
      const what = raw[index] === '\r' ? LONE_RETURN : 'a control character without quotes';
      throw new CsvError(text, at + index, what);
    }
  }
}

/** Throws a CsvError where the bytes of a file are not UTF-8. */
function checkUtf8(bytes: Buffer): void {
  if (isUtf8(bytes)) return;
  let start = 0;
  for (let end = 0; start < bytes.length; start = end) {
    end = bytes.indexOf(LF, start) + 1 || bytes.length;
    if (!isUtf8(bytes.subarray(start, end))) break;
  }
  const line = bytes.toString('utf8', start, Math.min(bytes.length, start + LINE_SHOWN_MAX));
  const valid = line.slice(0, Math.max(0, line.indexOf('\uFFFD')));
  throw new CsvError(bytes, start + Buffer.byteLength(valid), 'bytes that are not UTF-8');
}

const LINE_SHOWN_MAX = 1 << 20;

/** Null or undefined: missing. Numbers are written so that reading gives the same double. */
export type CsvValue = string | number | null | undefined;

/** Records as they are written. Half a surrogate pair, which is not Unicode text, becomes U+FFFD in the bytes. */
export function encodeCsv(records: readonly (readonly CsvValue[])[]): string {
  for (const record of records) {
    for (const value of record) assert(typeof value !== 'number' || Number.isFinite(value), 'a CSV number is finite');
  }
  return stringify([...records], { record_delimiter: 'windows', quoted_match: QUOTED });
}

const NUMBER = /^-?(\d+(\.\d+)?|\.\d+)([eE][+-]?\d+)?$/;

/** The double that a field means; null when it is not a decimal number, or when no double is close to it. */
export function parseDecimal(field: string): number | null {
  const value = NUMBER.test(field) ? Number(field) : Number.NaN;
  const isLost = value === 0 && /[1-9]/.test(field.split(/e/i)[0] ?? '');
  return Number.isFinite(value) && !isLost ? value : null;
}
