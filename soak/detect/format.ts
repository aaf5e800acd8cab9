/** The table of measured power, as text or as Markdown. */

import type { Power } from './detection.ts';

export const FORMATS = ['text', 'markdown'] as const;
export type Format = (typeof FORMATS)[number];

const HEAD = ['class', 'mutants', 'planted', 'in effect', 'caught', 'named rightly', 'virtual s', 'real s'];

/**
 * A row is a class: schedules with a bug, schedules in which it took effect, and how many showed it. Seconds are
 * medians.
 */
export function formatPowers(powers: readonly Power[], format: Format): string[] {
  const rows = powers.map(({ name, mutants, planted, effective, caught, rightKind, virtualSMedian, realSMedian }) => [
    name,
    String(mutants),
    String(planted),
    String(effective),
    share(caught, effective),
    share(rightKind, caught),
    seconds(virtualSMedian, 1),
    seconds(realSMedian, 2),
  ]);
  return format === 'markdown' ? markdown(rows) : aligned([HEAD, ...rows]);
}

function markdown(rows: readonly (readonly string[])[]): string[] {
  const rule = HEAD.map((_, column) => (column === 0 ? '---' : '---:'));
  return [HEAD, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`);
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = HEAD.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  return rows.map((cells) =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  '),
  );
}

/** In percent, never rounded up to 100. */
function share(part: number, whole: number): string {
  if (whole === 0) return '';
  return part === whole ? '100 %' : `${(Math.floor((part / whole) * 1000) / 10).toFixed(1)} %`;
}

function seconds(value: number | null, digits: number): string {
  return value === null ? '' : value.toFixed(digits);
}
