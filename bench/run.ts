/** One benchmark run with a folder: makes the folder, runs the suites in rounds, and records their results. */

import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { assert } from '../src/core/assert.ts';
import { EXIT, exitCodeOf, interruptedError, OperatingError, ViolationError } from '../src/core/errors.ts';
import { beginRunFile, createRunFolder, type Program, type RunFile, writeRunFile } from '../src/results/run-folder.ts';
import type { Launch } from '../src/fleet/component-process.ts';
import { rowRemark, unsteadyRemark } from './distrust.ts';
import { CLUSTER_SHAPES, type ClusterEngine } from './harness/engine.ts';
import { runRounds } from './harness/rounds.ts';
import type { SuiteName } from './harness/scales.ts';
import type { Task } from './harness/task.ts';
import { type BenchOptions, benchmarksOf, roundsOptions } from './options.ts';
import { clusterLoadDescription, loadDescription } from './pipeline/loads.ts';
import type { Progress } from './progress.ts';
import { BenchFiles, nameOf } from './bench-files.ts';
import { createSuite } from './suites.ts';

export type BenchDependencies = Program & {
  readonly launch: Launch;
  readonly progress: Progress;
  /** Absent or null: the embedded broker. Its name is that of the options. */
  readonly engine?: ClusterEngine | null;
  /** Ends the run. It is then inconclusive, and keeps what it has recorded. */
  readonly signal: AbortSignal;
};

export type BenchResult = { readonly folder: string; readonly run: RunFile; readonly files: BenchFiles };

/**
 * Runs all suites. A violation ends the run, and run.json says so. Any other error makes the run inconclusive, or
 * interrupted once `signal` is aborted. Both are thrown again when the folder is complete.
 */
export async function runBench(options: BenchOptions, dependencies: BenchDependencies): Promise<BenchResult> {
  const startedAt = new Date();
  assert((dependencies.engine?.name ?? 'embedded') === options.engine, 'the engine is the one that was asked for');
  const { results, seed, suites, only, scale } = options;
  const folder = await createRunFolder({ results, kind: 'bench', seed, startedAt });
  const configuration = { suites, only, scale, ...placeOf(options, dependencies) };
  const begun = await beginRunFile(dependencies, { kind: 'bench', configuration, seed, startedAt, dataFolder: folder });
  await writeRunFile(folder, begun);
  const files = new BenchFiles(folder);
  dependencies.progress.say(`bench: seed ${seed}, results in ${folder}`);
  let failure: unknown = null;
  try {
    for (const suite of suites.filter((name) => isAsked(name, options))) {
      await runSuite(suite, { options, dependencies, folder, files });
    }
    assert(files.samples.length > 0, 'what was asked for is a benchmark');
  } catch (error) {
    failure = dependencies.signal.aborted && !(error instanceof ViolationError) ? interruptedBy(error) : error;
  }
  const run = await files.complete({ ...begun, ...(failure === null ? HOLDS : verdictOf(failure)) });
  if (failure !== null) throw failure;
  return { folder, run, files };
}

/** What decides the figures of pipelines, besides the program. */
function placeOf(
  { suites, scale }: BenchOptions,
  { engine = null }: BenchDependencies,
): Readonly<Record<string, unknown>> {
  if (!suites.includes('pipeline')) return {};
  if (engine === null) return { workload: loadDescription(scale) };
  const { name, programs } = engine;
  return { engine: { name, programs, clusters: CLUSTER_SHAPES }, workload: clusterLoadDescription(scale) };
}

/** A suite without such a benchmark is not even prepared. */
function isAsked(suite: SuiteName, { only, scale, engine }: BenchOptions): boolean {
  return only.length === 0 || benchmarksOf(suite, scale, engine).some((name) => only.includes(name));
}

/**
 * An error after the user has ended the run counts as the interruption, because its processes may have got the same
 * Ctrl-C.
 */
function interruptedBy(cause: unknown): OperatingError {
  const interrupted = interruptedError();
  const isItself = cause instanceof OperatingError && cause.code === interrupted.code;
  if (!isItself) interrupted.cause = cause;
  return interrupted;
}

type Verdict = Pick<RunFile, 'verdict' | 'exitCode' | 'reasons'>;
const HOLDS: Verdict = { verdict: 'HOLDS', exitCode: EXIT.holds, reasons: [] };

function verdictOf(error: unknown): Verdict {
  const exitCode = exitCodeOf(error);
  const verdict = exitCode === EXIT.violation ? 'VIOLATED' : 'INCONCLUSIVE';
  if (exitCode !== EXIT.inconclusive) return { verdict, exitCode, reasons: [lineOf(error)] };
  const cause = error instanceof Error ? (error.cause ?? null) : null;
  return { verdict, exitCode, reasons: [lineOf(error), ...(cause === null ? [] : [`then failed: ${lineOf(cause)}`])] };
}

function lineOf(error: unknown): string {
  return error instanceof ViolationError ? error.line : error instanceof Error ? error.message : String(error);
}

type SuiteRun = {
  readonly options: BenchOptions;
  readonly dependencies: BenchDependencies;
  readonly folder: string;
  readonly files: BenchFiles;
};

async function runSuite(name: SuiteName, { options, dependencies, folder, files }: SuiteRun): Promise<void> {
  const { launch, progress, engine = null, signal } = dependencies;
  const { seed, scale, only } = options;
  const dataFolder = join(folder, 'data');
  const logsFolder = join(folder, 'logs');
  await mkdir(dataFolder);
  progress.update(`${name}: preparing`);
  try {
    const suite = await createSuite(name, { seed, scale, dataFolder, logsFolder, launch, engine, signal });
    try {
      const isWanted = ({ benchmark }: Pick<Task, 'benchmark'>): boolean =>
        only.length === 0 || only.includes(benchmark);
      const tasks = suite.tasks.filter(isWanted);
      for (const task of suite.leftOut?.filter(isWanted) ?? []) {
        const line = rowRemark(name, nameOf(task), `left out: ${task.why}`);
        files.remark(line);
        progress.say(line);
      }
      const plan = roundsOptions(options, name);
      await runRounds(tasks, plan, {
        signal,
        onTurn: (task, { round, done, total }) => {
          const where = round === null ? 'warm-up' : `round ${round - plan.firstRound + 1} of ${plan.rounds}`;
          progress.update(`${name} ${where}, ${done + 1} of ${total}: ${nameOf(task)}`);
        },
        onOutcome: (task, round, outcome) => files.outcome(name, task, round, outcome),
        onUnsteady: (unsteady, warmUpRounds) => files.remark(unsteadyRemark(name, unsteady.map(nameOf), warmUpRounds)),
      });
    } finally {
      await suite.close();
    }
  } finally {
    await rm(dataFolder, { recursive: true, force: true });
  }
}
