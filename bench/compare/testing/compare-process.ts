/** The command as a process or in this one, and runs for it. */

import { execFile } from 'node:child_process';
import type { ExecutionContext } from 'ava';
import { MAIN } from '../../../src/cli/testing/test-process.ts';
import { usageErrorOf } from '../../../src/component/flags.ts';
import type { Sample } from '../../../src/results/samples.ts';
import { compareCommand } from '../compare-command.ts';
import { type LatencyValues, noisyRows, temporaryFolder, writeRun } from './run-folders.ts';

export type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };

export function compare(...argv: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, 'compare', ...argv], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

/** What a refused command line says, in this process. */
export async function refused(t: ExecutionContext, ...argv: readonly string[]): Promise<string> {
  const error = await t.throwsAsync(compareCommand().parseAsync(argv, { from: 'user' }), { any: true }, argv.join(' '));
  return usageErrorOf(error)?.message ?? '';
}

export const LATENCY: readonly LatencyValues[] = [
  { phase: 'steady', stage: 'sum', censored: 2, latenciesNs: [1e6, 2e6, 3e6] },
];

type Runs = { readonly old: string; readonly again: string; readonly slower: string; readonly results: string };

export async function writeRuns(t: ExecutionContext): Promise<Runs> {
  const results = temporaryFolder(t);
  const write = (name: string, samples: readonly Sample[]): Promise<string> =>
    writeRun(results, name, { samples, latency: LATENCY, run: { pairing: 'a' } });
  return {
    results,
    old: await write('old', noisyRows({ seed: 1 })),
    again: await write('again', noisyRows({ seed: 2 })),
    slower: await write('slower', noisyRows({ seed: 3, factors: { latency_p50_s: 1.2, bytes_per_s: 1.1 } })),
  };
}
