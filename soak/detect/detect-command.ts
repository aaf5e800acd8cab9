/** `stream-sum detect`: flags, the choice of experiments, and the output. */

import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { countWithin, makeCommand, oneOf, valueOption } from '../../src/component/flags.ts';
import { EXIT, UsageError } from '../../src/core/errors.ts';
import { checkWritable } from '../../src/core/folder.ts';
import { parseCount } from '../../src/core/units.ts';
import { csvText } from '../../src/results/csv.ts';
import { readCommit } from '../../src/results/repository.ts';
import { MUTANTS } from '../simulation/mutants/index.ts';
import { SABOTAGES } from '../simulation/sabotages/sabotages.ts';
import type { Decorations } from '../simulation/decorations.ts';
import { kindOf, simulate } from '../simulation/simulate.ts';
import { shrunkLines } from '../simulation/story.ts';
import { DETECTION_COLUMNS, Detection } from './detection.ts';
import { type Experiment, planted } from './experiment.ts';
import { runExperiments } from './experiments.ts';
import { type LiveComposition, liveSabotages, runLiveSabotages } from './live-experiments.ts';
import { FORMATS, type Format, formatPowers } from './format.ts';
import { detectReal, realNameLines } from './real/real-command.ts';
import { singleLines } from './single.ts';

const SEEDS_DEFAULT = 20;
const SEEDS_MAX = 1_000_000;
/** How many ranges of `SEEDS_MAX` seeds lie below 2^53. */
const FRESH_RANGES = 9_000_000_000;
/** `dist/soak/detect/` is three folders below the root of the package. */
const SOURCE_ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const CLEAN_DEFAULT = 3_000;
/** For so many clean schedules there is one more, on a cluster. */
const CLEAN_ON_CLUSTER_ONE_OF = 10;
const OUTPUT = 'results/detection.csv';
const MISNAMED_SHOWN = 20;

type Flags = {
  seeds?: number;
  seed?: number | 'fresh';
  mutant?: string;
  sabotage?: string;
  clean?: number;
  jobs: number;
  output?: string;
  list?: true;
  shrink?: true;
  real?: true;
  results?: string;
  format: Format;
};

const HELP = `
Without --mutant or --sabotage it runs every mutant, every sabotage and clean schedules, and writes
${OUTPUT}.

Exit code 0 needs all of these:
  every mutant took effect under one seed or more, and was caught under each of them and no other
  95 % of the catches or more were by the right name
  no clean schedule raised an alarm
  no sabotage of the harness ended in HOLDS, and a reason named each

--real exits with 0 only if every bug took effect, was found after that, by a right name, and an audit of
the whole history agreed.`;

/**
 * `composition`: how a soak over real processes is started; null: the live harness is sabotaged only over fake
 * processes.
 */
export function detectCommand(composition: LiveComposition | null = null): Command {
  return makeCommand('detect', 'Plant bugs in the simulated system, and count what the checkers find.')
    .addOption(
      valueOption(
        '--seeds <n>',
        `schedules for each mutant (default: ${SEEDS_DEFAULT}; with --seed, 1)`,
        countWithin(1, SEEDS_MAX),
      ),
    )
    .addOption(
      valueOption(
        '--seed <n|fresh>',
        'the first seed; fresh: a seed of the commit, which no other commit has used (default: 1)',
        (text, flag) => (text === 'fresh' ? text : parseCount(text, flag)),
      ),
    )
    .option('--mutant <name>', 'run only this mutant')
    .option('--sabotage <name>', 'run only this sabotage of the harness')
    .option('--list', 'name all mutants and sabotages, and do nothing else')
    .option('--shrink', 'with --mutant and --seed: make the schedule smaller while the bug is found in the same way')
    .addOption(
      valueOption(
        '--clean <n>',
        `clean schedules (default: ${CLEAN_DEFAULT}; with --mutant or --sabotage, none)`,
        countWithin(0, SEEDS_MAX),
      ),
    )
    .addOption(valueOption('--jobs <n>', 'threads', countWithin(1, 256), String(availableParallelism())))
    .option('--real', 'plant bugs in real processes instead: a short soak for each, which is then audited')
    .option('--results <folder>', "with --real: the run's own folder is made in it")
    .option('--output <file>', `write a row for each schedule of a mutant (default, when all run: ${OUTPUT})`)
    .addOption(valueOption(`--format <${FORMATS.join('|')}>`, 'form of the table', oneOf(FORMATS), 'text'))
    .addHelpText('after', HELP)
    .action(async (flags: Flags) => {
      if (flags.results !== undefined && flags.real !== true) throw new UsageError('--results needs --real');
      if (flags.real === true) process.exitCode = await inRealProcesses(flags, composition);
      else if (flags.list === true) print(nameLines());
      else process.exitCode = await detect(flags, composition);
    });
}

