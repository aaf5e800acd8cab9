/** The comparison for a terminal. */

import { greatest } from '../../src/measure/statistics.ts';
import { aligned as alignedLines } from '../text-table.ts';
import { type ComparedRow, type Comparison, shortened } from './comparison.ts';
import {
  groupsOf,
  LATENCY_HEAD,
  LINES_SHOWN,
  latencyCells,
  legendLines,
  methodText,
  ROW_HEAD,
  rowCells,
  runLine,
  sectionsOf,
  violationLines,
} from './sections.ts';

const GAP = '  ';
const LABEL_LEAST = 24;

/** `width` in columns. Labels that do not fit stand on a separate line. */
export function formatTable(comparison: Comparison, width: number): string {
  const { differences, problems, notes } = comparison;
  return [
    ...titled('does not hold', violationLines(comparison)),
    ...comparison.runs.map(runLine),
    '',
    ...wrapped(methodText(comparison), width, ''),
    '',
    ...titled(
      'different in OLD and NEW',
      differences.map(({ name, old, new: next }) => `${name}: ${old} -> ${next}`),
    ),
    ...titled('problems', shortened(problems, LINES_SHOWN)),
    ...rowLines(comparison, width),
    ...latencyLines(comparison),
    ...remarkLines(comparison, width),
    ...notes.map((note) => `note: ${note}`),
    ...legendLines(comparison),
    summaryLine(comparison),
    '',
  ].join('\n');
}

function titled(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title.toUpperCase(), ...lines.map((line) => `  ${line}`), ''];
}

function rowLines(comparison: Comparison, width: number): string[] {
  const cells = comparison.rows.map(rowCells);
  const longest = (column: number): number => greatest(cells.map((row) => row[column]?.length ?? 0));
  const last = ROW_HEAD.length - 2;
  const widths = ROW_HEAD.slice(1).map((head, column) => Math.max(head.length, column === last ? 0 : longest(column)));
  const verdictWidth = Math.max(0, longest(last));
  const figuresWidth = widths.reduce((sum, each) => sum + each + GAP.length, 0) + verdictWidth;
  const found = sectionsOf(comparison);
  const grouped = groupsOf(found, comparison.rows);
  const sections = found.map((section, index) => ({ section, groups: grouped[index] ?? [] }));
  const labels = sections.flatMap(({ groups }) =>
    groups.flatMap(({ rows }) => rows.map(({ label }) => label.length + 2)),
  );
  const labelWidth = Math.min(Math.max(0, greatest(labels)), Math.max(LABEL_LEAST, width - figuresWidth));
  return sections.flatMap(({ section, groups }) => [
    `${section.title.toUpperCase()} (${section.rows.length})`,
    ...groups.flatMap((group) => [
      ...wrapped(group.heading, width, '    '),
      aligned('', ROW_HEAD.slice(1), { labelWidth, widths }),
      ...group.rows.flatMap(({ label, row }) => labelled(`  ${label}`, rowCells(row), { labelWidth, widths })),
      '',
    ]),
  ]);
}

type Layout = { readonly labelWidth: number; readonly widths: readonly number[] };

/** The last cell is text and not padded. */
function aligned(label: string, cells: readonly string[], { labelWidth, widths }: Layout): string {
  const last = cells.length - 1;
  const padded = cells.map((cell, column) => (column === last ? cell : cell.padStart(widths[column] ?? 0)));
  return [label.padEnd(labelWidth), ...padded].join(GAP).trimEnd();
}

function labelled(label: string, cells: readonly string[], layout: Layout): string[] {
  return label.length <= layout.labelWidth ? [aligned(label, cells, layout)] : [label, aligned('', cells, layout)];
}

/** Breaks at spaces, and indents every line after the first. */
function wrapped(text: string, width: number, indent: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(line === undefined ? word : `${indent}${word}`);
  }
  return lines;
}

function latencyLines({ latency }: Comparison): string[] {
  return latency.length === 0 ? [] : [...alignedLines([LATENCY_HEAD, ...latency.flatMap(latencyCells)]), ''];
}

/** The first remarks, each on one line: run.json has all. */
function remarkLines({ remarks }: Comparison, width: number): string[] {
  const lines = shortened(remarks, LINES_SHOWN);
  const most = width - 6;
  return titled(
    'remarks of the runs',
    lines.map((line) => (line.length <= most ? line : `${line.slice(0, most)} ...`)),
  );
}

const VERDICTS: readonly ComparedRow['verdict'][] = [
  'worse',
  'better',
  'void',
  'worse?',
  'better?',
  'same',
  'too noisy',
  'n too small',
  'incomplete',
  'not trusted',
  'not judged',
];

function summaryLine({ rows }: Comparison): string {
  const count = (verdict: ComparedRow['verdict']): number => rows.filter((row) => row.verdict === verdict).length;
  const parts = VERDICTS.filter((verdict) => count(verdict) > 0).map(
    (verdict) => `${count(verdict)} ${verdict === 'same' ? '~' : verdict}`,
  );
  return `${rows.length} rows: ${parts.length === 0 ? 'nothing to compare' : parts.join(', ')}`;
}
