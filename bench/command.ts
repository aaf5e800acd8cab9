/** `stream-sum bench`: runs a suite of benchmarks and prints its tables. */

import type { Command } from 'commander';
import { parseCount } from '../src/core/units.ts';
import { UsageError } from '../src/core/errors.ts';
import { makeCommand, parsed } from '../src/cli/flags.ts';
import { selectedBackend } from '../src/hash/backend.ts';
import { runHashSuite } from './hash/suite.ts';
import { hashTables } from './hash/tables.ts';

const SUITES = ['hash'] as const;

type Flags = { suite: string; seed: number; smoke?: true };

export function benchCommand(): Command {
  return makeCommand('bench', 'Measure, with the peers in the same run and every result checked.')
    .option('--suite <name>', `one of: ${SUITES.join(', ')}`, parsed('--suite', parseSuite), 'hash')
    .option('--seed <n>', 'seed of the data and of the order', parsed('--seed', parseCount), 1)
    .option('--smoke', 'a few milliseconds a benchmark: checks that all of them run, measures nothing')
    .action((flags: Flags) => runBench(flags));
}

function parseSuite(text: string, flag: string): string {
  if (!SUITES.some((suite) => suite === text))
    throw new UsageError(`${flag} ${text}: expected one of ${SUITES.join(', ')}`);
  return text;
}

function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function runBench({ seed, smoke }: Flags): Promise<void> {
  const results = await runHashSuite({ seed, smoke: smoke === true }, progress);
  process.stdout.write(`${hashTables(results, selectedBackend()).join('\n')}\n`);
}
