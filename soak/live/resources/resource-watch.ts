/**
 * The resources of every process of a soak, this one included, from the end of the warm-up to the drain: a series for
 * each process and resource, and their slopes. A folder outlives the process that writes it, so `disk` has one
 * incarnation.
 */

import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { formatBytes, formatDuration } from '../../../src/core/units.ts';
import type { ProcessUsage } from '../../../src/fleet/process-usage.ts';
import type { LogEntry } from '../../guarantee/history-log.ts';
import type { Phase } from '../../guarantee/phase.ts';
import type { Violation } from '../../guarantee/violation.ts';
import {
  BOUNDS,
  type LeakBound,
  type LeakVerdict,
  RESOURCES,
  type Resource,
  UNITS,
  type Watched,
  judgeLeaks,
} from './leaks.ts';
import { ResourceSeries, SERIES, type SeriesOptions } from './resource-series.ts';

/** The phases with the load of the run. */
const WATCHED_PHASES: readonly Phase[] = ['steady', 'faults', 'heal'];
const LAG_RESOLUTION_MS = 10;
const SECONDS_PER_HOUR = 3_600;
/** A process that was away for this long, and was never watched long enough, is forgotten. */
const FORGOTTEN_S = 600;
/** The only incarnation of a folder. */
const FOLDER_INCARNATION = 0;

/** One process in one second. */
export type ProcessReading = {
  readonly name: string;
  readonly pid: number;
  readonly usage: ProcessUsage;
  /** The bytes of its data folder; null: it has none. */
  readonly diskBytes: number | null;
};

/** A row of resources.csv, and of run.json. */
export type ResourceRow = {
  readonly process: string;
  readonly resource: Resource;
  readonly unit: string;
  readonly incarnations: number;
  readonly seconds: number;
  readonly median: number | null;
  readonly perHour: number | null;
  readonly perHourLow: number | null;
  readonly perHourHigh: number | null;
  readonly perHourRecent: number | null;
  readonly perHourRobust: number | null;
  readonly p: number | null;
  readonly verdict: LeakVerdict;
};

export type ResourceWatchOptions = {
  /** The name of this process. */
  readonly self: string;
  readonly series?: SeriesOptions;
  readonly bounds?: Readonly<Record<Resource, LeakBound | null>>;
};

export class ResourceWatch {
  readonly #options: ResourceWatchOptions;
  readonly #series = new Map<string, { process: string; resource: Resource; series: ResourceSeries }>();
  readonly #lag: IntervalHistogram = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  /** The process id of each running process. */
  readonly #pids = new Map<string, number>();
  /** When each process was last seen. */
  readonly #seenS = new Map<string, number>();
  #nowS = 0;
  #phase: Phase = 'warm-up';

  constructor(options: ResourceWatchOptions) {
    this.#options = options;
    this.#lag.enable();
  }

