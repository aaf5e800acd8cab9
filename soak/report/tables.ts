/** The tables of a soak's report. Pure. */

import { formatBytes, formatCount, formatSeconds } from '../../src/core/units.ts';
import { type Column, escaped, tableHtml } from '../../src/report/html.ts';
import { type Fault, type KindOutcome, momentMatrix } from './faults.ts';
import type { ReportRun, SoakSource } from './run-source.ts';

const number = (name: string): Column => ({ name, isNumber: true });

/** `-`: there is no such value, or it lies among the censored ones. */
function secondsText(seconds: number | null): string {
  return seconds === null ? '-' : formatSeconds(seconds);
}

export function latencyTable({ latencies }: SoakSource): string {
  const columns = [
    ...['phase', 'stage'].map((name) => ({ name })),
    ...['count', 'without a sample', 'p50', 'p90', 'p99', 'p99.9', 'longest'].map(number),
  ];
  const rows = latencies
    .filter(({ count, censored }) => count > 0 || (censored ?? 0) > 0)
    .map(({ phase, stage, count, censored, p50, p90, p99, p99_9, max }) => [
      escaped(phase),
      escaped(stage),
      formatCount(count),
      censored === null ? '-' : formatCount(censored),
      ...[p50, p90, p99, p99_9, max].map(secondsText),
    ]);
  if (rows.length === 0) return '';
  const note =
    '<p class="minor">Percentiles count what has no sample as longer than everything. <code>-</code>: the rank lies ' +
    'there, or there is no value. Each row has its own histogram: no percentile is averaged.</p>';
  return tableHtml({ label: 'Latency by phase', columns, rows }) + note;
}

export function recoveryHtml(outcomes: readonly KindOutcome[]): string {
  if (outcomes.length === 0) return '<p>The run was to have no faults, and had none.</p>';
  const columns = [
    { name: 'kind' },
    ...['injected', 'proven', 'healed', 'recovered', 'median', 'longest'].map(number),
    { name: '' },
    number('longest without a sum'),
  ];
  const longest = Math.max(...outcomes.map(({ longestS }) => longestS ?? 0), 1e-9);
  const rows = outcomes.map(({ kind, injected, proven, healed, recovered, medianS, longestS, longestGapS }) => {
    const percent = (100 * (longestS ?? 0)) / longest;
    const bar = longestS === null ? '' : `<span class="bar" style="width: ${(percent * 0.9).toFixed(1)}px"></span>`;
    return [
      `<span class="${proven === 0 ? 'none' : ''}">${escaped(kind)}</span>`,
      ...[injected, proven, healed, recovered].map(formatCount),
      secondsText(medianS),
      secondsText(longestS),
      bar,
      secondsText(longestGapS),
    ];
  });
  const together = outcomes.reduce((sum, outcome) => sum + outcome.together, 0);
  const overtaken = outcomes.reduce((sum, outcome) => sum + outcome.overtaken, 0);
  const never = outcomes.filter(({ proven }) => proven === 0).length;
  const note =
    '<p class="minor">Recovery counts from the injection until the last partition that was hit has a verified sum. ' +
    (together === 0
      ? ''
      : `${formatCount(together)} faults were open together with another one, which may have kept them waiting. `) +
    (overtaken === 0
      ? ''
      : `${formatCount(overtaken)} recoveries are not in these times, because the next fault began before. `) +
    `${never === 0 ? '' : `${never} of ${outcomes.length} kinds had no proven fault in this run.`}</p>`;
  return tableHtml({ label: 'Recovery by fault', columns, rows }) + note;
}

/** How often each kind was proven at each moment. */
export function matrixHtml(faults: readonly Fault[], outcomes: readonly KindOutcome[]): string {
  const { moments, rows } = momentMatrix(
    faults,
    outcomes.map(({ kind }) => kind),
  );
  if (moments.length === 0) return '<p>No fault was injected.</p>';
  const most = Math.max(1, ...rows.flatMap(({ counts }) => counts));
  const columns = [{ name: 'kind' }, ...moments.map(number), number('faults')];
  const proven = new Map(outcomes.map((outcome) => [outcome.kind, outcome.proven]));
  const cells = rows.map(({ kind, counts }) => [
    escaped(kind),
    ...counts.map((count) => {
      if (count === 0) return '<span class="none">0</span>';
      const share = Math.round((70 * count) / most);
      return `<span class="cell" style="--share: ${share}%">&nbsp;${formatCount(count)}&nbsp;</span>`;
    }),
    formatCount(proven.get(kind) ?? 0),
  ]);
  return (
    tableHtml({ label: 'Proven faults by kind and moment', columns, rows: cells }) +
    '<p class="minor">Proven faults by what their targets did when they hit. A fault that hit at several moments ' +
    'counts at each.</p>'
  );
}

