/**
 * The files of a soak's folder, written during the run. Settled rows are appended; rows that can still change form the
 * file's tail, which is replaced once a second. results/README.md describes the columns.
 *
 * A file that cannot be written (the disk is full, the folder is gone) is given up and named, and the run goes on. Its
 * verdict is about the pipeline, and a violation must not be lost with the file that would have reported it.
 */

import { join } from 'node:path';
import { OperatingError } from '../../src/core/errors.ts';
import { CsvFile } from '../../src/results/csv.ts';
import type { CsvValue } from '../../src/results/csv-grammar.ts';
import type { LatencySummary } from '../../src/measure/histogram.ts';
import { LATENCY_COLUMNS, type LatencyRow, latencyRow, seconds, secondsOrNull } from '../../src/results/latency-row.ts';
import type { ProcessUsage } from '../../src/fleet/process-usage.ts';
import { SAMPLE_COLUMNS, type Sample } from '../../src/results/samples.ts';
import type { ResourceRow } from './resources/resource-watch.ts';
import type { FaultOutcome } from './faults/open-fault.ts';
import type { StageLatency, Totals } from '../../src/fleet/meter.ts';
import type { Phase } from '../guarantee/phase.ts';
import type { Violation } from '../guarantee/violation.ts';

/** Every file except run.json, which is written when these are closed. */
export const SOAK_FILES: readonly string[] = [
  'samples.csv',
  'intervals.csv',
  'latency.csv',
  'faults.csv',
  'violations.csv',
  'resources.csv',
];

const FAULT_COLUMNS = [
  'id',
  'kind',
  'target',
  'moment',
  'planned_s',
  'injected_s',
  'proven_s',
  'healed_s',
  'recovered_s',
  'evidence',
  'first_recovered_s',
  'partitions_hit',
  'partitions_recovered',
  'at_s',
  'length_s',
  'instead_of',
  'link_mode',
  'longest_gap_s',
  'aim',
  'joins',
  'overlaps',
  'overtaken_by',
] as const;
const RESOURCE_COLUMNS = [
  'process',
  'resource',
  'unit',
  'incarnations',
  'seconds',
  'median',
  'per_hour',
  'per_hour_low',
  'per_hour_high',
  'per_hour_recent',
  'per_hour_robust',
  'p',
  'verdict',
] as const;
const VIOLATION_COLUMNS = ['elapsed_s', 'kind', 'process', 'journal', 'offset', 'file_id', 'index', 'detail'] as const;
/** Of an interval: before and behind the columns of the processes. */
const INTERVAL_COLUMNS = [
  'elapsed_s',
  'phase',
  'chunks_published',
  'bytes_published',
  'chunks_folded',
  'sums_verified',
  'files_open',
  'sums_outstanding',
  'latency_p50_s',
  'latency_p99_s',
  'latency_max_s',
] as const;
const LAST_INTERVAL_COLUMNS = ['disk_bytes', 'violations'] as const;

/** A row has a value for every column, which may be null. */
type RowOf<Columns extends readonly string[]> = { readonly [Name in Columns[number]]: CsvValue };
type FaultRow = RowOf<typeof FAULT_COLUMNS>;
type ResourceFileRow = RowOf<typeof RESOURCE_COLUMNS>;
type ViolationRow = RowOf<typeof VIOLATION_COLUMNS>;
type IntervalRow = RowOf<typeof INTERVAL_COLUMNS> & RowOf<typeof LAST_INTERVAL_COLUMNS>;

/** One second, or less at the end of a phase. */
export type IntervalFigures = {
  readonly endNs: number;
  readonly phase: Phase;
  /** Counts of this interval; gauges at its end. */
  readonly counts: Totals;
  readonly latency: LatencySummary;
  readonly usage: ReadonlyMap<string, ProcessUsage>;
  readonly diskBytes: number | null;
  readonly violations: number;
};

