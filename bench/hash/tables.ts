// The suite's results as the tables of its issue: nanoseconds a chunk, and ratios to the peers of the same run.

import { median } from './rounds.ts';
import type { Column, HashResults } from './suite.ts';

const OURS = 'stream-sum';

function sizeText(bytes: number): string {
  return bytes >= 1024 ? `${bytes / 1024} KiB` : `${bytes} B`;
}

function nanosecondsText(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(1);
}

function line(name: string, cells: readonly string[]): string {
  return name.padEnd(34) + cells.map((cell) => cell.padStart(11)).join('');
}

function ratioCells(columns: readonly Column[], peer: string, of: (values: readonly number[]) => number): string[] {
  return columns.map(({ timings }) => (of(timings.get(peer) ?? []) / of(timings.get(OURS) ?? [])).toFixed(2));
}

function fastest(values: readonly number[]): number {
  return Math.min(...values);
}

/** One table: columns of one benchmark and one number of files. */
function table(title: string, columns: readonly Column[]): string[] {
  const names = [...(columns[0]?.timings.keys() ?? [])];
  const nanoseconds = (name: string): string[] =>
    columns.map(({ timings }) => nanosecondsText(median(timings.get(name) ?? [])));
  const peers = names.filter((name) => name !== OURS);
  return [
    title,
    line(
      '  ns a chunk',
      columns.map(({ shape }) => sizeText(shape.chunkBytes)),
    ),
    ...names.map((name) => line(`  ${name}`, nanoseconds(name))),
    ...peers.map((peer) => line(`  times faster than ${peer}`, ratioCells(columns, peer, median))),
    // On a machine with other work the medians have that in them; the fastest rounds have the least of it.
    ...peers.slice(0, 1).map((peer) => line('    by the fastest rounds', ratioCells(columns, peer, fastest))),
    '',
  ];
}

/** All tables, as lines. */
export function hashTables(results: HashResults, backend: string): string[] {
  const of = (benchmark: Column['benchmark'], many: boolean): Column[] =>
    results.columns.filter(({ benchmark: other, shape }) => other === benchmark && shape.files > 1000 === many);
  const micro = Array.from(results.micro, ([name, values]) => line(`  ${name}`, [nanosecondsText(median(values))]));
  return [
    `Backend ${backend}; medians of interleaved rounds in one process.`,
    '',
    ...table('Pre-sliced chunks, 1,000 open files', of('sliced-chunks', false)),
    ...table('Record batches with parsing and look-up, 1,000 open files', of('record-batches', false)),
    ...table('Record batches with parsing and look-up, 100,000 open files', of('record-batches', true)),
    'Single operations, ns (median)',
    ...micro,
    '',
    `JavaScript heap allocated by a fold of 1,000 records: ${results.heapBytesPerBatch.toFixed(2)} B`,
  ];
}
