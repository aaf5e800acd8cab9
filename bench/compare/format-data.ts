/** The comparison for programs: rows as CSV, the whole as JSON. results/README.md describes both. */

import { csvText } from '../../src/results/csv.ts';
import type { ComparedRow, Comparison, GateOutcome } from './comparison.ts';

export const COMPARISON_SCHEMA_VERSION: number = 1;

type Column = readonly [name: string, of: (row: ComparedRow) => string | number | null];

const COLUMNS: readonly Column[] = [
  ['suite', (row) => row.suite],
  ['benchmark', (row) => row.benchmark],
  ['parameters', (row) => row.parameters],
  ['metric', (row) => row.metric],
  ['unit', (row) => row.unit],
  ['better', (row) => row.better],
  ['old_count', (row) => row.oldCount],
  ['old_median', (row) => row.old.value],
  ['old_low', (row) => row.old.low],
  ['old_high', (row) => row.old.high],
  ['new_count', (row) => row.newCount],
  ['new_median', (row) => row.new.value],
  ['new_low', (row) => row.new.low],
  ['new_high', (row) => row.new.high],
  ['change', (row) => row.change.value],
  ['change_low', (row) => row.change.low],
  ['change_high', (row) => row.change.high],
  ['p', (row) => row.p],
  ['detectable', (row) => row.detectable],
  ['verdict', (row) => row.verdict],
];

/** One line a row. Infinite values are missing. */
export function formatCsv({ rows }: Comparison): string {
  return csvText(
    COLUMNS.map(([name]) => name),
    rows.map((row) => Object.fromEntries(COLUMNS.map(([name, of]) => [name, finiteOrNull(of(row))]))),
  );
}

function finiteOrNull(value: string | number | null): string | number | null {
  return typeof value === 'number' && !Number.isFinite(value) ? null : value;
}

/** `gate` is null when no gate was asked for. */
export function formatJson(comparison: Comparison, gate: GateOutcome | null): string {
  return `${JSON.stringify({ schemaVersion: COMPARISON_SCHEMA_VERSION, ...comparison, gate }, null, 2)}\n`;
}
