/** One benchmark run with a folder: makes the folder, runs the suites in rounds, and writes down what they came to. */

import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT, UsageError, ViolationError, exitCodeOf } from '../src/core/errors.ts';
import { type NativeVersions, readEnvironment } from '../src/measure/environment.ts';
import {
  createRunFolder,
  digestFiles,
  RUN_SCHEMA_VERSION,
  readCommit,
  type RunFile,
  writeRunFile,
} from '../src/measure/run-folder.ts';
import type { Launch } from '../src/process/component-process.ts';
import { runRounds } from './harness/rounds.ts';
import type { Task } from './harness/task.ts';
import { type BenchOptions, roundsPlan, type SuiteName } from './options.ts';
import type { Progress } from './progress.ts';
import { BenchRecord, nameOf } from './record.ts';
import { createSuite } from './suites.ts';

export type BenchDependencies = {
  readonly launch: Launch;
  readonly progress: Progress;
  readonly versions: NativeVersions;
  /** The top of the repository that the program runs from. */
  readonly sourceRoot: string;
  /** As typed, for run.json. */
  readonly commandLine: readonly string[];
  /** Ends the run, which is inconclusive then and keeps what it has recorded. */
  readonly signal: AbortSignal;
};

export type BenchResult = { readonly folder: string; readonly run: RunFile; readonly record: BenchRecord };

/**
 * Runs all suites. A violation ends the run, which says so in run.json; what else goes wrong makes it inconclusive. Both
 * are thrown again when the folder is complete.
 */
export async function runBench(options: BenchOptions, dependencies: BenchDependencies): Promise<BenchResult> {
  const startedAt = new Date();
  const { results, seed } = options;
  const folder = await createRunFolder({ results, kind: 'bench', seed, startedAt });
  const begun = await describeRun(options, dependencies, { startedAt, folder });
  await writeRunFile(folder, begun);
  const record = new BenchRecord(folder);
  dependencies.progress.say(`bench: seed ${seed}, results in ${folder}`);
  let failure: unknown = null;
  try {
    for (const suite of options.suites) await runSuite(suite, { options, dependencies, folder, record });
    if (record.samples.length === 0) throw new UsageError(`--only ${options.only.join(' ')}: no such benchmark`);
  } catch (error) {
    failure = error;
  }
  record.close();
  const run: RunFile = {
    ...begun,
    ...(failure === null ? HOLDS : verdictOf(failure)),
    endedAt: new Date().toISOString(),
    remarks: record.remarks,
    digests: await digestFiles(folder, record.files),
  };
  await writeRunFile(folder, run);
  const { samples, latencies } = record;
  const { reportPage } = await import('./report/page.ts');
  await writeFile(join(folder, 'report.html'), reportPage({ run, samples, latencies }));
  if (failure !== null) throw failure;
  return { folder, run, record };
}

type Verdict = Pick<RunFile, 'verdict' | 'exitCode' | 'reasons'>;
const HOLDS: Verdict = { verdict: 'HOLDS', exitCode: EXIT.holds, reasons: [] };

function verdictOf(error: unknown): Verdict {
  const reason = error instanceof ViolationError ? error.line : error instanceof Error ? error.message : String(error);
  const exitCode = exitCodeOf(error);
  return { verdict: exitCode === EXIT.violation ? 'VIOLATED' : 'INCONCLUSIVE', exitCode, reasons: [reason] };
}

type SuiteRun = {
  readonly options: BenchOptions;
  readonly dependencies: BenchDependencies;
  readonly folder: string;
  readonly record: BenchRecord;
};

async function runSuite(name: SuiteName, { options, dependencies, folder, record }: SuiteRun): Promise<void> {
  const { launch, progress, signal } = dependencies;
  const { seed, scale, only } = options;
  const dataFolder = join(folder, 'data');
  const logsFolder = join(folder, 'logs');
  await mkdir(dataFolder);
  progress.update(`${name}: preparing`);
  try {
    const suite = await createSuite(name, { seed, scale, dataFolder, logsFolder, launch, signal });
    try {
      const tasks = suite.tasks.filter(({ benchmark }) => only.length === 0 || only.includes(benchmark));
      const plan = roundsPlan(options, name);
      await runRounds(tasks, plan, {
        signal,
        onTurn: (task, { round, done, total }) => {
          const where = round === null ? 'warm-up' : `round ${round - plan.firstRound + 1} of ${plan.rounds}`;
          progress.update(`${name} ${where}, ${done + 1} of ${total}: ${nameOf(task)}`);
        },
        onOutcome: (task, round, outcome) => record.outcome(name, task, round, outcome),
        onUnsteady: (unsteady, warmUpRounds) => record.remark(unsteadyText(name, unsteady, warmUpRounds)),
      });
    } finally {
      await suite.close();
    }
  } finally {
    await rm(dataFolder, { recursive: true, force: true });
  }
}

function unsteadyText(suite: string, tasks: readonly Task[], warmUpRounds: number): string {
  return `${suite}: ${tasks.length} tasks never steady in ${warmUpRounds} rounds of warm-up: ${tasks.map(nameOf).join('; ')}`;
}

async function describeRun(
  options: BenchOptions,
  dependencies: BenchDependencies,
  at: { readonly startedAt: Date; readonly folder: string },
): Promise<RunFile> {
  const { seed, suites, only, scale } = options;
  const { commit, dirty } = await readCommit(dependencies.sourceRoot);
  return {
    schemaVersion: RUN_SCHEMA_VERSION,
    kind: 'bench',
    commandLine: dependencies.commandLine,
    configuration: { suites, only, scale },
    seed,
    commit,
    dirty,
    environment: readEnvironment(at.folder, dependencies.versions),
    startedAt: at.startedAt.toISOString(),
    endedAt: null,
    verdict: null,
    exitCode: null,
    reasons: [],
    pairing: null,
    digests: {},
  };
}
