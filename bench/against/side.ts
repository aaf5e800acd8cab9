/** One side of an interleaved comparison: a run folder whose rounds come from runs of one round each. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '../../src/core/assert.ts';
import { OperatingError } from '../../src/core/errors.ts';
import { parseLatencyRow } from '../../src/results/latency-row.ts';
import { createRunFolder, type RunFile, writeRunFile } from '../../src/results/run-folder.ts';
import { loadRun } from '../compare/loading.ts';
import { withoutRounds } from '../distrust.ts';
import { BenchFiles } from '../bench-files.ts';

export type SideOptions = {
  readonly results: string;
  readonly seed: number;
  readonly startedAt: Date;
  /** The text that both sides have as their pairing. */
  readonly pairing: string;
  /** The build that went first in each pair, and the seed of that order. */
  readonly order: NonNullable<RunFile['order']>;
  readonly commandLine: readonly string[];
};

export class Side {
  readonly folder: string;
  readonly #options: SideOptions;
  readonly #files: BenchFiles;
  #run: RunFile | null = null;

  private constructor(folder: string, options: SideOptions) {
    this.folder = folder;
    this.#options = options;
    this.#files = new BenchFiles(folder);
  }

  static async create(options: SideOptions): Promise<Side> {
    return new Side(await createRunFolder({ ...options, kind: 'bench' }), options);
  }

  /**
   * Takes over the round of a run with one round that holds. Throws OperatingError when the folder is not that of such
   * a run.
   */
  async append(folder: string, round: number): Promise<void> {
    const { description, samples, latency, problems } = loadRun(folder);
    if (description?.verdict !== 'HOLDS' || problems.length > 0) {
      throw new OperatingError('ERR_AGAINST', problems[0] ?? `${folder}: the run does not hold`);
    }
    const run: RunFile = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'));
    if (this.#run === null) {
      const { pairing, order, commandLine, startedAt } = this.#options;
      const open = { endedAt: null, verdict: null, exitCode: null, digests: {} };
      this.#run = { ...run, ...open, pairing, order, commandLine, startedAt: startedAt.toISOString() };
      await writeRunFile(this.folder, this.#run);
    }
    for (const sample of samples) this.#files.sample(sample);
    for (const row of latency) this.#files.latency(parseLatencyRow(row));
    for (const remark of run.remarks ?? []) this.#files.remark(withoutRounds(remark), round);
  }

  async close(): Promise<void> {
    assert(this.#run !== null, 'there was a round');
    await this.#files.complete({ ...this.#run, verdict: 'HOLDS', exitCode: 0, reasons: [] });
  }
}
