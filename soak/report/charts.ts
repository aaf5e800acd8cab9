/** The figures of a soak's report, from the contents of its folder. Pure. */

import type { Figure, Panel, TimeSeries, Unit } from '../../src/report/chart.ts';
import { percentilesChart } from '../../src/report/percentiles.ts';
import type { Steps } from '../../src/report/time-steps.ts';
import { areMerged, faultLanes } from './faults.ts';
import { type Intervals, ofProcesses } from './intervals.ts';
import type { SoakSource } from './run-source.ts';

/** The most processes in one chart, because more cannot be told apart. Those with the greatest values are drawn. */
const PROCESSES_DRAWN = 12;

/** Names of metrics; others are called like their column. */
const METRIC_NAMES = new Map([
  ['rss_bytes', 'Resident memory'],
  ['fds', 'Open files'],
  ['disk_bytes', 'Disk that the data folder uses'],
]);

export function timelineFigure(source: SoakSource): Figure {
  const { intervals, faults, run } = source;
  const { rate } = run.configuration;
  const offered = typeof rate === 'number' ? [offeredSeries(intervals, rate)] : [];
  const panels: Panel[] = [
    {
      name: 'chunks a second',
      unit: 'count',
      scale: 'linear',
      series: [
        ...ranged(intervals, 'published', 'chunks_published'),
        ...ranged(intervals, 'folded', 'chunks_folded', { hasBand: false }),
        ...offered,
      ],
    },
    {
      name: 'sums verified a second',
      unit: 'count',
      scale: 'linear',
      series: ranged(intervals, 'sums verified', 'sums_verified'),
    },
    {
      name: 'latency of sums (logarithmic)',
      unit: 'seconds',
      scale: 'logarithmic',
      series: [
        ...greatest(intervals, 'p50 of a second', 'latency_p50_s'),
        ...greatest(intervals, 'p99 of a second', 'latency_p99_s'),
        ...greatest(intervals, 'longest', 'latency_max_s'),
      ],
    },
    {
      name: 'at the end of a second',
      unit: 'count',
      scale: 'linear',
      series: [
        ...greatest(intervals, 'files open', 'files_open'),
        ...greatest(intervals, 'sums outstanding', 'sums_outstanding'),
      ],
    },
  ];
  return {
    of: 'time',
    chart: {
      title: 'Throughput, latency and faults over the run',
      note: [stepNote(intervals), FAULT_NOTE, ...(areMerged(faults) ? [MERGED_NOTE] : []), ZOOM_NOTE].join(' '),
      endS: endOf(source),
      atS: intervals.atS,
      phases: intervals.phases,
      panels: panels.filter(({ series }) => series.length > 0),
      faults: faults.length === 0 ? null : faultLanes(faults, endOf(source)),
    },
  };
}

const FAULT_NOTE =
  'A fault is solid from its injection to its healing, and pale until its recovery. The tick is its proof. A hollow ' +
  'fault was never proven.';
const MERGED_NOTE = 'There are too many faults to draw each: those of a kind that are near each other are one bar.';
const ZOOM_NOTE = 'Slider, Ctrl and wheel, or two fingers: zoom. Drag: pan.';

function endOf({ intervals, faults }: SoakSource): number {
  return faults.reduce(
    (endS, { injectedS, recoveredS }) => Math.max(endS, injectedS, recoveredS ?? 0),
    Math.max(1, intervals.endS),
  );
}

function stepNote({ stepS }: Intervals): string {
  if (stepS === 1) return 'A point is one second. A gap: nothing is known.';
  return (
    `A point stands for ${stepS} s: rates are the mean, with a band from the least to the greatest second. ` +
    `Percentiles are never averaged: the line is the greatest of the ${stepS} seconds. A gap: nothing is known.`
  );
}

/** The mean, and the band in which the seconds of each step lie. */
function ranged(
  { columns, stepS }: Intervals,
  name: string,
  column: string,
  { hasBand = true }: { hasBand?: boolean } = {},
): TimeSeries[] {
  const steps = columns.get(column);
  if (steps === undefined || isEmpty(steps)) return [];
  const { mean, low, high } = steps;
  return [{ name, values: mean, ...(hasBand && stepS > 1 ? { low, high } : {}) }];
}

function greatest({ columns }: Intervals, name: string, column: string): TimeSeries[] {
  const steps = columns.get(column);
  return steps === undefined || isEmpty(steps) ? [] : [{ name, values: steps.high }];
}

/** The offered rate until the drain, which offers nothing. */
function offeredSeries({ atS, phases }: Intervals, rate: number): TimeSeries {
  const drain = phases.find(({ name }) => name === 'drain');
  return { name: 'offered', isDashed: true, values: atS.map((at) => (at < (drain?.fromS ?? Infinity) ? rate : null)) };
}

function isEmpty({ high }: Steps): boolean {
  return high.every((value) => value === null);
}

/** Latency by percentile, with a line for each phase. */
export function percentileFigure({ latencies }: SoakSource): Figure | null {
  const own = latencies.filter(({ stage }) => stage === 'sum');
  const phases = [...new Set(own.map(({ phase }) => phase))];
  const chart = percentilesChart(
    'Latency of sums by percentile and phase, from the intended send time',
    phases.map((phase) => ({ name: phase, rows: own.filter((row) => row.phase === phase) })),
  );
  return chart === null ? null : { of: 'chart', chart };
}

/** A chart for each metric of the processes, and for each other gauge of the run. */
export function resourceFigures(source: SoakSource): Figure[] {
  const { intervals } = source;
  const metrics = ofProcesses(intervals.columns.keys());
  const figures = [...metrics].flatMap(([metric, columns]) => {
    const series = columns
      .flatMap(({ process, column }) => greatest(intervals, process, column))
      .toSorted((one, other) => most(other) - most(one));
    return series.length === 0 ? [] : [resourceFigure(source, metric, series)];
  });
  const disk = greatest(intervals, 'data folder', 'disk_bytes');
  return disk.length === 0 ? figures : [...figures, resourceFigure(source, 'disk_bytes', disk)];
}

function resourceFigure(source: SoakSource, metric: string, series: readonly TimeSeries[]): Figure {
  const { intervals } = source;
  const shown = series.slice(0, PROCESSES_DRAWN);
  const left = series.length - shown.length;
  const name = METRIC_NAMES.get(metric);
  const notes = [
    ...(intervals.stepS === 1 ? [] : [`A point is the greatest value of ${intervals.stepS} s.`]),
    ...(left === 0 ? [] : [`Not drawn: ${left} processes with lower values.`]),
    'A gap: the process was down, or nothing is known. The axis need not begin at 0.',
  ];
  return {
    of: 'time',
    chart: {
      title: name === undefined ? `Column ${metric}` : `${name}${series.length > 1 ? ' by process' : ''}`,
      note: notes.join(' '),
      endS: endOf(source),
      atS: intervals.atS,
      phases: intervals.phases,
      panels: [{ name: axisName(metric), unit: unitOf(metric), scale: 'linear', isClose: true, series: shown }],
      faults: null,
    },
  };
}

function axisName(metric: string): string {
  return { bytes: 'bytes', seconds: 'seconds', count: 'count' }[unitOf(metric)];
}

/** The unit by the last part of the metric's name. */
function unitOf(metric: string): Extract<Unit, 'bytes' | 'seconds' | 'count'> {
  if (metric.endsWith('_bytes')) return 'bytes';
  return metric.endsWith('_s') ? 'seconds' : 'count';
}

function most({ values }: TimeSeries): number {
  return values.reduce<number>((greatestOf, value) => Math.max(greatestOf, value ?? 0), 0);
}