export class SoakFiles {
  readonly #startNs: number;
  readonly #samples: CsvFile<keyof Sample>;
  readonly #intervals: CsvFile<string>;
  readonly #latency: CsvFile<keyof LatencyRow>;
  readonly #faults: CsvFile<keyof FaultRow>;
  readonly #violations: CsvFile<keyof ViolationRow>;
  readonly #resources: CsvFile<keyof ResourceFileRow>;
  readonly #onUnwritten: (line: string) => void;
  /** By path: the files that could not be written, and why. */
  readonly #unwritten: Map<string, string> = new Map();

  /**
   * `processes` name the columns of memory and descriptors. Times of the rows count from `startNs`. `onUnwritten` gets
   * a line when a file is given up. Throws when the files cannot be created.
   */
  constructor(
    folder: string,
    from: {
      readonly startNs: number;
      readonly processes: readonly string[];
      readonly onUnwritten?: (line: string) => void;
    },
  ) {
    this.#startNs = from.startNs;
    this.#onUnwritten = from.onUnwritten ?? (() => undefined);
    const create = <Column extends string>(name: string, columns: readonly Column[]): CsvFile<Column> =>
      CsvFile.create(join(folder, name), columns);
    this.#samples = CsvFile.create(join(folder, 'samples.csv'), SAMPLE_COLUMNS);
    this.#intervals = create('intervals.csv', intervalColumns(from.processes));
    this.#latency = CsvFile.create(join(folder, 'latency.csv'), LATENCY_COLUMNS);
    this.#faults = create('faults.csv', FAULT_COLUMNS);
    this.#violations = create('violations.csv', VIOLATION_COLUMNS);
    this.#resources = create('resources.csv', RESOURCE_COLUMNS);
  }

