/** The charts of a run, from its rows and histograms alone. Pure. */

import { formatCount } from '../../src/core/units.ts';
import type { LatencyRow } from '../../src/results/latency-row.ts';
import type { Sample } from '../../src/results/samples.ts';
import { ALL } from '../possible.ts';
import { parameterOf, type Row, rowsOf } from '../rows.ts';
import type { Chart, Series } from '../../src/report/chart.ts';
import { percentilesChart } from '../../src/report/percentiles.ts';

export function chartsOf(samples: readonly Sample[], latencies: readonly LatencyRow[]): Chart[] {
  const rows = rowsOf(samples);
  const pipeline = rows.filter(({ suite }) => suite === 'pipeline');
  return [
    ...throughputCharts(pipeline),
    ...cpuCharts(pipeline.filter(({ benchmark }) => benchmark === 'throughput')),
    ...latencyCharts(latencies),
    ...recoveryCharts(samples),
    ...growthCharts(pipeline.filter(({ benchmark }) => benchmark === 'growth')),
    ...hashCharts(rows.filter(({ suite }) => suite === 'hash')),
    ...timeCharts(rows.filter(({ suite }) => suite !== 'pipeline' && suite !== 'hash')),
  ];
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}

/** Distinct values of a parameter, as numbers, ascending. */
function numbersOf(rows: readonly Row[], parameter: string): number[] {
  const found = rows.flatMap((row) => parameterOf(row, parameter) ?? []);
  return distinct(found.map(Number)).toSorted((a, b) => a - b);
}

function sizeText(bytes: number): string {
  return bytes >= 1024 ? `${bytes / 1024} KiB` : `${bytes} B`;
}

function partOf(row: Row): string {
  return row.benchmark === 'throughput' ? 'pipeline' : `${parameterOf(row, 'part') ?? ''} alone`;
}

function faultOf(sample: Sample): string {
  return parameterOf(sample, 'fault') ?? '';
}

function isTotalCpu(row: Row): boolean {
  return row.metric === 'cpu_s_per_million_chunks' && parameterOf(row, 'process') === ALL;
}

function hashTitleOf(row: Row): string {
  return `Hashing, ${row.benchmark}, ${formatCount(Number(parameterOf(row, 'files')))} files: time of a chunk`;
}

function timeTitleOf(row: Row): string {
  return `${row.suite}: ${row.benchmark}, ${row.metric}`;
}

/** The pipeline beside the ceilings of its parts, in payload by chunk size. */
function throughputCharts(rows: readonly Row[]): Chart[] {
  const own = rows.filter((row) => row.metric === 'bytes_per_s' && ['throughput', 'ceiling'].includes(row.benchmark));
  if (own.length === 0) return [];
  const sizes = numbersOf(own, 'chunk_bytes');
  const names = distinct(own.map(partOf)).toSorted((a, b) => Number(b === 'pipeline') - Number(a === 'pipeline'));
  const series = names.map((name) => ({
    name,
    values: sizes.map((size) => {
      const row = own.find((one) => partOf(one) === name && Number(parameterOf(one, 'chunk_bytes')) === size);
      return row?.median ?? null;
    }),
  }));
  return [
    {
      title: 'Throughput, and the ceilings of its parts',
      kind: 'points',
      categories: sizes.map(sizeText),
      xName: 'chunk',
      yName: 'payload a second',
      yScale: 'logarithmic',
      yUnit: 'bytes/s',
      series,
    },
  ];
}

/** Where the CPU time of a saturated pipeline goes, in parts of the whole. */
function cpuCharts(rows: readonly Row[]): Chart[] {
  const own = rows.filter(({ metric }) => metric === 'cpu_s_per_million_chunks');
  if (own.length === 0) return [];
  const sizes = numbersOf(own, 'chunk_bytes');
  const find = (process: string, size: number): number | null =>
    own.find((row) => parameterOf(row, 'process') === process && Number(parameterOf(row, 'chunk_bytes')) === size)
      ?.median ?? null;
  const processes = distinct(own.flatMap((row) => parameterOf(row, 'process') ?? [])).filter((name) => name !== ALL);
  const series = processes.map((name) => ({
    name,
    values: sizes.map((size) => {
      const [part, whole] = [find(name, size), find(ALL, size)];
      return part === null || whole === null ? null : (100 * part) / whole;
    }),
  }));
  const totals = sizes.map((size) => `${sizeText(size)}: ${find(ALL, size)?.toPrecision(3) ?? '-'} CPU-s`);
  return [
    {
      title: 'CPU time by process; below it, of all for a million chunks',
      kind: 'bar',
      categories: totals,
      yName: '% of all',
      yScale: 'linear',
      yUnit: 'percent',
      stacked: true,
      series,
    },
  ];
}

