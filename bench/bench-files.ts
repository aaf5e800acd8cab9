/** The files of a benchmark run's folder, written during the run. results/README.md describes the columns. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CsvFile } from '../src/results/csv.ts';
import { LATENCY_COLUMNS, type LatencyRow, latencyRow } from '../src/results/latency-row.ts';
import { digestFiles, type RunFile, writeRunFile } from '../src/results/run-folder.ts';
import { parametersText, SAMPLE_COLUMNS, type Sample } from '../src/results/samples.ts';
import { rowRemark, withRounds } from './distrust.ts';
import type { Outcome, Task } from './harness/task.ts';

export class BenchFiles {
  /** All rows of samples.csv so far. */
  readonly samples: Sample[] = [];
  /** All rows of latency.csv so far. */
  readonly latencies: LatencyRow[] = [];
  /** Remarks that a reader of the figures must know, and the rounds that they are about. */
  readonly #remarks: Map<string, Set<number>> = new Map();
  readonly #folder: string;
  readonly #samplesFile: CsvFile<keyof Sample>;
  /** The file is made with the first latency. */
  #latencyFile: CsvFile<keyof LatencyRow> | null = null;

  constructor(folder: string) {
    this.#folder = folder;
    this.#samplesFile = CsvFile.create(join(folder, 'samples.csv'), SAMPLE_COLUMNS);
  }

  outcome(suite: string, task: Task, round: number, outcome: Outcome): void {
    const { benchmark } = task;
    for (const { process, ...measurement } of outcome.measurements) {
      const parameters = parametersText({ ...task.parameters, process: process ?? null });
      this.sample({ suite, benchmark, parameters, ...measurement, round });
    }
    for (const { stage, histogram, censored } of outcome.latencies ?? []) {
      this.latency(latencyRow({ phase: nameOf(task), stage }, histogram, censored));
    }
    for (const remark of outcome.remarks ?? []) this.remark(rowRemark(suite, nameOf(task), remark), round);
  }

  sample(sample: Sample): void {
    this.samples.push(sample);
    this.#samplesFile.append(sample);
  }

  latency(row: LatencyRow): void {
    this.latencies.push(row);
    this.#latencyFile ??= CsvFile.create(join(this.#folder, 'latency.csv'), LATENCY_COLUMNS);
    this.#latencyFile.append(row);
  }

  remark(line: string, round?: number): void {
    const rounds = this.#remarks.get(line) ?? new Set();
    if (round !== undefined) rounds.add(round);
    this.#remarks.set(line, rounds);
  }

  /** Remarks, in single lines. */
  get remarks(): string[] {
    return Array.from(this.#remarks, ([line, rounds]) => withRounds(line, [...rounds]));
  }

  /** Makes everything durable, and writes run.json and report.html of the ended run. */
  async complete(ended: RunFile): Promise<RunFile> {
    this.#samplesFile.close();
    this.#latencyFile?.close();
    const files = ['samples.csv', ...(this.#latencyFile === null ? [] : ['latency.csv'])];
    const run: RunFile = {
      ...ended,
      endedAt: new Date().toISOString(),
      remarks: this.remarks,
      digests: await digestFiles(this.#folder, files),
    };
    await writeRunFile(this.#folder, run);
    const { samples, latencies } = this;
    // The chart library is large, so it is loaded only when there is something to show.
    const { reportPage } = await import('./report/page.ts');
    await writeFile(join(this.#folder, 'report.html'), reportPage({ run, samples, latencies }));
    return run;
  }
}

/** A task in words: its benchmark and its parameters. */
export function nameOf(task: Pick<Task, 'benchmark' | 'parameters'>): string {
  return [task.benchmark, parametersText(task.parameters)].filter((text) => text !== '').join(' ');
}
