/** `stream-sum compare`: flags and composition only. */

import { accessSync, constants, statSync } from 'node:fs';
import type { Command } from 'commander';
import { makeCommand, oneOf, valueOption } from '../../src/component/flags.ts';
import { EXIT, UsageError } from '../../src/core/errors.ts';
import { parseCount } from '../../src/core/units.ts';
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
  threshold: number;
  gate?: true;
  allowDifferent?: true;
  require?: string[];
  roundsAsRuns?: true;
  format: Format;
  seed: number;
};

const DEFAULT_WIDTH = 110;

const HELP = `
One run on each side: compare OLD NEW. Several: compare --old A --old B --new C --new D.

What is compared:
  interleaved rounds (bench --against)  round by round
  4 separate runs or more on each side  each run is one observation
  fewer separate runs                   their rounds; changes are marked with \`?\`, and no gate can tell

Exit code with --gate:
  0   no row is worse, and every row that OLD could judge is known not to be worse
  3   it could not tell: the runs differ, do not hold, are incomplete or too few, or rows are not known
  11  a row is worse, or a guarantee broke in NEW
Without --gate: 0, or 3 when there was nothing to compare.

--require says which rows must be known: a regular expression over their names, or a share of the rows.
  --require 'throughput|latency' --require 80%
Rows of rate=half depend on the run's own maximum. They are shown, and neither judged nor counted.

bench/METHODOLOGY.md says how it decides, and how often it is wrong.`;

export function compareCommand(): Command {
  return makeCommand('compare', 'Say what changed between recorded runs, and whether it is more than chance.')
    .usage('[options] OLD NEW')
    .argument('[runs...]', 'the old run and the new one: a folder, or a samples.csv')
    .option('--old <run>', 'a run of the old side; can be repeated', collect)
    .option('--new <run>', 'a run of the new side; can be repeated', collect)
    .addOption(valueOption('--threshold <percent>', 'a smaller change does not count', parsePercent, '3'))
    .option('--gate', 'exit 11 on a regression, 3 when it could not tell')
    .option('--allow-different', 'let a gate compare runs of different configurations or environments')
    .option(
      '--require <pattern|percent>',
      'rows that a gate must know, by a pattern of their names, or their share such as 80%; can be repeated',
      collect,
    )
    .option('--rounds-as-runs', 'take rounds of separate runs as proof, on a machine that does nothing else')
    .addOption(valueOption(`--format <${FORMATS.join('|')}>`, 'form of the output', oneOf(FORMATS), 'table'))
    .addOption(valueOption('--seed <n>', 'decides the random sign flips', parseCount, '1'))
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
  if (gate !== true && require.length > 0) throw new UsageError('--require belongs to --gate: add --gate');
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
    threshold: flags.threshold,
    seed: flags.seed,
    roundsAsRuns: flags.roundsAsRuns === true,
  });
}

function sidesOf(positional: readonly string[], flags: Flags): { old: string[]; next: string[] } {
  if (positional.length > 2) {
    throw new UsageError(`${positional.length} runs: name the sides by --old and --new when a side has several`);
  }
  const { old = [], new: next = [] } = flags;
  if (positional.length > 0 && old.length + next.length > 0) {
    throw new UsageError(`${positional[0]}: give either OLD and NEW, or --old and --new for all runs`);
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