  /** One line for each file that could not be written. */
  get unwritten(): readonly string[] {
    return [...this.#unwritten.values()];
  }

  /** Gives the file up when the system refuses the work. Does nothing for a file that was given up. */
  #try(file: { readonly path: string }, work: () => void): void {
    if (this.#unwritten.has(file.path)) return;
    try {
      work();
    } catch (error) {
      const code = (error as { code?: unknown } | null)?.code;
      if (!(error instanceof OperatingError) && typeof code !== 'string') throw error;
      const line = error instanceof OperatingError ? error.message : `cannot write ${file.path}: ${String(error)}`;
      this.#unwritten.set(file.path, line);
      this.#onUnwritten(line);
    }
  }

  #elapsed(atNs: number | null): number | null {
    return atNs === null ? null : seconds(atNs - this.#startNs);
  }

  sample(sample: Sample): void {
    this.#try(this.#samples, () => this.#samples.append(sample));
  }

  interval(interval: IntervalFigures): void {
    const { counts, latency } = interval;
    const figures: IntervalRow = {
      elapsed_s: this.#elapsed(interval.endNs),
      phase: interval.phase,
      chunks_published: counts.chunksPublished,
      bytes_published: counts.bytesPublished,
      chunks_folded: counts.chunksFolded,
      sums_verified: counts.sumsVerified,
      files_open: counts.filesOpen,
      sums_outstanding: counts.sumsOutstanding,
      latency_p50_s: secondsOrNull(latency.p50Ns),
      latency_p99_s: secondsOrNull(latency.p99Ns),
      latency_max_s: secondsOrNull(latency.maxNs),
      disk_bytes: interval.diskBytes,
      violations: interval.violations,
    };
    const row: Record<string, CsvValue> = { ...figures };
    for (const [name, usage] of interval.usage) {
      row[`rss_bytes_${columnName(name)}`] = usage.rssBytes;
      row[`fds_${columnName(name)}`] = usage.descriptors;
    }
    this.#try(this.#intervals, () => this.#intervals.append(row));
  }

  /** A phase has ended. */
  phaseEnded(phase: Phase, latency: StageLatency): void {
    this.#try(this.#latency, () => {
      this.#latency.replaceTail([]);
      this.#latency.append(...latencyRows(phase, latency));
    });
  }

  /** A phase goes on. */
  phaseSoFar(phase: Phase, latency: StageLatency): void {
    this.#try(this.#latency, () => this.#latency.replaceTail(latencyRows(phase, latency)));
  }

  faultSettled(outcome: FaultOutcome): void {
    this.#try(this.#faults, () => {
      this.#faults.replaceTail([]);
      this.#faults.append(this.#faultRow(outcome));
    });
  }

  openFaults(outcomes: readonly FaultOutcome[]): void {
    this.#try(this.#faults, () => this.#faults.replaceTail(outcomes.map((outcome) => this.#faultRow(outcome))));
  }

  #faultRow(outcome: FaultOutcome): FaultRow {
    return {
      id: outcome.id,
      kind: outcome.kind,
      target: outcome.target,
      moment: outcome.moment,
      planned_s: this.#elapsed(outcome.plannedNs),
      injected_s: this.#elapsed(outcome.injectedNs),
      proven_s: this.#elapsed(outcome.provenNs),
      healed_s: this.#elapsed(outcome.healedNs),
      recovered_s: this.#elapsed(outcome.recoveredNs),
      evidence: outcome.evidence,
      first_recovered_s: this.#elapsed(outcome.firstRecoveredNs),
      partitions_hit: outcome.partitionsHit,
      partitions_recovered: outcome.partitionsRecovered,
      at_s: outcome.atMs / 1e3,
      length_s: outcome.lengthMs / 1e3,
      instead_of: outcome.insteadOf,
      longest_gap_s: secondsOrNull(outcome.gapNsMax),
      link_mode: outcome.link === null ? null : JSON.stringify(outcome.link),
      aim: outcome.aim,
      joins: outcome.joins,
      overlaps: outcome.overlaps.length === 0 ? null : outcome.overlaps.join(' '),
      overtaken_by: outcome.overtakenBy,
    };
  }

  violation(violation: Violation, atNs: number): void {
    const row: ViolationRow = {
      elapsed_s: this.#elapsed(atNs),
      kind: violation.kind,
      process: violation.process,
      journal: violation.journal,
      offset: violation.offset,
      file_id: violation.file,
      index: violation.index,
      detail: violation.detail,
    };
    this.#try(this.#violations, () => this.#violations.append(row));
  }

  /** What processes use, in place of what was written of it before. */
  resources(rows: readonly ResourceRow[]): void {
    const found = rows.map(
      (row): ResourceFileRow => ({
        process: row.process,
        resource: row.resource,
        unit: row.unit,
        incarnations: row.incarnations,
        seconds: row.seconds,
        median: row.median,
        per_hour: row.perHour,
        per_hour_low: row.perHourLow,
        per_hour_high: row.perHourHigh,
        per_hour_recent: row.perHourRecent,
        per_hour_robust: row.perHourRobust,
        p: row.p,
        verdict: row.verdict,
      }),
    );
    this.#try(this.#resources, () => this.#resources.replaceTail(found));
  }

  /** Makes everything durable. */
  close(): void {
    const files = [this.#samples, this.#intervals, this.#latency, this.#faults, this.#violations, this.#resources];
    for (const file of files) this.#try(file, () => file.close());
  }
}

/** `summer-0` to `summer_0`. */
function columnName(process: string): string {
  return process.replaceAll('-', '_');
}

function intervalColumns(processes: readonly string[]): string[] {
  const names = processes.map(columnName);
  return [
    ...INTERVAL_COLUMNS,
    ...names.map((name) => `rss_bytes_${name}`),
    ...names.map((name) => `fds_${name}`),
    ...LAST_INTERVAL_COLUMNS,
  ];
}

function latencyRows(phase: Phase, latency: StageLatency): LatencyRow[] {
  return [
    latencyRow({ phase, stage: 'sum' }, latency.sum, latency.censoredSums),
    latencyRow({ phase, stage: 'acknowledgement' }, latency.acknowledgement, null),
  ];
}
