/** `stream-sum compare`: flags and composition only. */

import type { Command } from 'commander';
import { makeCommand, parsed } from '../../src/cli/flags.ts';
import { EXIT, UsageError } from '../../src/core/errors.ts';
import { isJudged } from '../../src/measure/samples.ts';
import { compareRuns, type Comparison, gateOf, type GateOutcome } from './comparison.ts';
import { formatCsv, formatJson } from './format-data.ts';
import { formatMarkdown } from './format-markdown.ts';
import { formatTable } from './format-table.ts';
import { loadRun } from './loading.ts';
import { violationLines } from './sections.ts';

const FORMATS = ['table', 'markdown', 'csv', 'json'] as const;
type Format = (typeof FORMATS)[number];

type Flags = {
  old?: string[];
  new?: string[];
  threshold?: number;
  gate?: true;
  allowDifferent?: true;
  roundsAsRuns?: true;
  format: Format;
  seed: number;
};

const DEFAULT_WIDTH = 110;
const THRESHOLD = 0.03;

const HELP = `
One run on each side: compare OLD NEW. Several: compare --old A --old B --new C --new D.
Two runs whose rounds were interleaved (bench --against) are compared round by round. Of 4 separate runs or more on each
side, each is one observation. Of fewer, what their rounds show is said with a question mark and no gate can tell.

With --gate the exit code is 11 for a regression (a row is worse, or a guarantee broke in NEW), 3 when it could not
tell (runs that differ, do not hold, are incomplete or too few), and 0 only when rows were compared and none is worse.
Rows of a rate that depends on the run's own maximum (rate=half) are shown, and neither judged nor counted.
Without it: 0, or 3 when there was nothing to compare.

bench/METHODOLOGY.md says how it decides, and how often it is wrong.`;

export function compareCommand(): Command {
  return makeCommand('compare', 'Say what changed between recorded runs, and whether it is more than chance.')
    .usage('[options] OLD NEW')
    .argument('[runs...]', 'the old run and the new one: a folder, or a samples.csv')
    .option('--old <run>', 'a run of the old side; can be repeated', collect)
    .option('--new <run>', 'a run of the new side; can be repeated', collect)
    .option(
      '--threshold <percent>',
      'a smaller change does not count (default: 3)',
      parsed('--threshold', parsePercent),
    )
    .option('--gate', 'exit 11 on a regression, 3 when it could not tell')
    .option('--allow-different', 'let a gate compare runs of different configurations or environments')
    .option('--rounds-as-runs', 'take rounds of separate runs as proof: on a machine that does nothing else')
    .option('--format <name>', `one of: ${FORMATS.join(', ')}`, parsed('--format', parseFormat), 'table')
    .option('--seed <n>', 'of the random sign flips', parsed('--seed', parseSeed), 1)
    .addHelpText('after', HELP)
    .action((positional: string[], flags: Flags) => {
      const comparison = compare(positional, flags);
      const gate = flags.gate === true ? gateOf(comparison, { allowDifferent: flags.allowDifferent === true }) : null;
      ignoreClosedPipe();
      process.stdout.write(textOf(comparison, gate, flags.format));
      if (flags.format === 'csv') process.stderr.write(besideCsv(comparison));
      if (gate !== null && flags.format !== 'json') {
        for (const line of gateLines(gate))
          (flags.format === 'csv' ? process.stderr : process.stdout).write(`${line}\n`);
      }
      process.exitCode = gate?.exitCode ?? (comparison.rows.some(isJudged) ? EXIT.holds : EXIT.inconclusive);
    });
}

/** `compare ... | head` ends early on purpose. */
function ignoreClosedPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

function collect(text: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), text];
}

function compare(positional: readonly string[], flags: Flags): Comparison {
  const { old, next } = sidesOf(positional, flags);
  return compareRuns(old.map(loadRun), next.map(loadRun), {
    threshold: flags.threshold ?? THRESHOLD,
    seed: flags.seed,
    roundsAsRuns: flags.roundsAsRuns === true,
  });
}

function sidesOf(positional: readonly string[], flags: Flags): { old: string[]; next: string[] } {
  if (positional.length > 2) {
    throw new UsageError(`${positional.length} runs: which are old? Several on a side need --old and --new`);
  }
  const { old = [], new: next = [] } = flags;
  if (positional.length > 0 && old.length + next.length > 0) {
    throw new UsageError(`${positional[0]}: either OLD and NEW, or --old and --new for all runs`);
  }
  const [first, second] = positional;
  if (first !== undefined && second !== undefined) return { old: [first], next: [second] };
  if (old.length === 0 || next.length === 0) {
    throw new UsageError('two sides are needed: compare OLD NEW, or --old and --new');
  }
  return { old, next };
}

/** Percent as typed, `3` or `2.5`, to a share. */
function parsePercent(text: string, flag: string): number {
  const percent = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(percent < 100)) throw new UsageError(`${flag} ${text}: expected percent, such as 3 or 2.5`);
  return percent / 100;
}

function parseSeed(text: string, flag: string): number {
  const seed = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(seed)) throw new UsageError(`${flag} ${text}: expected a whole number`);
  return seed;
}

function parseFormat(text: string, flag: string): Format {
  const format = FORMATS.find((each) => each === text);
  if (format === undefined) throw new UsageError(`${flag} ${text}: expected one of ${FORMATS.join(', ')}`);
  return format;
}

function textOf(comparison: Comparison, gate: GateOutcome | null, format: Format): string {
  switch (format) {
    case 'table':
      return formatTable(comparison, process.stdout.columns ?? DEFAULT_WIDTH);
    case 'markdown':
      return formatMarkdown(comparison);
    case 'csv':
      return formatCsv(comparison);
    case 'json':
      return formatJson(comparison, gate);
    default:
      return format satisfies never;
  }
}

/** What a table of rows has no place for. */
function besideCsv(comparison: Comparison): string {
  const { differences, problems, notes } = comparison;
  return [
    ...violationLines(comparison),
    ...differences.map(({ name, old, new: next }) => `different: ${name}: ${old} -> ${next}`),
    ...problems.map((problem) => `problem: ${problem}`),
    ...notes.map((note) => `note: ${note}`),
  ]
    .map((line) => `${line}\n`)
    .join('');
}

function gateLines({ exitCode, reasons }: GateOutcome): string[] {
  const outcome = exitCode === EXIT.holds ? 'passed' : exitCode === EXIT.regression ? 'regression' : 'could not tell';
  return reasons.map((reason) => `gate: ${outcome}: ${reason}`);
}
