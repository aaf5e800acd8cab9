/**
 * The one grammar of every CSV that is written or read here (RFC 4180, and less freedom than it gives):
 *
 *     file   = [BOM] 1*record                  UTF-8; every record has its line end, the last one too
 *     record = field *("," field) (LF / CRLF)  as many fields as the first record, which is the header
 *     field  = plain / quoted
 *     plain  = *(any character but '"', ",", and control characters)
 *     quoted = '"' *(any character but '"' / '""') '"'
 *     number = ["-"] (digits ["." digits] / "." digits) [("e" / "E") ["+" / "-"] digits]
 *
 * Everything else is named by line and column, both from 1. A record without its line end was cut: its writer was killed.
 */

import { isUtf8 } from 'node:buffer';
import { OperatingError } from '../core/errors.ts';

const [QUOTE, COMMA, CR, LF, DELETE, FIRST_PRINTABLE] = [0x22, 0x2c, 0x0d, 0x0a, 0x7f, 0x20];
const BOM = '\uFEFF';

/** What is wrong, and where: `line 7, column 3: a quote within a field`. */
export class CsvError extends OperatingError {
  constructor(text: string, offset: number, what: string) {
    super('ERR_CSV', `${placeText(text, offset)}: ${what}`);
  }
}

/** Lines end in LF; columns are UTF-16 code units. */
function placeText(text: string, offset: number): string {
  let [line, start] = [1, 0];
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', start)) {
    line += 1;
    start = at + 1;
  }
  return `line ${line}, column ${offset - start + 1}`;
}

/** The text of a file. Throws a CsvError where its bytes are no UTF-8, and an OperatingError where it is too long. */
export function decodeCsv(bytes: Buffer): string {
  if (!isUtf8(bytes)) {
    let start = 0;
    for (let end = 0; start < bytes.length; start = end) {
      end = bytes.indexOf(LF, start) + 1 || bytes.length;
      if (!isUtf8(bytes.subarray(start, end))) break;
    }
    const text = bytes.toString('utf8', 0, Math.min(bytes.length, start + LINE_SHOWN_MAX));
    const lineStart = bytes.toString('utf8', 0, start).length;
    throw new CsvError(text, Math.max(lineStart, text.indexOf('\uFFFD', lineStart)), 'bytes that are no UTF-8');
  }
  return bytes.toString('utf8');
}

const LINE_SHOWN_MAX = 1 << 20;

/** One record, valid until the next one is read: the same object is used for all. */
export type CsvRecord = {
  readonly fields: readonly string[];
  /** The error of one of its fields. */
  readonly error: (field: number, what: string) => CsvError;
};

/**
 * Hands every whole record to `visit`, the header first. Returns the error of a last record that was cut, which is left out;
 * null when there is none. Throws a CsvError at the first thing that the grammar does not have.
 */
export function parseCsv(text: string, visit: (record: CsvRecord) => void): CsvError | null {
  const fields: string[] = [];
  const offsets: number[] = [];
  const record: CsvRecord = { fields, error: (field, what) => new CsvError(text, offsets[field] ?? 0, what) };
  let at = text.startsWith(BOM) ? BOM.length : 0;
  let width: number | null = null;
  while (at < text.length) {
    const begin = at;
    fields.length = 0;
    offsets.length = 0;
    for (;;) {
      offsets.push(at);
      const end = text.charCodeAt(at) === QUOTE ? endOfQuoted(text, at) : endOfPlain(text, at);
      if (end === null) return cutAt(text, { begin, quote: at });
      if (end >= text.length) return cutAt(text, { begin, quote: null });
      const isQuoted = text.charCodeAt(at) === QUOTE;
      fields.push(isQuoted ? text.slice(at + 1, end - 1).replaceAll('""', '"') : text.slice(at, end));
      at = end + 1;
      const next = text.charCodeAt(end);
      if (next === COMMA) continue;
      if (next === LF) break;
      if (next === CR && at >= text.length) return cutAt(text, { begin, quote: null });
      if (next === CR && text.charCodeAt(at) === LF) {
        at += 1;
        break;
      }
      throw new CsvError(text, end, unexpectedText(next, isQuoted));
    }
    width ??= fields.length;
    if (fields.length !== width) {
      throw new CsvError(text, begin, `${countText(fields.length)} where the header has ${width}`);
    }
    visit(record);
  }
  return null;
}

function countText(fields: number): string {
  return fields === 1 ? '1 field' : `${fields} fields`;
}

function unexpectedText(code: number, isQuoted: boolean): string {
  if (code === CR) return 'a carriage return that no line feed follows';
  if (isQuoted) return 'text after the closing quote of a field';
  return code === QUOTE ? 'a quote within a field that does not begin with one' : 'a control character without quotes';
}

function cutAt(text: string, { begin, quote }: { readonly begin: number; readonly quote: number | null }): CsvError {
  const isOneLine = !text.includes('\n', begin);
  if (quote === null || isOneLine) return new CsvError(text, begin, 'the last line is cut and left out');
  return new CsvError(text, quote, 'a quoted field never ends; its record and what follows is left out');
}

/** After the closing quote; null when there is none. */
function endOfQuoted(text: string, begin: number): number | null {
  for (let at = begin + 1; ; at += 2) {
    at = text.indexOf('"', at);
    if (at < 0) return null;
    if (text.charCodeAt(at + 1) !== QUOTE) return at + 1;
  }
}

/** At the first character that a plain field cannot have, or at the end of the text. */
function endOfPlain(text: string, begin: number): number {
  for (let at = begin; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === COMMA || code === QUOTE || code < FIRST_PRINTABLE || code === DELETE) return at;
  }
  return text.length;
}

/** A field as it is written: quoted where it has to be. What is no Unicode text (half a surrogate pair) becomes U+FFFD. */
export function encodeField(value: string): string {
  const isPlain = endOfPlain(value, 0) === value.length && !value.startsWith(BOM);
  return isPlain ? value : `"${value.replaceAll('"', '""')}"`;
}

const NUMBER = /^-?(\d+(\.\d+)?|\.\d+)([eE][+-]?\d+)?$/;

/** The double that a field means; null when it is no decimal number, or one that no double is close to. */
export function parseDecimal(field: string): number | null {
  const value = NUMBER.test(field) ? Number(field) : Number.NaN;
  const isLost = value === 0 && /[1-9]/.test(field.split(/e/i)[0] ?? '');
  return Number.isFinite(value) && !isLost ? value : null;
}
