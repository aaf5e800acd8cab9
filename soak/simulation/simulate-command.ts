/** `stream-sum simulate`: flags and output. */

import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { countWithin, makeCommand, oneOf, valueOption } from '../../src/component/flags.ts';
import { UsageError } from '../../src/core/errors.ts';
import { checkWritable } from '../../src/core/folder.ts';
import { formatCount, parseCount } from '../../src/core/units.ts';
import { violationLine } from '../guarantee/violation.ts';
import { ENGINES, type EngineName } from '../../src/journal/promises.ts';
import { planFor } from './plan-for.ts';
import { WORKLOADS, type WorkloadName, workloadOf } from './plan.ts';
import { runSeeds } from './seeds.ts';
import type { SeedResult } from './seed-result.ts';
import { writeTrace } from '../guarantee/story/trace.ts';
import { tellSeed } from './seed-telling.ts';
import { shrunkLines, whyLines } from './story.ts';
import { Totals } from './totals.ts';

const SEEDS_DEFAULT = 100;
const SEEDS_MAX = 100_000_000;
const FAILURES_SHOWN = 10;

type Flags = {
  seeds?: number;
  seed?: number;
  workload?: WorkloadName;
  engine: EngineName;
  jobs: number;
  shrink?: true;
  trace?: string;
};

export function simulateCommand(): Command {
  return makeCommand(
    'simulate',
    'Run the whole system in one process on a virtual clock, under random faults, and judge its history.',
  )
    .addOption(
      valueOption(
        '--seeds <n>',
        `schedules to run (default: ${SEEDS_DEFAULT}; with --seed, 1)`,
        countWithin(1, SEEDS_MAX),
      ),
    )
    .addOption(valueOption('--seed <n>', 'the first seed (default: 1)', parseCount))
    .addOption(
      valueOption(
        `--workload <${WORKLOADS.join('|')}>`,
        'one workload for all seeds (default: each in turn)',
        oneOf(WORKLOADS),
      ),
    )
    .addOption(
      valueOption(`--engine <${ENGINES.join('|')}>`, 'which engine keeps the journals', oneOf(ENGINES), 'embedded'),
    )
    .addOption(valueOption('--jobs <n>', 'threads', countWithin(1, 256), String(availableParallelism())))
    .option('--shrink', 'make the first failing schedule smaller while it still fails in the same way')
    .option('--trace <file>', 'with --seed: draw the run on one page of HTML, with a lane for each process')
    .action(async (flags: Flags) => {
      process.exitCode = await simulateSeeds(flags);
    });
}

async function simulateSeeds(flags: Flags): Promise<number> {
  const first = flags.seed ?? 1;
  const count = flags.seeds ?? (flags.seed === undefined ? SEEDS_DEFAULT : 1);
  const { trace, engine } = flags;
  if (trace !== undefined) checkTraceable(trace, flags, count);
  const startedMs = performance.now();
  const totals = new Totals();
  const shown: SeedResult[] = [];
  await runSeeds({
    tasks: Array.from({ length: count }, (_, index) => {
      const seed = first + index;
      return { seed, workload: flags.workload ?? workloadOf(seed), engine };
    }),
    jobs: Math.min(flags.jobs, count),
    onResult: (result) => {
      totals.add(result);
      if (count === 1 || (result.kind !== null && totals.failed <= FAILURES_SHOWN)) print(resultLines(result));
      if (result.kind !== null && shown.length < FAILURES_SHOWN) shown.push(result);
    },
  });
  const [failed] = shown;
  if (failed !== undefined) {
    const { seed, workload, kind } = failed;
    const plan = planFor({ seed, workload, engine });
    print(await whyLines({ seed, plan }));
    if (flags.shrink === true) print(await shrunkLines({ seed, plan, kind }));
  }
  print(totals.lines((performance.now() - startedMs) / 1e3));
  if (trace !== undefined) {
    const telling = await tellSeed({ plan: planFor({ seed: first, workload: flags.workload, engine }) });
    print(writeTrace(trace, telling));
  }
  return totals.exitCode;
}

/** Throws a UsageError unless there is exactly one schedule to draw, and the page can be written. */
function checkTraceable(path: string, { seed }: Flags, count: number): void {
  if (seed === undefined || count !== 1) throw new UsageError('--trace draws one schedule: name it by --seed');
  checkWritable('--trace', path);
}

/** One schedule: what it was, and what was wrong with it. */
function resultLines(result: SeedResult): string[] {
  const { seed, workload, engine, digest, virtualMs, faults, records } = result;
  const flowed = `${formatCount(records)} records, ${faults} faults, ${(virtualMs / 1e3).toFixed(1)} virtual s`;
  const lines = [`seed ${seed} (${workload}): ${flowed}, history ${digest}`];
  if (result.kind === null) return lines;
  const { violations, failures, inconclusive } = result;
  for (const violation of violations) {
    const { kind } = violation;
    lines.push(
      kind === 'unnamed' ? `  ${violation.process}: ${violation.detail}` : `  ${violationLine({ ...violation, kind })}`,
    );
  }
  lines.push(...failures.map((line) => `  ${line}`), ...inconclusive.map((line) => `  ${line}`));
  const onEngine = engine === undefined || engine === 'embedded' ? '' : ` --engine ${engine}`;
  lines.push(`  repeat: npm run simulate -- --seed ${seed} --workload ${workload}${onEngine}`);
  return lines;
}

function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}
