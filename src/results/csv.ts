/**
 * CSV files that are written while the run goes on, by the grammar of csv-grammar.ts: the header first, lines end in CR
 * LF, a missing value is empty and never 0.
 *
 * Each row goes to the kernel in one write before the call returns, so killing the process loses no settled row. Rows
 * that can still change (a fault that has not recovered) form the file's tail, which is replaced as a whole. A failed
 * write (a full disk) is an OperatingError ERR_RESULTS_WRITE.
 */

import { closeSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { OperatingError } from '../core/errors.ts';
import { type CsvValue, encodeCsv, parseCsv } from './csv-grammar.ts';

export type CsvRow<Column extends string> = { readonly [Name in Column]?: CsvValue };

export class CsvFile<Column extends string> {
  readonly path: string;
  readonly #columns: readonly Column[];
  readonly #descriptor: number;
  /** Bytes of the header and the settled rows. */
  #settledBytes = 0;
  /** The present content of the tail. */
  #tail = '';

  private constructor(path: string, columns: readonly Column[]) {
    this.path = path;
    this.#columns = columns;
    this.#descriptor = openSync(path, 'wx');
  }

  /** Creates the file with its header. Throws when the file exists (EEXIST) or cannot be written. */
  static create<Column extends string>(path: string, columns: readonly Column[]): CsvFile<Column> {
    const file = new CsvFile(path, columns);
    file.#write(encodeCsv([columns]));
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
    return encodeCsv(rows.map((row) => this.#columns.map((column) => row[column])));
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

  /** Makes all rows durable. Nothing can be written afterwards. */
  close(): void {
    fsyncSync(this.#descriptor);
    closeSync(this.#descriptor);
  }
}

/** A whole table as text, the header first. */
export function csvText<Column extends string>(columns: readonly Column[], rows: readonly CsvRow<Column>[]): string {
  return encodeCsv([columns, ...rows.map((row) => columns.map((column) => row[column]))]);
}

/**
 * The rows of a file as records of text; a missing value is ''. A last line that was cut because its writer was killed
 * is left out. Throws a CsvError when the file breaks the grammar, and when a column has no name or the name of another
 * column.
 */
export function readCsv(path: string): Record<string, string>[] {
  return readCsvBytes(readFileSync(path));
}

/** The rows of bytes that were already read, as `readCsv` gives them. */
export function readCsvBytes(bytes: Buffer): Record<string, string>[] {
  const rows: Record<string, string>[] = [];
  let columns: readonly string[] | null = null;
  parseCsv(bytes, ({ fields, error }) => {
    if (columns === null) {
      columns = fields;
      const index = columns.findIndex((name, at) => name === '' || fields.indexOf(name) < at);
      if (index >= 0) throw error(index, 'a column without a name of its own');
    } else {
      rows.push(Object.fromEntries(columns.map((name, index) => [name, fields[index] ?? ''])));
    }
  });
  return rows;
}
