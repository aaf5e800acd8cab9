/** Recorded runs: the small files of a run that holds, copied to where they are kept, by processor. */

import { copyFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { existsSync } from 'node:fs';
import { OperatingError } from '../src/core/errors.ts';
import { makeFolders, type RunFile } from '../src/results/run-folder.ts';

const FILES = ['run.json', 'samples.csv', 'latency.csv'];

/**
 * `AMD EPYC 9R14` of family 26 and model 2, 2 cores: `amd-epyc-9r14-family-26-model-2-with-2-cores`. The name of a
 * processor alone can mean several generations.
 */
export function machineName({ environment }: Pick<RunFile, 'environment'>): string {
  const { cpu, cores, processor } = environment;
  const generation = `family ${processor?.family ?? 'unknown'} model ${processor?.model ?? 'unknown'}`;
  const words = `${cpu ?? 'unknown processor'} ${generation} with ${cores} cores`.toLowerCase();
  return words.replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-|-$/g, '');
}

/**
 * Copies a run to `<baseline>/<processor>/<name of the run's folder>`, and returns that folder. Only a run that holds
 * is recorded.
 */
export async function recordBaseline(folder: string, run: RunFile, baseline: string): Promise<string> {
  if (run.verdict !== 'HOLDS') {
    throw new OperatingError('ERR_BASELINE', `${folder} is not recorded: ${run.verdict ?? 'it has no verdict'}`);
  }
  const target = join(baseline, machineName(run), basename(folder));
  await makeFolders(target);
  for (const name of FILES) {
    if (existsSync(join(folder, name))) await copyFile(join(folder, name), join(target, name));
  }
  return target;
}