  /** Takes readings of the running processes, once a second. `atNs`: by the clock of the run. */
  sample(phase: Phase, atNs: number, readings: readonly ProcessReading[]): void {
    this.#phase = phase;
    const lagS = Math.max(0, this.#lag.max / 1e9 - LAG_RESOLUTION_MS / 1e3);
    this.#lag.reset();
    if (!WATCHED_PHASES.includes(phase)) return;
    this.#nowS = atNs / 1e9;
    for (const { name, pid, usage, diskBytes } of readings) {
      const add = (resource: Resource, value: number | null, incarnation: number = pid): void =>
        this.#add(name, resource, { atNs, incarnation, value });
      this.#pids.set(name, pid);
      this.#seenS.set(name, this.#nowS);
      add('rss', usage.rssBytes);
      add('memory', usage.anonymousBytes);
      add('descriptors', usage.descriptors);
      add('disk', diskBytes, FOLDER_INCARNATION);
      if (name !== this.#options.self) continue;
      add('heap', process.memoryUsage().heapUsed);
      add('event-loop-lag', lagS);
    }
  }

  /** A listener of the history. Processes tell what only they can see of themselves. */
  hear({ event }: LogEntry): void {
    if (event.event !== 'said') return;
    const { process: name, said, atNs } = event;
    if (said.event === 'ready') this.#pids.set(name, said.pid);
    const pid = this.#pids.get(name);
    if (said.event !== 'progress' || pid === undefined || !WATCHED_PHASES.includes(this.#phase)) return;
    this.#add(name, 'heap', { atNs, incarnation: pid, value: said.heapBytes ?? null });
    const lagNs = said.eventLoopLagNsMax;
    this.#add(name, 'event-loop-lag', { atNs, incarnation: pid, value: lagNs === undefined ? null : lagNs / 1e9 });
  }

  #add(name: string, resource: Resource, of: { atNs: number; incarnation: number; value: number | null }): void {
    if (of.value === null) return;
    const key = `${name} ${resource}`;
    const known = this.#series.get(key) ?? {
      process: name,
      resource,
      series: new ResourceSeries(this.#options.series ?? SERIES),
    };
    this.#series.set(key, known);
    known.series.add(of.incarnation, of.atNs / 1e9, of.value);
  }

  /** Rows by process, in the order in which the processes were first seen. */
  rows(): ResourceRow[] {
    this.#forget();
    const all = [...this.#series.values()].toSorted(
      (one, other) => RESOURCES.indexOf(one.resource) - RESOURCES.indexOf(other.resource),
    );
    const watched = all.map(({ process: name, resource, series }): Watched & { series: ResourceSeries } => ({
      process: name,
      resource,
      seconds: series.seconds,
      slope: series.slope(),
      series,
    }));
    const verdicts = judgeLeaks(watched, this.#options.bounds ?? BOUNDS);
    return watched.map(({ process: name, resource, seconds, slope, series }, index) => {
      return {
        process: name,
        resource,
        unit: UNITS[resource],
        incarnations: series.incarnations,
        seconds,
        median: series.median,
        perHour: anHour(slope?.value),
        perHourLow: anHour(slope?.low),
        perHourHigh: anHour(slope?.high),
        perHourRecent: anHour(slope?.recent),
        perHourRobust: anHour(slope?.robust()),
        p: slope?.p ?? null,
        verdict: verdicts[index] ?? 'short',
      };
    });
  }

  /** A run of days may have many processes that leave for good. */
  #forget(): void {
    for (const [key, { process: name, series }] of this.#series) {
      const isGone = (this.#seenS.get(name) ?? 0) < this.#nowS - FORGOTTEN_S;
      if (isGone && series.incarnations === 0) this.#series.delete(key);
    }
    for (const [name, seenS] of this.#seenS) {
      if (seenS >= this.#nowS - FORGOTTEN_S) continue;
      this.#seenS.delete(name);
      this.#pids.delete(name);
    }
  }

  /** One violation for each leak. */
  leaks(rows: readonly ResourceRow[] = this.rows()): Violation[] {
    return rows.flatMap((row) =>
      row.verdict === 'leak' ? [{ process: row.process, kind: 'leak', detail: leakText(row) } as const] : [],
    );
  }

  close(): void {
    this.#lag.disable();
  }
}

function anHour(value: number | undefined): number | null {
  return value === undefined ? null : value * SECONDS_PER_HOUR;
}

/** `memory grows by 61.2 MiB an hour (58.0 to 64.5 with 95 % confidence), seen for 18 min`. */
export function leakText({ resource, perHour, perHourLow, perHourHigh, seconds }: ResourceRow): string {
  const unit = UNITS[resource];
  const amount = (value: number | null): string => {
    if (value === null) return '-';
    return unit === 'B' ? formatBytes(value) : value.toFixed(1);
  };
  return (
    `${resource} grows by ${amount(perHour)} an hour (95 % confidence: ${amount(perHourLow)} to ` +
    `${amount(perHourHigh)}), seen for ${formatDuration(seconds * 1e3)}`
  );
}
