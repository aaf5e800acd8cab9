/** The results of a run as text: medians over its rounds, and ratios to the peers of the same rounds. Pure. */

import type { Sample } from '../src/results/samples.ts';
import { pipelineTables } from './pipeline/tables.ts';
import { parameterOf, parametersWithout, type Row, rowsOf, valueText } from './rows.ts';
import { aligned } from './text-table.ts';

const OURS = 'stream-sum';

/** All tables of a run. */
export function benchTables(samples: readonly Sample[], remarks: readonly string[]): string[] {
  const rows = rowsOf(samples);
  const micro = rows.filter(({ suite }) => suite !== 'pipeline');
  return [
    ...peerTables(micro.filter(isCompared)),
    ...plainTables(micro.filter((row) => !isCompared(row))),
    ...pipelineTables(rows.filter(({ suite }) => suite === 'pipeline')),
    ...remarkLines(remarks),
  ];
}

const REMARKS_SHOWN = 20;
const REMARK_LENGTH_SHOWN = 160;

function remarkLines(remarks: readonly string[]): string[] {
  if (remarks.length === 0) return [];
  const shown = remarks
    .slice(0, REMARKS_SHOWN)
    .map((line) => (line.length > REMARK_LENGTH_SHOWN ? `  ${line.slice(0, REMARK_LENGTH_SHOWN)} ...` : `  ${line}`));
  const hidden = remarks.length - shown.length;
  return ['remarks', ...shown, ...(hidden === 0 ? [] : [`  and ${hidden} more in run.json`]), ''];
}

function isCompared(row: Row): boolean {
  return parameterOf(row, 'contender') !== null;
}

/** One table for each suite: a line for each row. */
function plainTables(rows: readonly Row[]): string[] {
  return [...new Set(rows.map(({ suite }) => suite))].flatMap((suite) => {
    const lines = rows
      .filter((row) => row.suite === suite)
      .map((row) => {
        const { values, unit } = row;
        const name = [row.benchmark, row.parameters].join(' ').trim();
        const range = [values[0], values.at(-1)].map((value) => valueText(value ?? null, unit)).join(' to ');
        return [`  ${name}`, row.metric, valueText(row.median, unit), range];
      });
    return [`${suite}: medians of the rounds`, ...aligned([['', 'metric', 'median', 'range'], ...lines]), ''];
  });
}

/** One table for each benchmark and number of files: contenders by chunk size, and how much faster the addon is. */
function peerTables(rows: readonly Row[]): string[] {
  return [...new Set(rows.map(titleOf))].flatMap((title) => {
    const own = rows.filter((row) => titleOf(row) === title);
    const sizes = [...new Set(own.map((row) => parameterOf(row, 'chunk_bytes')))].toSorted(
      (a, b) => Number(a) - Number(b),
    );
    const contenders = [...new Set(own.map((row) => parameterOf(row, 'contender') ?? ''))].toSorted((a, b) =>
      a.localeCompare(b),
    );
    const find = (contender: string | null, size: string | null): Row | undefined =>
      own.find((row) => parameterOf(row, 'contender') === contender && parameterOf(row, 'chunk_bytes') === size);
    const times = contenders.map((contender) => [
      `  ${contender}`,
      ...sizes.map((size) => valueText(find(contender, size)?.median ?? null, 's')),
    ]);
    const ratios = contenders
      .filter((contender) => contender !== OURS)
      .map((contender) => [
        `  ${OURS} is faster than ${contender} by`,
        ...sizes.map((size) => ratioText(find(contender, size), find(OURS, size))),
      ]);
    const header = ['', ...sizes.map((size) => `${size} B`)];
    return [title, ...aligned([header, ...times, ...ratios]), ''];
  });
}

function titleOf(row: Row): string {
  return `${row.suite}: ${row.benchmark}, ${parametersWithout(row, 'contender', 'chunk_bytes')}, time of a chunk`;
}

function ratioText(peer: Row | undefined, ours: Row | undefined): string {
  const [above, below] = [peer?.median ?? null, ours?.median ?? null];
  return above === null || below === null ? '-' : `${(above / below).toFixed(2)}x`;
}