async function inRealProcesses(flags: Flags, composition: LiveComposition | null): Promise<number> {
  for (const name of ['seeds', 'sabotage', 'clean', 'shrink', 'output'] as const) {
    if (flags[name] !== undefined) throw new UsageError(`--${name} is for simulated schedules, not for --real`);
  }
  if (flags.list === true) {
    print(realNameLines());
    return EXIT.holds;
  }
  if (composition === null) throw new UsageError('--real: this build has no real processes');
  if (flags.seed === 'fresh') throw new UsageError('--seed fresh is for simulated schedules, not for --real');
  return detectReal({ ...flags, seed: flags.seed ?? 1 }, composition, print);
}

async function detect(flags: Flags, composition: LiveComposition | null): Promise<number> {
  const first = flags.seed === 'fresh' ? await freshSeed() : (flags.seed ?? 1);
  const tasks = experiments(flags, first);
  if (flags.shrink === true && (tasks.length !== 1 || flags.mutant === undefined)) {
    throw new UsageError('--shrink needs one schedule: name it by --mutant and --seed');
  }
  const output = flags.output ?? (isWhole(flags) ? OUTPUT : null);
  // The file is written at the end; that it cannot be written must be said before.
  if (output !== null) checkWritable('--output', output);
  const detection = new Detection();
  const startedMs = performance.now();
  let done = 0;
  await runExperiments({
    tasks,
    jobs: Math.max(1, Math.min(flags.jobs, tasks.length)),
    onResult: (result) => {
      detection.add(result);
      done += 1;
      if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${tasks.length} schedules`);
    },
  });
  if (process.stderr.isTTY) process.stderr.write('\n');
  const names = liveNames(flags);
  if (names.size > 0) await runLiveSabotages({ composition, names, onResult: (result) => detection.addLive(result) });
  const [only] = tasks;
  const [result] = detection.results;
  const isOne = tasks.length === 1 && only !== undefined && result !== undefined;
  if (isOne) {
    print(await singleLines(result));
    if (flags.shrink === true) print(await shrunkOf(only));
  }
  if (output !== null) writeFileSync(output, csvText(DETECTION_COLUMNS, detection.rows()));
  // The lines about one schedule of a mutant say everything. Figures of power need many schedules.
  if (!isOne || only.of !== 'mutant') print(linesOf(detection, flags.format));
  if (flags.seed === 'fresh') print([`seeds from ${first} on, which the commit gives`]);
  const seconds = ((performance.now() - startedMs) / 1e3).toFixed(1);
  print([`${tasks.length} schedules in ${seconds} s`]);
  const isUntried = isOne && only.of === 'mutant' && !result.tookEffect && result.violation === null;
  return isUntried ? EXIT.inconclusive : detection.exitCode;
}

function isWhole({ mutant, sabotage }: Flags): boolean {
  return mutant === undefined && sabotage === undefined;
}

/** The schedules that are asked for. Throws a UsageError when a name is unknown. */
function experiments(flags: Flags, first: number): Experiment[] {
  const { mutant, sabotage } = flags;
  const seeds = flags.seeds ?? (typeof flags.seed === 'number' ? 1 : SEEDS_DEFAULT);
  const mutants = named('--mutant', MUTANTS, mutant ?? (sabotage === undefined ? undefined : null));
  const isLive = sabotage !== undefined && liveSabotages().some(({ name }) => name === sabotage);
  const sabotages = named(
    '--sabotage',
    SABOTAGES,
    isLive ? null : (sabotage ?? (mutant === undefined ? undefined : null)),
  );
  const clean = flags.clean ?? (isWhole(flags) ? CLEAN_DEFAULT : 0);
  return [
    ...mutants.flatMap((name) => consecutive('mutant', name, { first, seeds })),
    ...sabotages.flatMap((name) => consecutive('sabotage', name, { first, seeds: 1 })),
    ...consecutive('clean', '', { first, seeds: clean }),
    ...consecutive('clean', '', { first, seeds: Math.floor(clean / CLEAN_ON_CLUSTER_ONE_OF) }).map((task) => ({
      ...task,
      engine: 'gazette' as const,
    })),
  ];
}

function consecutive(
  of: Experiment['of'],
  name: string,
  { first, seeds }: { readonly first: number; readonly seeds: number },
): Experiment[] {
  return Array.from({ length: seeds }, (_, index) => ({ of, name, seed: first + index }));
}

/** The sabotages of the live harness that are asked for. */
function liveNames({ mutant, sabotage }: Flags): Set<string> {
  const names = liveSabotages().map(({ name }) => name);
  return new Set(names.filter((name) => mutant === undefined && (sabotage === undefined || sabotage === name)));
}

/**
 * The first of a range of seeds that nobody has used before: a function of the commit, far beyond the seeds that people
 * type.
 */
async function freshSeed(): Promise<number> {
  const { commit, dirty } = await readCommit(SOURCE_ROOT);
  if (commit === null || dirty !== false) {
    throw new UsageError('--seed fresh: needs a git checkout without changes, because the commit decides the seeds');
  }
  return freshSeedOf(commit);
}

/**
 * The first 40 bits of the commit's SHA-256, times the most schedules that a mutant may have, so that no two ranges
 * overlap.
 */
export function freshSeedOf(commit: string): number {
  return (createHash('sha256').update(commit).digest().readUIntBE(0, 5) % FRESH_RANGES) * SEEDS_MAX + SEEDS_MAX;
}

/** All names, one name, or (`null`) none. */
function named(flag: string, all: readonly { readonly name: string }[], asked: string | null | undefined): string[] {
  if (asked === null) return [];
  const names = all.map(({ name }) => name);
  if (asked === undefined) return names;
  if (!names.includes(asked))
    throw new UsageError(`${flag} ${asked}: unknown name; \`stream-sum detect --list\` shows all`);
  return [asked];
}

function linesOf(detection: Detection, format: Format): string[] {
  const misnamed = detection.misnamed();
  const lines = formatPowers(detection.powers(), format);
  if (lines.length > 0) lines.push('');
  lines.push(
    ...[detection.missLine(), detection.cleanLine(), detection.sabotageLine()].filter((line) => line !== null),
  );
  for (const { over, sabotages, named: count } of detection.liveRows()) {
    const harness = `sabotages of the live harness over ${over} processes`;
    lines.push(`${count} of ${sabotages} ${harness} kept the run from HOLDS, for the planted reason`);
  }
  lines.push(...misnamed.slice(0, MISNAMED_SHOWN));
  if (misnamed.length > MISNAMED_SHOWN) lines.push(`and ${misnamed.length - MISNAMED_SHOWN} more by a wrong name`);
  return [...lines, ...detection.misses()];
}

/** Every name that `--mutant` and `--sabotage` accept, with what is wrong. */
function nameLines(): string[] {
  return [
    ...MUTANTS.map(({ name, class: kind, bug }) => `mutant ${name} (${kind}): ${bug}`),
    ...[...SABOTAGES, ...liveSabotages()].map(({ name }) => `sabotage ${name}`),
  ];
}

/** Shrinks one schedule as long as the bug is found in the same way. */
async function shrunkOf(experiment: Experiment): Promise<string[]> {
  const { plan } = planted(experiment);
  const decorations = (): Decorations => planted(experiment).decorations;
  const kind = kindOf(await simulate(plan, { decorations: decorations() }));
  if (kind === null) return ['nothing to shrink: the schedule holds'];
  return await shrunkLines({ seed: experiment.seed, plan, kind, decorations });
}

function print(lines: readonly string[]): void {
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
}
