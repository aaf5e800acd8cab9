/** The comparison as Markdown, for a pull request. */

import { type Comparison, shortened } from './comparison.ts';
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

export function formatMarkdown(comparison: Comparison): string {
  const { differences, problems, notes, remarks, runs, rows, latency } = comparison;
  const found = sectionsOf(comparison);
  const groups = groupsOf(found, rows);
  const sections = found.flatMap((section, index) => [
    `### ${section.title} (${section.rows.length})`,
    '',
    ...(groups[index] ?? []).flatMap((group) => [
      `**${escaped(group.heading)}**`,
      '',
      ...table(
        ROW_HEAD,
        group.rows.map(({ label, row }) => [label, ...rowCells(row)]),
      ),
      '',
    ]),
  ]);
  return [
    ...titled('does not hold', violationLines(comparison)),
    ...runs.map((run) => `- ${escaped(runLine(run))}`),
    '',
    escaped(methodText(comparison)),
    '',
    ...titled(
      'different in OLD and NEW',
      differences.map(({ name, old, new: next }) => `${name}: ${old} -> ${next}`),
    ),
    ...titled('problems', shortened(problems, LINES_SHOWN)),
    ...sections,
    ...(latency.length === 0 ? [] : [...table(LATENCY_HEAD, latency.flatMap(latencyCells)), '']),
    ...titled('remarks of the runs', shortened(remarks, LINES_SHOWN)),
    ...[...notes, ...legendLines(comparison)].map((line) => `- ${escaped(line)}`),
    '',
  ].join('\n');
}

function titled(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`### ${title}`, '', ...lines.map((line) => `- ${escaped(line.trim())}`), ''];
}

function lineOf(cells: readonly string[]): string {
  return `| ${cells.map(escaped).join(' | ')} |`;
}

/** The first column is text, the others are figures. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return [
    lineOf(head),
    `|${head.map((_, column) => (column === 0 ? ' --- |' : ' ---: |')).join('')}`,
    ...rows.map(lineOf),
  ];
}

function escaped(text: string): string {
  return text.replaceAll(/[\\|<>*_`[\]~]/g, (character) => `\\${character}`);
}
