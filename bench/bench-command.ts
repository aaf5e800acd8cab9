/** `stream-sum bench`: flags and composition only. */

import { join } from 'node:path';
import type { Command } from 'commander';
import { countWithin, makeCommand, oneOf, valueOption } from '../src/component/flags.ts';
import { EXIT, UsageError } from '../src/core/errors.ts';
import { parseCount } from '../src/core/units.ts';
import { componentLaunch } from '../src/fleet/component-process.ts';
import { runToEnd } from '../src/fleet/run-to-end.ts';
import { onInterrupt } from '../src/fleet/interrupt.ts';
import { ChildError } from '../src/worktree/must-run.ts';
import { AGAINST_ROUNDS, interleave } from './against/interleave.ts';
import { recordBaseline } from './baseline.ts';
import { type BenchFlags, type BenchOptions, checkAgainst, parseBenchOptions } from './options.ts';
import type { ClusterEngine } from './harness/engine.ts';
import { SUITES } from './harness/scales.ts';
import { createProgress } from './progress.ts';
import { thisProgram } from './program.ts';
import { type BenchDependencies, runBench } from './run.ts';
import { benchTables } from './tables.ts';

const MAIN = join(import.meta.dirname, '../src/cli/main.js');
const ROUNDS_MAX = 1000;

type Flags = BenchFlags & { readonly record?: true; readonly against?: string };

export type BenchComposition = {
  /** Finds the programs of a cluster. Throws a UsageError where one is missing, or this user may not run them. */
  readonly findEngine: (bin: string | null) => Promise<ClusterEngine>;
  /** Runs this command line again where it is root of a network, and resolves to its exit code. */
  readonly runAsRoot: () => Promise<number>;
};

export function benchCommand(composition: BenchComposition): Command {
  return makeCommand('bench', 'Measure the parts and the whole, in interleaved rounds, with every result checked.')
    .option(
      '--suite <name...>',
      `some of ${SUITES.join(', ')}, or all (default: hash pipeline; with --full or --smoke, all)`,
    )
    .addOption(
      valueOption(
        '--engine <embedded|gazette>',
        'the journals of the pipelines: of an embedded broker, or of clusters that bench starts',
        oneOf(['embedded', 'gazette']),
        'embedded',
      ),
    )
    .option('--bin <folder>', 'folder with the programs etcd and gazette (default: the cache folder, else the PATH)')
    .option('--only <name...>', 'only these benchmarks of the suites, such as throughput, latency or sliced-chunks')
    .option('--quick', 'measure little: a first look, in less than a minute')
    .option('--full', 'measure every row, within an hour')
    .option('--smoke', 'check that everything works, and measure nothing')
    .addOption(
      valueOption(
        '--rounds <n>',
        `rounds of every suite (default: as many as the scale has; with --against, ${AGAINST_ROUNDS})`,
        countWithin(1, ROUNDS_MAX),
      ),
    )
    .addOption(valueOption('--first-round <n>', 'number of the first round', countWithin(1, ROUNDS_MAX), '1'))
    .addOption(valueOption('--seed <n>', 'decides the data and the order', parseCount, '1'))
    .option('--results <folder>', "the run's own folder is made in it", 'results')
    .option('--record', 'keep the run in results/baseline, by processor')
    .option('--against <ref>', 'also build that commit, measure both builds in interleaved rounds, and compare them')
    .action((flags: Flags) => run(flags, composition));
}

async function run({ record, against, ...flags }: Flags, composition: BenchComposition): Promise<void> {
  const options = parseBenchOptions(flags);
  if (record === true && against !== undefined) throw new UsageError('--record and --against exclude each other');
  if (against !== undefined && options.engine !== 'embedded') {
    throw new UsageError(`--against and --engine ${options.engine} exclude each other`);
  }
  if (against !== undefined) checkAgainst(options);
  const engine = options.engine === 'embedded' ? null : await composition.findEngine(options.bin);
  // A cluster has its own network.
  if (engine !== null && process.getuid?.() !== 0) {
    process.exitCode = await composition.runAsRoot();
    return;
  }
  const interrupted = new AbortController();
  const release = onInterrupt(() => interrupted.abort());
  const dependencies = compose(interrupted.signal, engine);
  try {
    if (against === undefined) await measure(options, dependencies, record === true);
    else await compareWith(against, options, dependencies);
  } finally {
    dependencies.progress.done();
    release();
  }
}

async function measure(options: BenchOptions, dependencies: BenchDependencies, isRecorded: boolean): Promise<void> {
  const { files, run: described, folder } = await runBench(options, dependencies);
  dependencies.progress.done();
  process.stdout.write(`${benchTables(files.samples, files.remarks).join('\n')}\nresults  ${folder}\n`);
  if (!isRecorded) return;
  const recorded = await recordBaseline(folder, described, join(dependencies.sourceRoot, 'results/baseline'));
  process.stdout.write(`recorded ${recorded}\n`);
}

/** Measures this build and the build of `ref` in turn, then shows the comparison, whose exit code counts. */
async function compareWith(ref: string, bench: BenchOptions, dependencies: BenchDependencies): Promise<void> {
  const { progress, sourceRoot, commandLine, signal } = dependencies;
  try {
    const from = { ref, bench, mainPath: MAIN, sourceRoot, commandLine, progress, signal };
    const { oldFolder, newFolder } = await interleave(from);
    progress.done();
    const argv = [process.execPath, MAIN, 'compare', oldFolder, newFolder];
    const { code } = await runToEnd({ argv, output: 'inherit' });
    process.exitCode = code ?? EXIT.internal;
  } catch (error) {
    // This command must also find a build that violates a guarantee.
    if (!(error instanceof ChildError) || error.exitCode !== EXIT.violation) throw error;
    process.stderr.write(`stream-sum: ${error.message}\n`);
    process.exitCode = EXIT.violation;
  }
}

function compose(signal: AbortSignal, engine: ClusterEngine | null): BenchDependencies {
  return {
    ...thisProgram(),
    launch: componentLaunch(MAIN),
    progress: createProgress(process.stderr),
    engine,
    signal,
  };
}
