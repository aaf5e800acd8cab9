/** Smoke runs of suites in a temporary folder, and what holds for each suite. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { temporaryFolder } from '../../src/cli/testing/test-process.ts';
import { readCsv } from '../../src/results/csv.ts';
import { SUITES } from '../harness/scales.ts';
import type { Scale } from '../harness/task.ts';
import { type BenchOptions, benchmarksOf, parseBenchOptions } from '../options.ts';
import { type BenchDependencies, type BenchResult, runBench } from '../run.ts';
import { createSuite } from '../suites.ts';
import { benchTables } from '../tables.ts';

export function smokeOf(t: ExecutionContext, suite: string, only: string[] = []): BenchOptions {
  return parseBenchOptions({ suite: [suite], only, smoke: true, firstRound: 1, seed: 7, results: temporaryFolder(t) });
}

export function run(options: BenchOptions, changes: Partial<BenchDependencies> = {}): Promise<BenchResult> {
  return runBench(options, {
    launch: { command: 'false', argv: [] },
    progress: { update: () => undefined, say: () => undefined, done: () => undefined },
    versions: { zeromq: null, libzmq: null, lmdb: null, addonBackend: null },
    sourceRoot: '/',
    signal: new AbortController().signal,
    commandLine: ['bench'],
    ...changes,
  });
}

/** The suite has so many rows besides those of backends, and each has a value. */
export async function suiteIsComplete(t: ExecutionContext, suite: string, rows: number): Promise<void> {
  const result = await run(smokeOf(t, suite));
  const samples = readCsv(join(result.folder, 'samples.csv'));
  // The number of backends depends on the processor.
  const fixed = samples.filter(({ benchmark }) => benchmark !== 'backend');
  t.is(fixed.length, rows);
  const missing = samples.filter(({ value }) => value === '' || !(Number(value) >= 0));
  t.deepEqual(
    missing.filter(({ benchmark }) => benchmark !== 'allocations'),
    [],
  );
  const { verdict, digests } = JSON.parse(readFileSync(join(result.folder, 'run.json'), 'utf8'));
  t.is(verdict, 'HOLDS');
  t.deepEqual(Object.keys(digests), ['samples.csv']);
  t.true(benchTables(result.files.samples, []).length >= 3);
}

function sorted(list: readonly string[]): string[] {
  return list.toSorted((a, b) => a.localeCompare(b));
}

/** At this scale, benchmarks can be asked for by the names that the tasks of each suite have. */
export async function namesAreThoseOfTasks(t: ExecutionContext, scale: Scale): Promise<void> {
  for (const name of SUITES) {
    const folder = temporaryFolder(t);
    const suite = await createSuite(name, {
      seed: 7,
      scale,
      dataFolder: folder,
      logsFolder: folder,
      launch: { command: 'false', argv: [] },
      signal: new AbortController().signal,
    });
    await suite.close();
    const names = [...new Set(suite.tasks.map(({ benchmark }) => benchmark))];
    t.deepEqual(sorted(benchmarksOf(name, scale)), sorted(names), `${name} ${scale}`);
  }
}
