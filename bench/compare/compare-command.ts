/** `stream-sum compare`: flags and composition only. */

import { accessSync, constants, statSync } from 'node:fs';
import type { Command } from 'commander';
import { makeCommand, parsed } from '../../src/component/flags.ts';
import { EXIT, UsageError } from '../../src/core/errors.ts';
import { isJudged } from '../../src/results/samples.ts';
import {
  compareRuns,
  type Comparison,
  gateOf,
  type GateOptions,
  type GateOutcome,
  type Requirement,
} from './comparison.ts';
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
  require?: string[];
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
tell (runs that differ, do not hold, are incomplete or too few, or rows that nothing is known of), and 0 only when no row
is worse and every row that OLD could judge is known not to be. --require says which rows must be known, by a regular
expression over their names, or how many by a share: --require 'throughput|latency' --require 80%.
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
    .option('--require <what>', "what a gate must know: a pattern of rows' names, or a share as 80%", collect)
    .option('--rounds-as-runs', 'take rounds of separate runs as proof: on a machine that does nothing else')
    .option('--format <name>', `one of: ${FORMATS.join(', ')}`, parsed('--format', parseFormat), 'table')
    .option('--seed <n>', 'of the random sign flips', parsed('--seed', parseSeed), 1)
    .addHelpText('after', HELP)
    .action((positional: string[], flags: Flags) => {
      const gateOptions = gateOptionsOf(flags);
      const comparison = compare(positional, flags);
      const gate = gateOptions === null ? null : gateOf(comparison, gateOptions);
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

/** Null without a gate. */
function gateOptionsOf({ gate, allowDifferent, require = [] }: Flags): GateOptions | null {
  if (gate !== true && require.length > 0)
    throw new UsageError('--require says what a gate must know: it needs --gate');
  return gate === true ? { allowDifferent: allowDifferent === true, require: requirementOf(require) } : null;
}

function requirementOf(texts: readonly string[]): Requirement {
  const shares = texts.filter((text) => text.endsWith('%'));
  const names = texts.filter((text) => !text.endsWith('%'));
  if (shares.length > 1) throw new UsageError(`--require: more than one share: ${shares.join(', ')}`);
  const share = shares[0] === undefined ? 1 : parseShare(shares[0]);
  return { names: names.length === 0 ? null : patternOf(names), share };
}

function parseShare(text: string): number {
  const percent = /^\d+(\.\d+)?%$/.test(text) ? Number(text.slice(0, -1)) : Number.NaN;
  if (!(percent > 0 && percent <= 100)) throw new UsageError(`--require ${text}: expected a share above 0% up to 100%`);
  return percent / 100;
}

function patternOf(texts: readonly string[]): RegExp {
  const patterns = texts.map((text) => {
    try {
      if (text !== '') return new RegExp(text).source;
    } catch (error) {
      throw new UsageError(`--require ${text}: ${error instanceof Error ? error.message : String(error)}`);
    }
    throw new UsageError("--require '': expected a pattern of rows' names");
  });
  return new RegExp(patterns.map((pattern) => `(?:${pattern})`).join('|'));
}

/** Opens only what cannot block: a pipe or a device may never end. */
function checkRun(path: string): void {
  let what: string | null = null;
  try {
    const found = statSync(path);
    if (!found.isFile() && !found.isDirectory()) what = 'it is neither a folder nor a file';
    accessSync(path, constants.R_OK);
  } catch (error) {
    const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    what = isAbsent ? 'there is no such folder or file' : error instanceof Error ? error.message : String(error);
  }
  if (what !== null) throw new UsageError(`cannot compare ${path}: ${what}`);
}

function compare(positional: readonly string[], flags: Flags): Comparison {
  const { old, next } = sidesOf(positional, flags);
  for (const path of [...old, ...next]) checkRun(path);
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

/** Lines for which a table of rows has no place. */
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
