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
  return name.padEnd(26) + cells.map((cell) => cell.padStart(11)).join('');
}

/** One table: columns of one benchmark and one number of files. */
function table(title: string, columns: readonly Column[]): string[] {
  const names = [...(columns[0]?.timings.keys() ?? [])];
  const medians = columns.map(
    ({ timings }) => new Map(Array.from(timings, ([name, values]) => [name, median(values)])),
  );
  const cells = (name: string): number[] => medians.map((column) => column.get(name) ?? Number.NaN);
  const ours = cells(OURS);
  const ratios = names
    .filter((name) => name !== OURS)
    .map((name) => {
      const peer = cells(name);
      return line(
        `  times faster than ${name}`.slice(0, 40).padEnd(34),
        peer.map((value, at) => (value / (ours[at] ?? Number.NaN)).toFixed(2)),
      );
    });
  return [
    title,
    line(
      '  ns a chunk'.padEnd(34),
      columns.map(({ shape }) => sizeText(shape.chunkBytes)),
    ),
    ...names.map((name) => line(`  ${name}`.padEnd(34), cells(name).map(nanosecondsText))),
    ...ratios,
    '',
  ];
}

/** All tables, as lines. */
export function hashTables(results: HashResults, backend: string): string[] {
  const of = (benchmark: Column['benchmark'], many: boolean): Column[] =>
    results.columns.filter(({ benchmark: other, shape }) => other === benchmark && shape.files > 1000 === many);
  const micro = Array.from(results.micro, ([name, values]) =>
    line(`  ${name}`.padEnd(34), [nanosecondsText(median(values))]),
  );
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