/** Over all rounds. */
function latencyCharts(latencies: readonly LatencyRow[]): Chart[] {
  const phases = distinct(latencies.map(({ phase }) => phase)).filter((phase) => phase.startsWith('latency '));
  const chart = percentilesChart(
    'Latency of sums, from the intended send time',
    phases.map((phase) => ({
      name: phase.replace('latency ', ''),
      rows: latencies.filter((row) => row.phase === phase && row.stage === 'sum'),
    })),
  );
  return chart === null ? [] : [chart];
}

/** Each round's median and longest recovery. */
function recoveryCharts(samples: readonly Sample[]): Chart[] {
  const own = samples.filter(({ benchmark, value }) => benchmark === 'recovery' && value !== null);
  if (own.length === 0) return [];
  const categories = distinct(own.map(faultOf));
  const series = distinct(own.map(({ metric }) => metric)).map((metric) => ({
    name: metric === 'recovery_median_s' ? 'median of a round' : 'longest of a round',
    values: own
      .filter((sample) => sample.metric === metric)
      .map((sample): [number, number] => [categories.indexOf(faultOf(sample)), sample.value ?? 0]),
  }));
  return [
    {
      title: 'Recovery, from kill -9 to the next new sum',
      kind: 'points',
      categories,
      yName: 'time',
      yScale: 'linear',
      yUnit: 'seconds',
      series,
    },
  ];
}

function growthCharts(rows: readonly Row[]): Chart[] {
  return ['files', 'partitions', 'chunkers'].flatMap((vary): Chart[] => {
    const own = rows.filter((row) => parameterOf(row, vary) !== null);
    const counts = numbersOf(own, vary);
    if (counts.length < 2) return [];
    const seriesOf = (name: string, isOne: (row: Row) => boolean): Series => ({
      name,
      values: counts.map((count) => {
        const row = own.find((one) => isOne(one) && Number(parameterOf(one, vary)) === count);
        return row?.median ?? null;
      }),
    });
    const common = { categories: counts.map(formatCount), xName: vary, yScale: 'linear' } as const;
    return [
      {
        ...common,
        title: `Growth by ${vary}: CPU-seconds for a million chunks`,
        kind: 'line',
        yName: 'CPU-s',
        yUnit: 'number',
        series: [seriesOf('all processes', isTotalCpu)],
      },
      {
        ...common,
        title: `Growth by ${vary}: chunks a second`,
        kind: 'line',
        yName: 'chunks/s',
        yUnit: 'count',
        series: [
          seriesOf('published', ({ metric }) => metric === 'chunks_published_per_s'),
          seriesOf('published and folded', ({ metric }) => metric === 'chunks_per_s'),
          seriesOf('of verified files', ({ metric }) => metric === 'chunks_verified_per_s'),
        ],
      },
    ];
  });
}

/** Contenders by chunk size. */
function hashCharts(rows: readonly Row[]): Chart[] {
  const own = rows.filter((row) => parameterOf(row, 'contender') !== null);
  return distinct(own.map(hashTitleOf)).map((title): Chart => {
    const ofTitle = own.filter((row) => hashTitleOf(row) === title);
    const sizes = numbersOf(ofTitle, 'chunk_bytes');
    const contenders = distinct(ofTitle.map((row) => parameterOf(row, 'contender') ?? ''));
    const series = contenders.map((name) => ({
      name,
      values: sizes.map((size) => {
        const row = ofTitle.find(
          (one) => parameterOf(one, 'contender') === name && Number(parameterOf(one, 'chunk_bytes')) === size,
        );
        return row?.median ?? null;
      }),
    }));
    return {
      title,
      kind: sizes.length > 1 ? 'line' : 'points',
      categories: sizes.map(sizeText),
      xName: 'chunk',
      yName: 'time',
      yScale: 'logarithmic',
      yUnit: 'seconds',
      series,
    };
  });
}

/** The other suites: one chart for each benchmark that has several rows. */
function timeCharts(rows: readonly Row[]): Chart[] {
  return distinct(rows.map(timeTitleOf)).flatMap((title): Chart[] => {
    const own = rows.filter((row) => timeTitleOf(row) === title);
    if (own.length < 2) return [];
    return [
      {
        title,
        kind: 'points',
        categories: own.map((row) => row.parameters.replaceAll(' ', '\n')),
        yName: 'time',
        yScale: 'logarithmic',
        yUnit: 'seconds',
        series: [{ name: 'median', values: own.map((row) => row.median) }],
      },
    ];
  });
}
