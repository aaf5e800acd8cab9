/** `stream-sum simulate`: flags, and what is printed. */

import { availableParallelism } from 'node:os';
import { type Command, Option } from 'commander';
import { countWithin, makeCommand, valueOption } from '../../src/cli/flags.ts';
import { formatCount, parseCount } from '../../src/core/units.ts';
import { violationLine } from '../verdict.ts';
import { type Plan, WORKLOADS, type WorkloadName, planOf, workloadOf } from './plan.ts';
import { runSeeds } from './seeds.ts';
import type { SeedResult } from './seed-result.ts';
import { shrink } from './shrink.ts';
import { kindOf, simulate } from './simulate.ts';
import { Totals } from './totals.ts';
import { Witness } from './witness.ts';

const SEEDS_DEFAULT = 100;
const SEEDS_MAX = 100_000_000;
const FAILURES_SHOWN = 10;

/** Tries of a smaller plan: a fixed number, so that a machine's speed changes nothing. */
const TRIES_MAX = 300;

type Flags = { seeds?: number; seed?: number; workload?: WorkloadName; jobs: number; shrink?: true };

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
    .addOption(new Option('--workload <name>', 'one workload for all seeds (default: each in turn)').choices(WORKLOADS))
    .addOption(valueOption('--jobs <n>', 'threads', countWithin(1, 256), String(availableParallelism())))
    .option('--shrink', 'make the first failing schedule smaller while it still fails in the same way')
    .action(async (flags: Flags) => {
      process.exitCode = await simulateSeeds(flags);
    });
}

async function simulateSeeds(flags: Flags): Promise<number> {
  const first = flags.seed ?? 1;
  const count = flags.seeds ?? (flags.seed === undefined ? SEEDS_DEFAULT : 1);
  const startedMs = performance.now();
  const totals = new Totals();
  const shown: SeedResult[] = [];
  await runSeeds({
    tasks: Array.from({ length: count }, (_, index) => {
      const seed = first + index;
      return { seed, workload: flags.workload ?? workloadOf(seed) };
    }),
    jobs: Math.min(flags.jobs, count),
    onResult: (result) => {
      totals.add(result);
      if (count === 1 || (result.kind !== null && totals.failed <= FAILURES_SHOWN)) print(resultLines(result));
      if (result.kind !== null && shown.length < FAILURES_SHOWN) shown.push(result);
    },
  });
  const [failed] = shown;
  if (failed !== undefined) print(await witnessLines(planOf(failed.seed, failed.workload), failed));
  if (failed !== undefined && flags.shrink === true) print(await shrunkLines(failed));
  print(totals.lines((performance.now() - startedMs) / 1e3));
  return totals.exitCode;
}

/** One schedule: what it was, and what was wrong with it. */
function resultLines(result: SeedResult): string[] {
  const { seed, workload, digest, virtualMs, faults, records } = result;
  const lines = [
    `seed ${seed} (${workload}): ${formatCount(records)} records, ${faults} faults, ${(virtualMs / 1e3).toFixed(1)} virtual s, history ${digest}`,
  ];
  if (result.kind === null) return lines;
  const { violations, failures, inconclusive } = result;
  for (const violation of violations) {
    const { kind } = violation;
    lines.push(
      kind === 'unnamed' ? `  ${violation.process}: ${violation.detail}` : `  ${violationLine({ ...violation, kind })}`,
    );
  }
  lines.push(...failures.map((line) => `  ${line}`), ...inconclusive.map((line) => `  ${line}`));
  lines.push(`  repeat: npm run simulate -- --seed ${seed} --workload ${workload}`);
  return lines;
}

/** What happened around the first violation, by running the schedule once more. */
async function witnessLines(
  plan: Plan,
  { seed, violations }: Pick<SeedResult, 'seed' | 'violations'>,
): Promise<string[]> {
  const [violation] = violations;
  if (violation === undefined) return [];
  const witness = new Witness(violation);
  await simulate(plan, { checkers: [witness] });
  return [`what led to the first violation of seed ${seed}:`, ...witness.lines.map((line) => `  ${line}`)];
}

async function shrunkLines({ seed, workload, kind }: SeedResult): Promise<string[]> {
  const whole = planOf(seed, workload);
  const fails = async (plan: Plan): Promise<boolean> => kindOf(await simulate(plan)) === kind;
  const { plan, tries } = await shrink({ plan: whole, fails, triesMax: TRIES_MAX });
  const { violations } = await simulate(plan);
  const { faults, partitions, chunkers } = plan;
  return [
    `seed ${seed} fails with ${faults.length} of ${whole.faults.length} faults as well (${tries} tries), ${partitions} partitions and ${chunkers.length} chunkers:`,
    ...faults.map((fault) => `  ${JSON.stringify(fault)}`),
    ...(await witnessLines(plan, { seed, violations })),
  ];
}

function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}
