/** `stream-sum bench`: flags and composition only. */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { countWithin, makeCommand, parsed } from '../src/cli/flags.ts';
import { parseCount } from '../src/core/units.ts';
import { selectedBackend } from '../src/hash/backend.ts';
import { packageVersion } from '../src/measure/environment.ts';
import { libzmqVersion } from '../src/transport/zeromq-link.ts';
import { type BenchFlags, parseBenchOptions, SUITES } from './options.ts';
import { createProgress } from './progress.ts';
import { type BenchDependencies, runBench } from './run.ts';
import { benchTables } from './tables.ts';

/** `dist/bench/` is two folders below the root of the package. */
const SOURCE_ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = join(import.meta.dirname, '../src/cli/main.js');
const ROUNDS_MAX = 1000;

export function benchCommand(): Command {
  return makeCommand('bench', 'Measure the parts and the whole, in interleaved rounds, with every result checked.')
    .option('--suite <name...>', `all, or some of: ${SUITES.join(', ')} (default: hash and pipeline; with --full all)`)
    .option('--only <benchmark...>', 'only these benchmarks of the suites: throughput, latency, sliced-chunks, ...')
    .option('--quick', 'a first look, in less than a minute')
    .option('--full', 'every row, within an hour')
    .option('--smoke', 'checks that all of it works, measures nothing')
    .option('--rounds <n>', 'rounds of every suite', parsed('--rounds', countWithin(1, ROUNDS_MAX)))
    .option('--first-round <n>', 'number of the first round', parsed('--first-round', countWithin(1, ROUNDS_MAX)), 1)
    .option('--seed <n>', 'decides the data and the order', parsed('--seed', parseCount), 1)
    .option('--results <folder>', "the run's own folder is made in it", 'results')
    .action((flags: BenchFlags) => bench(flags));
}

async function bench(flags: BenchFlags): Promise<void> {
  const dependencies = compose();
  try {
    const { record, folder } = await runBench(parseBenchOptions(flags), dependencies);
    dependencies.progress.done();
    process.stdout.write(`${benchTables(record.samples, [...record.remarks]).join('\n')}\nresults  ${folder}\n`);
  } finally {
    dependencies.progress.done();
  }
}

function compose(): BenchDependencies {
  return {
    launch: { command: process.execPath, argv: [MAIN] },
    progress: createProgress(process.stderr),
    versions: {
      zeromq: packageVersion('zeromq', import.meta.url),
      libzmq: libzmqVersion,
      lmdb: packageVersion('lmdb', import.meta.url),
      addonBackend: selectedBackend(),
    },
    sourceRoot: SOURCE_ROOT,
    commandLine: process.argv.slice(2),
  };
}
