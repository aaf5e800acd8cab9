/** The samples of a run by row: one benchmark with its parameters and one metric, over all rounds. Pure. */

import { formatBytes, formatCount, formatSeconds } from '../src/core/units.ts';
import type { Sample } from '../src/results/samples.ts';
import { ascending, median } from '../src/measure/statistics.ts';

export type Row = Pick<Sample, 'suite' | 'benchmark' | 'parameters' | 'metric' | 'unit' | 'better'> & {
  /** Values of the rounds in which it could be measured, ascending. */
  readonly values: readonly number[];
  /** Null: it could not be measured in some round. The missing value may be the slow one. */
  readonly median: number | null;
};

/** Rows by name; numbers in names are ordered as numbers. */
export function rowsOf(samples: readonly Sample[]): Row[] {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const { suite, benchmark, parameters, metric } = sample;
    const key = [suite, benchmark, parameters, metric].join('\n');
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [sample]);
    else group.push(sample);
  }
  const byName = [...groups].toSorted(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }));
  return byName.flatMap(([, group]) => {
    const [first] = group;
    if (first === undefined) return [];
    const { suite, benchmark, parameters, metric, unit, better } = first;
    const values = ascending(group.flatMap(({ value }) => (value === null ? [] : [value])));
    const middle = values.length < group.length ? null : median(values);
    return [{ suite, benchmark, parameters, metric, unit, better, values, median: middle }];
  });
}

/** The value of one of the `name=value` pairs of a row's parameters. */
export function parameterOf(row: Pick<Row, 'parameters'>, name: string): string | null {
  const found = row.parameters.split(' ').find((pair) => pair.startsWith(`${name}=`));
  return found === undefined ? null : found.slice(name.length + 1);
}

/** A row's parameters without the named ones. */
export function parametersWithout(row: Pick<Row, 'parameters'>, ...names: readonly string[]): string {
  return row.parameters
    .split(' ')
    .filter((pair) => !names.includes(pair.split('=')[0] ?? ''))
    .join(' ');
}

/** A value in the unit that reads best; `-` when there is none. */
export function valueText(value: number | null, unit: string): string {
  if (value === null) return '-';
  switch (unit) {
    case 's':
      return formatSeconds(value);
    case 'B':
      return formatBytes(value);
    case 'B/s':
      return `${formatBytes(value)}/s`;
    case '1/s':
      return `${formatCount(value)}/s`;
    default:
      return Number(value.toPrecision(3)).toString();
  }
}
