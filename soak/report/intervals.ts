/**
 * What `intervals.csv` says about a run, in a limited number of steps, because a run of days has hundreds of thousands
 * of rows. Columns of processes are found by their names, whatever they measure.
 */

import { parseCsv } from '../../src/results/csv-grammar.ts';
import { TimeSteps, type Steps } from '../../src/report/time-steps.ts';

export type PhaseSpan = { readonly name: string; readonly fromS: number; toS: number };

export type Intervals = {
  /** The end of the last row; 0 when there is none. */
  readonly endS: number;
  readonly rows: number;
  readonly stepS: number;
  readonly atS: readonly number[];
  readonly phases: readonly PhaseSpan[];
  /** Sums of the columns that count something. */
  readonly totals: ReadonlyMap<string, number>;
  /** Values by column; for a column that counts something, its rate per second. */
  readonly columns: ReadonlyMap<string, Steps>;
};

/** Columns that count what happened in the time of their row. */
const COUNTS: ReadonlySet<string> = new Set([
  'chunks_published',
  'bytes_published',
  'chunks_folded',
  'sums_verified',
  'violations',
]);
const NOT_VALUES: ReadonlySet<string> = new Set(['elapsed_s', 'phase']);

export function isCounted(column: string): boolean {
  return COUNTS.has(column);
}

/** Throws a CsvError when the file does not follow the grammar. A last row that was cut is left out. */
export function readIntervals(bytes: Buffer, stepsMax?: number): Intervals {
  const phases: PhaseSpan[] = [];
  const totals = new Map<string, number>();
  let names: readonly string[] | null = null;
  let places: readonly { readonly name: string; readonly at: number; readonly isCount: boolean }[] = [];
  let [elapsedAt, phaseAt] = [-1, -1];
  let steps = new TimeSteps([], stepsMax);
  let [endS, rows] = [0, 0];
  parseCsv(bytes, ({ fields }) => {
    if (names === null) {
      names = [...fields];
      [elapsedAt, phaseAt] = [names.indexOf('elapsed_s'), names.indexOf('phase')];
      places = names.flatMap((name, at) => (NOT_VALUES.has(name) ? [] : [{ name, at, isCount: isCounted(name) }]));
      steps = new TimeSteps(
        places.map(({ isCount }) => isCount),
        stepsMax,
      );
      return;
    }
    const atS = numberIn(fields[elapsedAt]);
    if (atS === null || atS < endS) return;
    const seconds = atS - endS;
    const phase = fields[phaseAt] ?? '';
    const last = phases.at(-1);
    if (last?.name === phase) last.toS = atS;
    else phases.push({ name: phase, fromS: endS, toS: atS });
    const values = places.map(({ name, at, isCount }) => {
      const value = numberIn(fields[at]);
      if (!isCount || value === null) return value;
      totals.set(name, (totals.get(name) ?? 0) + value);
      return seconds > 0 ? value / seconds : null;
    });
    steps.add(atS, seconds, values);
    [endS, rows] = [atS, rows + 1];
  });
  const columns = new Map(places.map(({ name }, index) => [name, steps.of(index)]));
  return { endS, rows, stepS: steps.stepS, atS: steps.atS.map((at) => Math.min(at, endS)), phases, totals, columns };
}

function numberIn(text: string = ''): number | null {
  return text === '' || !Number.isFinite(Number(text)) ? null : Number(text);
}

/** By metric (`rss_bytes`), the columns of the processes that have it. */
export function ofProcesses(
  columns: Iterable<string>,
): Map<string, { readonly process: string; readonly column: string }[]> {
  const found = new Map<string, { process: string; column: string }[]>();
  for (const column of columns) {
    const { metric, process } = PROCESS_COLUMN.exec(column)?.groups ?? {};
    if (metric === undefined || process === undefined) continue;
    found.set(metric, [...(found.get(metric) ?? []), { process: process.replaceAll('_', '-'), column }]);
  }
  return found;
}

const PROCESS_COLUMN =
  /^(?<metric>[a-z0-9_]+?)_(?<process>(?:broker|summer|chunker|soak|relay|auditor)(?:_[a-z0-9_.]+)?)$/;
