/** The tables of the pipeline suite. Pure. */

import { aligned } from '../text-table.ts';
import { parameterOf, parametersWithout, type Row, valueText } from '../rows.ts';
import { ALL } from '../possible.ts';
import { distrust } from './measurements.ts';

type Column = {
  readonly title: string;
  readonly metric: string;
  readonly process?: string;
  /** Whether the column is left out where no row has it. */
  readonly isOptional?: true;
};

const FLOW: readonly Column[] = [
  { title: 'chunks/s', metric: 'chunks_per_s' },
  { title: 'payload', metric: 'bytes_per_s' },
  { title: 'CPU-s/M', metric: 'cpu_s_per_million_chunks', process: ALL },
  { title: 'broker', metric: 'cpu_s_per_million_chunks', process: 'broker' },
  { title: 'etcd', metric: 'cpu_s_per_million_chunks', process: 'etcd', isOptional: true },
  { title: 'summers', metric: 'cpu_s_per_million_chunks', process: 'summer' },
  { title: 'chunkers', metric: 'cpu_s_per_million_chunks', process: 'chunker' },
  { title: 'written/payload', metric: 'written_bytes_per_payload_byte' },
  { title: 'growth/payload', metric: 'journal_growth_per_payload_byte' },
  { title: 'RSS of all', metric: 'rss_bytes' },
  { title: 'loop lag', metric: 'event_loop_lag_max_s' },
];
const LATENCY: readonly Column[] = [
  { title: 'offered', metric: 'offered_chunks_per_s' },
  { title: 'p50', metric: 'sum_latency_p50_s' },
  { title: 'p99', metric: 'sum_latency_p99_s' },
  { title: 'p99.9', metric: 'sum_latency_p99_9_s' },
  { title: 'acknowledged p99', metric: 'acknowledgement_latency_p99_s' },
  { title: 'schedule lag p99', metric: 'schedule_lag_p99_s' },
  { title: 'CPU-s/M', metric: 'cpu_s_per_million_chunks', process: ALL },
];
const RECOVERY: readonly Column[] = [
  { title: 'median', metric: 'recovery_median_s' },
  { title: 'longest', metric: 'recovery_max_s' },
];
const CEILING: readonly Column[] = [
  { title: 'chunks/s', metric: 'chunks_per_s' },
  { title: 'payload', metric: 'bytes_per_s' },
];

const TABLES: readonly (readonly [benchmark: string, title: string, columns: readonly Column[]])[] = [
  ['throughput', 'throughput, saturated, every sum verified', FLOW],
  ['latency', 'latency of sums, from the intended send time', LATENCY],
  ['recovery', 'recovery, from kill -9 to the next new sum', RECOVERY],
  ['growth', 'growth, saturated, 32 B', FLOW],
  ['ceiling', 'ceilings, each part alone', CEILING],
];

export function pipelineTables(rows: readonly Row[]): string[] {
  return TABLES.flatMap(([benchmark, title, ofTable]) => {
    const own = rows.filter((row) => row.benchmark === benchmark);
    const columns = ofTable.filter((column) => column.isOptional !== true || cellsOf(column, own).length > 0);
    const names = [...new Set(own.map((row) => parametersWithout(row, 'process')))];
    if (names.length === 0) return [];
    const lines = names.map((name) => {
      const ofName = own.filter((row) => parametersWithout(row, 'process') === name);
      return [`  ${name}`, ...columns.map((column) => cellText(column, ofName)), ...marksOf(ofName)];
    });
    const rounds = Math.max(...own.map(({ values }) => values.length));
    const header = ['', ...columns.map(({ title: text }) => text), ...(benchmark === 'latency' ? [''] : [])];
    return [
      `pipeline: ${title}; ${rounds === 1 ? '1 round' : `medians of ${rounds} rounds`}`,
      ...aligned([header, ...lines]),
      '',
    ];
  });
}

/** Whether rows of latencies can be trusted. */
function marksOf(rows: readonly Row[]): string[] {
  const nsOf = (metric: string): number | null => {
    const seconds = rows.find((row) => row.metric === metric)?.median ?? null;
    return seconds === null ? null : seconds * 1e9;
  };
  if (rows[0]?.benchmark !== 'latency') return [];
  return [distrust(nsOf('schedule_lag_p99_s'), nsOf('sum_latency_p99_s')) === null ? '' : 'not to be trusted'];
}

/**
 * The sum over several processes of one kind (`summer-0`, `summer-1`). For memory and lag, a value over and of all
 * processes.
 */
function cellText(column: Column, rows: readonly Row[]): string {
  const { metric } = column;
  const found = cellsOf(column, rows);
  const values = found.flatMap(({ median }) => (median === null ? [] : [median]));
  const [first] = found;
  // A sum without one of its parts would be too small.
  if (first === undefined || values.length < found.length) return '-';
  const value = metric === 'event_loop_lag_max_s' ? Math.max(...values) : values.reduce((sum, one) => sum + one, 0);
  return metric === 'cpu_s_per_million_chunks' ? value.toPrecision(3) : valueText(value, first.unit);
}

function cellsOf({ metric, process }: Column, rows: readonly Row[]): Row[] {
  return rows.filter((row) => {
    const name = parameterOf(row, 'process');
    return (
      row.metric === metric && (process === undefined || name === process || name?.startsWith(`${process}-`) === true)
    );
  });
}