function isLeak(row: Readonly<Record<string, string>>): boolean {
  return row['verdict'] === 'leak';
}

/** How each process's use of each resource grew: the judged rows, leaks first. Empty when none was judged. */
export function slopesHtml({ slopes }: SoakSource): string {
  const judged = slopes.filter((row) => row['verdict'] !== 'short');
  if (slopes.length === 0) return '';
  const columns = [
    ...['process', 'resource', 'verdict'].map((name) => ({ name })),
    ...['median', 'change an hour', '95 % interval', 'watched for', 'incarnations'].map(number),
  ];
  const rows = [...judged.filter(isLeak), ...judged.filter((row) => !isLeak(row))].map((row) => {
    const cell = (name: string): string => escaped(row[name] ?? '');
    const value = (name: string): string => escaped(valueText(row[name] ?? '', row['unit'] ?? ''));
    const verdict = isLeak(row) ? `<strong class="missing">${cell('verdict')}</strong>` : cell('verdict');
    const interval = row['per_hour_low'] === '' ? '-' : `${value('per_hour_low')} to ${value('per_hour_high')}`;
    return [
      cell('process'),
      cell('resource'),
      verdict,
      value('median'),
      value('per_hour'),
      interval,
      escaped(valueText(row['seconds'] ?? '', 's')),
      cell('incarnations'),
    ];
  });
  const short = slopes.length - judged.length;
  const note =
    short === 0
      ? ''
      : `<p class="minor">${formatCount(short)} of ${formatCount(slopes.length)} series were watched for too short a ` +
        'time to be judged.</p>';
  const table = rows.length === 0 ? '' : tableHtml({ label: 'Growth of resources', columns, rows });
  return `<h3>Growth</h3>${table}${note}`;
}

function valueText(text: string, unit: string): string {
  if (text === '' || !Number.isFinite(Number(text))) return '-';
  const value = Number(text);
  if (unit === 'B') return `${value < 0 ? '-' : ''}${formatBytes(Math.abs(value))}`;
  return unit === 's' ? formatSeconds(value) : String(Number(value.toPrecision(3)));
}

/** A name and a value; objects are shown by their fields. */
function fieldsOf(value: Readonly<Record<string, unknown>>, prefix = ''): (readonly [string, string])[] {
  return Object.entries(value).flatMap(([name, field]): (readonly [string, string])[] => {
    const isObject = typeof field === 'object' && field !== null && !Array.isArray(field);
    if (isObject) return fieldsOf(field as Readonly<Record<string, unknown>>, `${prefix}${name}.`);
    return [[`${prefix}${name}`, shownText(field)]];
  });
}

const VALUE_LENGTH_MAX = 400;

function shownText(value: unknown): string {
  if (value === null || value === undefined) return 'not known';
  if (Array.isArray(value) && value.every((one) => typeof one !== 'object'))
    return value.length === 0 ? 'none' : value.join(', ');
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return text.length <= VALUE_LENGTH_MAX ? text : `${text.slice(0, VALUE_LENGTH_MAX)} ...`;
}

function fieldTable(label: string, fields: readonly (readonly [string, string])[]): string {
  const rows = fields.map(([name, text]) => [escaped(name), escaped(text)]);
  return `<div>${tableHtml({ label, columns: [{ name: label }, { name: '' }], rows })}</div>`;
}

/** An option that was not given is null there. */
export function configurationHtml({ configuration, commandLine }: ReportRun): string {
  const asked = Object.fromEntries(Object.entries(configuration).filter(([, value]) => value !== null));
  const ranges = Object.entries(asked).map(([name, value]): [string, unknown] => [name, rangeOf(value) ?? value]);
  return fieldTable('configuration', [
    ['command line', commandLine.join(' ')],
    ...fieldsOf(Object.fromEntries(ranges)),
  ]);
}

function rangeOf(value: unknown): string | null {
  const { low, high } = (value ?? {}) as { low?: unknown; high?: unknown };
  if (typeof low !== 'number' || typeof high !== 'number') return null;
  return low === high ? String(low) : `${low}..${high}`;
}

export function environmentHtml({ environment }: ReportRun): string {
  return fieldTable('environment', fieldsOf(environment));
}

function fileLink(path: string): string {
  return `<a href="${escaped(encodeURI(path))}">${escaped(path)}</a>`;
}

export function filesHtml({ files, logs }: SoakSource): string {
  const shown = files.filter((name) => !name.endsWith('.part') && name !== 'report.html');
  const named = logs.map((name) => `logs/${name}`);
  return `<p>In the folder: ${shown.map(fileLink).join(', ')}</p>${
    named.length === 0 ? '' : `<p>Logs: ${named.map(fileLink).join(', ')}</p>`
  }`;
}
