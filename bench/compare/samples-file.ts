/**
 * samples.csv as compare reads it. Another program, or a person, wrote it. A fault is reported with its line and
 * column, and then the file counts as having no samples. A last line that was cut is reported too, and only that line
 * is left out.
 */

import { type ParsedRow, parseCsv, parseDecimal } from '../../src/results/csv-grammar.ts';
import { SAMPLE_COLUMNS, type Sample } from '../../src/results/samples.ts';

export type SamplesFile = {
  readonly samples: readonly Sample[];
  /** Single lines. */
  readonly problems: readonly string[];
};

export function parseSamples(bytes: Buffer): SamplesFile {
  const reader = new SamplesReader();
  try {
    const cut = parseCsv(bytes, (record) => reader.take(record));
    const problems = cut === null ? [] : [cut.message];
    if (reader.samples.length === 0) problems.push(reader.hasHeader ? 'it has no samples' : 'it is empty');
    return { samples: reader.samples, problems };
  } catch (error) {
    return { samples: [], problems: [error instanceof Error ? error.message : String(error)] };
  }
}

type Columns = { readonly [Name in keyof Sample]: number };

/** Rounds below this have a number of their own in every row: 2^32 rows before numbers run out. */
const ROUNDS_OF_ROW = 2 ** 21;

class SamplesReader {
  readonly samples: Sample[] = [];
  #columns: Columns | null = null;
  /** Each text is stored once, however many rows have it. */
  readonly #texts: Map<string, string> = new Map();
  readonly #rows: Map<string, number> = new Map();
  readonly #seen: Set<number | string> = new Set();

  get hasHeader(): boolean {
    return this.#columns !== null;
  }

  /** Throws a CsvError. */
  take(record: ParsedRow): void {
    if (this.#columns === null) this.#columns = columnsOf(record);
    else this.samples.push(this.#sampleOf(record, this.#columns));
  }

  #sampleOf(record: ParsedRow, columns: Columns): Sample {
    const text = (column: keyof Sample): string => this.#once(record.fields[columns[column]] ?? '');
    const parameters = text('parameters');
    const sample: Sample = {
      suite: text('suite'),
      benchmark: text('benchmark'),
      parameters,
      metric: text('metric'),
      unit: text('unit'),
      better: directionOf(parameters, betterOf(record, columns.better)),
      round: roundOf(record, columns.round),
      value: valueOf(record, columns.value),
    };
    this.#checkNew(sample, record, columns);
    return sample;
  }

  #once(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    this.#texts.set(text, text);
    return text;
  }

  #checkNew(sample: Sample, record: ParsedRow, columns: Columns): void {
    const key = rowKey(sample);
    const row = this.#rows.get(key) ?? this.#rows.size;
    this.#rows.set(key, row);
    // Numbers take a quarter of the memory of texts.
    const round = sample.round < ROUNDS_OF_ROW ? row * ROUNDS_OF_ROW + sample.round : `${row} ${sample.round}`;
    if (this.#seen.has(round)) {
      throw record.error(columns.round, `round ${sample.round} of ${rowName(sample)} is there twice`);
    }
    this.#seen.add(round);
  }
}

function columnsOf(header: ParsedRow): Columns {
  const { fields } = header;
  const twice = fields.findIndex((name, index) => fields.indexOf(name) < index);
  if (twice >= 0) throw header.error(twice, `the header has the column ${JSON.stringify(fields[twice])} twice`);
  const missing = SAMPLE_COLUMNS.filter((name) => !fields.includes(name));
  if (missing.length > 0) {
    const what = `${missing.length === 1 ? 'column' : 'columns'} ${missing.join(', ')}`;
    throw header.error(0, `the header of a table of samples has no ${what}: results/README.md describes them`);
  }
  return Object.fromEntries(SAMPLE_COLUMNS.map((name) => [name, fields.indexOf(name)])) as Columns;
}

function betterOf(record: ParsedRow, column: number): Sample['better'] {
  const text = record.fields[column];
  if (text === 'higher' || text === 'lower' || text === 'none') return text;
  throw record.error(column, `${shown(text)} where better is higher, lower or none`);
}

function roundOf(record: ParsedRow, column: number): number {
  const text = record.fields[column] ?? '';
  const round = /^\d+$/.test(text) ? Number(text) : 0;
  if (round >= 1 && Number.isSafeInteger(round)) return round;
  throw record.error(column, `${shown(text)} is not a round number`);
}

function valueOf(record: ParsedRow, column: number): number | null {
  const text = record.fields[column] ?? '';
  const value = text === '' ? null : parseDecimal(text);
  if (value === null && text !== '') throw record.error(column, `${shown(text)} is not a decimal number`);
  return value;
}

function shown(text: string | undefined): string {
  return JSON.stringify((text ?? '').slice(0, 40));
}

/**
 * Rows of `rate=half` depend on the highest rate of their own run. Runs from before the column knew `none` have `lower`
 * and `higher` there.
 */
function directionOf(parameters: string, recorded: Sample['better']): Sample['better'] {
  return parameters.split(' ').includes('rate=half') ? 'none' : recorded;
}

type RowIdentity = Pick<Sample, 'suite' | 'benchmark' | 'parameters' | 'metric'>;

/**
 * The identity of a measured thing: rows with equal keys in two runs are comparable. Rows with different names never
 * have equal keys.
 */
export function rowKey({ suite, benchmark, parameters, metric }: RowIdentity): string {
  return `${suite.length} ${benchmark.length} ${parameters.length} ${suite}${benchmark}${parameters}${metric}`;
}

/** The same identity for a reader. */
export function rowName(sample: RowIdentity): string {
  return [sample.suite, sample.benchmark, sample.parameters, sample.metric].filter((part) => part !== '').join(' ');
}
