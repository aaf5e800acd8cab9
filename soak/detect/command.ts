/** `stream-sum detect`: flags, which experiments there are, and what is printed and written. */

import { accessSync, constants, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { Command, Option } from 'commander';
import { UsageError } from '../../src/core/errors.ts';
import { parseCount, parseCountWithin } from '../../src/core/units.ts';
import { csvText } from '../../src/measure/csv.ts';
import { MUTANTS } from '../mutants/index.ts';
import { SABOTAGES } from '../mutants/sabotages.ts';
import { simulate } from '../simulation/simulate.ts';
import { Witness } from '../simulation/witness.ts';
import { DETECTION_COLUMNS, Detection } from './detection.ts';
import { type Experiment, type ExperimentResult, planted } from './experiment.ts';
import { runExperiments } from './experiments.ts';
import { FORMATS, type Format, formatPowers } from './format.ts';

const SEEDS_DEFAULT = 20;
const SEEDS_MAX = 1_000_000;
const CLEAN_DEFAULT = 3_000;
const OUTPUT = 'results/detection.csv';
const MISNAMED_SHOWN = 20;

type Flags = {
  seeds?: number;
  seed?: number;
  mutant?: string;
  sabotage?: string;
  clean?: number;
  jobs: number;
  output?: string;
  format: Format;
};

const HELP = `
Without --mutant or --sabotage: every mutant, every sabotage, and clean schedules, and the results go to ${OUTPUT}.
Exits with 0 only if every mutant was caught under every seed in which it took effect, 95 % of the times by the right
name, no clean schedule raised an alarm, and no sabotage of the harness ended in HOLDS.`;

export function detectCommand(): Command {
  return new Command('detect')
    .description('plant bugs in the simulated system, and count what the checkers find')
    .option('--seeds <n>', `schedules for each mutant (default: ${SEEDS_DEFAULT}; with --seed, 1)`, (text) =>
      parseCountWithin(text, '--seeds', { low: 1, high: SEEDS_MAX }),
    )
    .option('--seed <n>', 'the first seed (default: 1)', (text) => parseCount(text, '--seed'))
    .option('--mutant <name>', 'one mutant alone')
    .option('--sabotage <name>', 'one sabotage of the harness alone')
    .option('--clean <n>', `clean schedules (default: ${CLEAN_DEFAULT}; with --mutant or --sabotage, none)`, (text) =>
      parseCountWithin(text, '--clean', { low: 0, high: SEEDS_MAX }),
    )
    .option(
      '--jobs <n>',
      'threads',
      (text) => parseCountWithin(text, '--jobs', { low: 1, high: 256 }),
      availableParallelism(),
    )
    .option('--output <file>', `where each schedule of a mutant becomes a row (default, of all mutants: ${OUTPUT})`)
    .addOption(new Option('--format <name>', 'of the table').choices(FORMATS).default('text'))
    .addHelpText('after', HELP)
    .action(async (flags: Flags) => {
      process.exitCode = await detect(flags);
    });
}

async function detect(flags: Flags): Promise<number> {
  const tasks = experiments(flags);
  const output = flags.output ?? (isWhole(flags) ? OUTPUT : null);
  if (output !== null) checkWritable(output);
  const detection = new Detection();
  const startedMs = performance.now();
  let done = 0;
  await runExperiments({
    tasks,
    jobs: Math.min(flags.jobs, tasks.length),
    onResult: (result) => {
      detection.add(result);
      done += 1;
      if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${tasks.length} schedules`);
    },
  });
  if (process.stderr.isTTY) process.stderr.write('\n');
  const [only] = tasks;
  if (tasks.length === 1 && only !== undefined) print(await storyOf(only, detection.results[0]));
  if (output !== null) writeFileSync(output, csvText(DETECTION_COLUMNS, detection.rows()));
  print(linesOf(detection, flags.format));
  const seconds = ((performance.now() - startedMs) / 1e3).toFixed(1);
  print([`${tasks.length} schedules in ${seconds} s`]);
  return detection.exitCode;
}

/** It is written at the end: that it cannot be is said before. */
function checkWritable(output: string): void {
  try {
    accessSync(dirname(output), constants.W_OK);
  } catch {
    throw new UsageError(`--output ${output}: there is no folder ${dirname(output)} that can be written to`);
  }
}

function isWhole({ mutant, sabotage }: Flags): boolean {
  return mutant === undefined && sabotage === undefined;
}

/** Which schedules are asked for. Throws a UsageError where a name is unknown. */
function experiments(flags: Flags): Experiment[] {
  const { mutant, sabotage } = flags;
  const first = flags.seed ?? 1;
  const seeds = flags.seeds ?? (flags.seed === undefined ? SEEDS_DEFAULT : 1);
  const mutants = named('--mutant', MUTANTS, mutant ?? (sabotage === undefined ? undefined : null));
  const sabotages = named('--sabotage', SABOTAGES, sabotage ?? (mutant === undefined ? undefined : null));
  const clean = flags.clean ?? (isWhole(flags) ? CLEAN_DEFAULT : 0);
  return [
    ...mutants.flatMap((name) => consecutive('mutant', name, { first, seeds })),
    ...sabotages.flatMap((name) => consecutive('sabotage', name, { first, seeds: 1 })),
    ...consecutive('clean', '', { first, seeds: clean }),
  ];
}

function consecutive(
  of: Experiment['of'],
  name: string,
  { first, seeds }: { readonly first: number; readonly seeds: number },
): Experiment[] {
  return Array.from({ length: seeds }, (_, index) => ({ of, name, seed: first + index }));
}

/** All names, one, or (`null`) none. */
function named(flag: string, all: readonly { readonly name: string }[], asked: string | null | undefined): string[] {
  if (asked === null) return [];
  const names = all.map(({ name }) => name);
  if (asked === undefined) return names;
  if (!names.includes(asked)) throw new UsageError(`${flag} ${asked}: expected one of ${names.join(', ')}`);
  return [asked];
}

function linesOf(detection: Detection, format: Format): string[] {
  const misnamed = detection.misnamed();
  const lines = formatPowers(detection.powers(), format);
  if (lines.length > 0) lines.push('');
  lines.push(...[detection.cleanLine(), detection.sabotageLine()].filter((line) => line !== null));
  lines.push(...misnamed.slice(0, MISNAMED_SHOWN));
  if (misnamed.length > MISNAMED_SHOWN) lines.push(`and ${misnamed.length - MISNAMED_SHOWN} more by a wrong name`);
  return [...lines, ...detection.misses()];
}

/** Of one schedule: what was found, and what led to it. */
async function storyOf(experiment: Experiment, result: ExperimentResult | undefined): Promise<string[]> {
  if (result === undefined) return [];
  const { reasons, tookEffect, violation } = result;
  const lines = [
    ...(experiment.of === 'mutant' ? [tookEffect ? 'the bug took effect' : 'the bug did not take effect'] : []),
    ...(reasons.length === 0 ? ['HOLDS'] : reasons),
  ];
  if (violation === null) return lines;
  const witness = new Witness(violation);
  const { plan, decorations } = planted(experiment);
  await simulate(plan, { decorations, checkers: [witness] });
  return [...lines, 'what led to the first violation:', ...witness.lines.map((line) => `  ${line}`)];
}

function print(lines: readonly string[]): void {
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
}
