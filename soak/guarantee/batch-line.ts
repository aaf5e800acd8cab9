/**
 * Reads the line of a batch in a whole history (`whole-event.ts`) from its bytes, without a parser of JSON: nearly all
 * lines are of batches. It takes only what the recorder writes, character by character, and leaves every other line to
 * `JSON.parse`, so that it refuses nothing and accepts nothing that `JSON.parse` would not.
 */

/** The fields of a line. One object, overwritten by each `read`. */
export type BatchFields = {
  n: number;
  atNs: number;
  journal: string;
  begin: number;
  end: number;
  stampNs: number;
  byteLength: number;
};

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const CLOSE = 0x7d;
const ZERO = 0x30;
/** Numbers of so many digits are exact. */
const DIGITS_MAX = 15;
const JOURNALS_MAX = 4096;
/** So many names are compared with the bytes, one by one. Further ones are looked up. */
const COMPARED_MAX = 16;

const [BEFORE_N, BEFORE_AT, BEFORE_JOURNAL, BEFORE_BEGIN, BEFORE_END, BEFORE_STAMP, BEFORE_LENGTH] = [
  '{"n":',
  '"atNs":',
  '"event":"batch","journal":"',
  '"begin":',
  '"end":',
  '"stampNs":',
  '"byteLength":',
].map((text) => Buffer.from(text, 'ascii')) as [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer, Buffer];

export class BatchLineReader {
  readonly fields: BatchFields = { n: 0, atNs: 0, journal: '', begin: 0, end: 0, stampNs: 0, byteLength: 0 };
  /** The names of journals that were read. */
  readonly #journals = new Map<string, string>();
  /** The first of them. */
  readonly #compared: string[] = [];
  #line: Uint8Array = new Uint8Array(0);
  #at = 0;

  /** Whether the bytes from `begin` to `end` are such a line. Then `fields` has it. */
  read(bytes: Buffer, begin: number, end: number): boolean {
    this.#line = bytes;
    this.#at = begin;
    const { fields } = this;
    if (!this.#skip(BEFORE_N)) return false;
    fields.n = this.#number(COMMA);
    if (!(fields.n > 0) || !this.#skip(BEFORE_AT)) return false;
    fields.atNs = this.#number(COMMA);
    if (fields.atNs < 0 || !this.#skip(BEFORE_JOURNAL)) return false;
    const journal = this.#name(bytes, end);
    if (journal === null || !this.#skip(BEFORE_BEGIN)) return false;
    fields.journal = journal;
    fields.begin = this.#number(COMMA);
    if (fields.begin < 0 || !this.#skip(BEFORE_END)) return false;
    fields.end = this.#number(COMMA);
    if (fields.end < 0 || !this.#skip(BEFORE_STAMP)) return false;
    fields.stampNs = this.#number(COMMA);
    if (fields.stampNs < 0 || !this.#skip(BEFORE_LENGTH)) return false;
    fields.byteLength = this.#number(CLOSE);
    return fields.byteLength >= 0 && this.#at === end;
  }

  #skip(expected: Uint8Array): boolean {
    const line = this.#line;
    const at = this.#at;
    for (let place = 0; place < expected.length; place += 1) {
      if (line[at + place] !== expected[place]) return false;
    }
    this.#at = at + expected.length;
    return true;
  }

  /** The number before `behind`, which is skipped too. -1: no digits, or a number that is written otherwise. */
  #number(behind: number): number {
    const line = this.#line;
    const first = this.#at;
    let at = first;
    let value = 0;
    for (; ; at += 1) {
      const digit = (line[at] ?? 0) - ZERO;
      if (!(digit >= 0 && digit <= 9)) break;
      value = value * 10 + digit;
    }
    const digits = at - first;
    if (digits === 0 || digits > DIGITS_MAX || line[at] !== behind) return -1;
    if (digits > 1 && line[first] === ZERO) return -1;
    this.#at = at + 1;
    return value;
  }

  /** The name before a quote and a comma, which are skipped too. Null: it has other than plain characters. */
  #name(bytes: Buffer, end: number): string | null {
    const first = this.#at;
    let at = first;
    for (; at < end; at += 1) {
      const character = bytes[at] ?? 0;
      if (character === QUOTE) break;
      if (character < 0x20 || character > 0x7e || character === BACKSLASH) return null;
    }
    if (at >= end || bytes[at + 1] !== COMMA) return null;
    this.#at = at + 2;
    return this.#journalOf(bytes, first, at);
  }

  /** The same name is the same string object, so that it is hashed once. */
  #journalOf(bytes: Buffer, begin: number, end: number): string {
    for (const known of this.#compared) if (isText(bytes, begin, end, known)) return known;
    const text = bytes.toString('latin1', begin, end);
    const known = this.#journals.get(text);
    if (known !== undefined) return known;
    if (this.#journals.size >= JOURNALS_MAX) this.#journals.clear();
    this.#journals.set(text, text);
    if (this.#compared.length < COMPARED_MAX) this.#compared.push(text);
    return text;
  }
}

/** Names of journals differ in their last characters, so it begins there. */
function isText(bytes: Uint8Array, begin: number, end: number, text: string): boolean {
  if (end - begin !== text.length) return false;
  for (let place = text.length - 1; place >= 0; place -= 1) {
    if (bytes[begin + place] !== text.charCodeAt(place)) return false;
  }
  return true;
}
