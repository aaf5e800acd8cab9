/**
 * CSV files that are written while the run goes on: RFC 4180 (quoted where needed, lines end in CR LF), the header
 * first, a missing value is empty and never 0.
 *
 * Each row goes to the kernel in one write before the call returns, so that killing the process loses no settled row.
 * Rows that can still change (a fault that has not recovered) form the file's tail, which is replaced as a whole. What
 * cannot be written (a full disk) is an OperatingError ERR_RESULTS_WRITE.
 */

import { closeSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import { assert } from '../core/assert.ts';
import { OperatingError } from '../core/errors.ts';

/** Null or undefined: missing. Numbers are written so that reading gives the same double. */
export type CsvValue = string | number | null | undefined;
export type CsvRow<Column extends string> = { readonly [Name in Column]?: CsvValue };

function encodeRows(rows: readonly (readonly CsvValue[])[]): string {
  for (const row of rows) {
    for (const value of row) assert(typeof value !== 'number' || Number.isFinite(value), 'a CSV number is finite');
  }
  return rows.length === 0
    ? ''
    : stringify(
        rows.map((row) => [...row]),
        { record_delimiter: 'windows' },
      );
}

export class CsvFile<Column extends string> {
  readonly path: string;
  readonly #columns: readonly Column[];
  readonly #descriptor: number;
  /** Bytes of the header and the settled rows. */
  #settledBytes = 0;
  /** What the tail holds now. */
  #tail = '';

  private constructor(path: string, columns: readonly Column[]) {
    this.path = path;
    this.#columns = columns;
    this.#descriptor = openSync(path, 'wx');
  }

  /** Creates the file with its header. Throws when it exists (EEXIST) or cannot be written. */
  static create<Column extends string>(path: string, columns: readonly Column[]): CsvFile<Column> {
    const file = new CsvFile(path, columns);
    file.#write(encodeRows([columns]));
    return file;
  }

  #write(text: string): void {
    const bytes = Buffer.from(text);
    let written = 0;
    try {
      while (written < bytes.length) {
        written += writeSync(this.#descriptor, bytes, written, bytes.length - written, this.#settledBytes + written);
      }
    } catch (cause) {
      throw new OperatingError('ERR_RESULTS_WRITE', `cannot write ${this.path}: ${String(cause)}`, { cause });
    }
    this.#settledBytes += bytes.length;
  }

  #encode(rows: readonly CsvRow<Column>[]): string {
    return encodeRows(rows.map((row) => this.#columns.map((column) => row[column])));
  }

  #dropTail(): void {
    if (this.#tail === '') return;
    ftruncateSync(this.#descriptor, this.#settledBytes);
    this.#tail = '';
  }

  /** Appends rows that will not change, before the tail. */
  append(...rows: readonly CsvRow<Column>[]): void {
    const tail = this.#tail;
    this.#dropTail();
    this.#write(this.#encode(rows) + tail);
    this.#settledBytes -= Buffer.byteLength(tail);
    this.#tail = tail;
  }

  /** Replaces the rows that can still change. */
  replaceTail(rows: readonly CsvRow<Column>[]): void {
    const tail = this.#encode(rows);
    if (tail === this.#tail) return;
    this.#dropTail();
    this.#write(tail);
    this.#settledBytes -= Buffer.byteLength(tail);
    this.#tail = tail;
  }

  /** Makes all rows durable; nothing can be written afterwards. */
  close(): void {
    fsyncSync(this.#descriptor);
    closeSync(this.#descriptor);
  }
}

/** A whole table as text, the header first. */
export function csvText<Column extends string>(columns: readonly Column[], rows: readonly CsvRow<Column>[]): string {
  return encodeRows([columns, ...rows.map((row) => columns.map((column) => row[column]))]);
}

/**
 * The rows of a file as records of text, a missing value being ''. A last line that was cut (its writer was killed) is
 * left out. Throws when the text is no CSV.
 */
export function readCsv(path: string): Record<string, string>[] {
  const text = readFileSync(path, 'utf8');
  return parse(text.slice(0, text.lastIndexOf('\n') + 1), { columns: true });
}
