/** The parts that the table and the Markdown of a comparison share: everything except the layout of rows. */

import { isJudged } from '../../src/results/samples.ts';
import { CONFIDENCE, greatest } from '../../src/measure/statistics.ts';
import { leastMannWhitneyP } from './statistics-ranks.ts';
import { type ComparedRow, type ComparedRun, type Comparison, shortened } from './comparison.ts';
import { figureText, intervalText, medianText, pText, percentText, verdictText } from './figures.ts';
import type { LatencyComparison } from './latency.ts';
import { ALPHA, resolutionOf } from './judge.ts';

const REASONS_SHOWN = 3;
/** How many problems, and how many remarks, are shown. JSON has all. */
export const LINES_SHOWN: number = 10;

/** Runs that do not hold come first: nothing that follows can make up for that. */
export function violationLines({ runs }: Comparison): string[] {
  return runs.flatMap(({ side, path, standing, description }) => {
    if (standing !== 'violated' && standing !== 'inconclusive') return [];
    const verdict = description?.verdict ?? 'never ended';
    const reasons = shortened(description?.reasons ?? [], REASONS_SHOWN);
    return [`${side} ${path}: ${verdict}`, ...reasons.map((reason) => `  ${reason}`)];
  });
}

export function runLine({ side, path, description }: ComparedRun): string {
  if (description === null) return `${side}  ${path}`;
  const { verdict, commit, dirty, seed } = description;
  const parts = [verdict ?? 'never ended', `commit ${commit?.slice(0, 10) ?? 'unknown'}${dirty === true ? '+' : ''}`];
  if (seed !== null) parts.push(`seed ${seed}`);
  return `${side}  ${path}  (${parts.join(', ')})`;
}

/** How the figures were obtained. */
export function methodText({ design, rows: all, threshold }: Comparison): string {
  const rows = all.filter(isJudged);
  const percent = Number((100 * threshold).toFixed(2));
  const confidence = `${100 * CONFIDENCE} %`;
  return (
    `${designText(design, rows)}. A change counts when its p, corrected for all ${rows.length} rows, is at most 0.05 ` +
    `and it is more than ${percent} %. Medians and changes with their ${confidence} intervals.`
  );
}

function designText(design: Comparison['design'], rows: readonly ComparedRow[]): string {
  const most = (count: (row: ComparedRow) => number): number => Math.max(0, greatest(rows.map(count)));
  const sizes = `${most((row) => row.oldCount)} against ${most((row) => row.newCount)}`;
  switch (design) {
    case 'interleaved':
      return `${most((row) => row.newCount)} interleaved rounds, sign-flip test of the greatest statistic`;
    case 'separate runs':
      return `${sizes} separate runs, Mann-Whitney with Holm's correction`;
    case 'rounds of separate runs':
      return `rounds of separate runs, ${sizes}, Mann-Whitney with Holm's correction`;
    default:
      return design satisfies never;
  }
}

/** Explanations of the verdicts that occur. */
export function legendLines(comparison: Comparison): string[] {
  const { rows, threshold } = comparison;
  const judged = rows.filter(isJudged);
  const has = (verdict: ComparedRow['verdict']): boolean => rows.some((row) => row.verdict === verdict);
  const percent = Number((100 * resolutionOf(threshold)).toFixed(2));
  const lines: string[] = [];
  if (has('same')) lines.push(`~ no difference that counts; one of ${percent} % would have been seen 9 times in 10`);
  if (has('too noisy')) lines.push('too noisy: detects only changes of that size and more');
  if (has('n too small'))
    lines.push(
      `n too small: to tell change from chance in ${judged.length} rows, ` +
        `${neededText(comparison.design, judged.length)} are needed`,
    );
  if (has('incomplete'))
    lines.push('incomplete: a value is missing, which may be the worst one; it counts for nothing');
  if (has('not trusted'))
    lines.push('not trusted: a run says that its figures are not evidence; they count for nothing');
  if (has('not judged')) lines.push('not judged: depends on another figure of its run, and counts for nothing');
  return lines;
}

/** How many observations the test needs to find a change in one of the rows. */
function neededText(design: Comparison['design'], rows: number): string {
  if (design === 'interleaved') return '6 rounds';
  let size = 1;
  while (leastMannWhitneyP(size, size) * rows > ALPHA) size += 1;
  return `${size} ${design === 'separate runs' ? 'runs' : 'rounds or runs'} a side`;
}

export type Section = { readonly title: string; readonly rows: readonly ComparedRow[] };

/** Rows that are worse, better, void, the rest, and rows that are not judged. */
export function sectionsOf({ rows }: Comparison): Section[] {
  const titles: readonly (readonly [title: string, verdicts: readonly ComparedRow['verdict'][]])[] = [
    ['worse', ['worse']],
    ['better', ['better']],
    ['changed, but a run does not hold', ['void']],
    ['different, by the program or by the machine', ['worse?', 'better?']],
    ['no change that counts', ['same', 'too noisy', 'n too small']],
    ['evidence for nothing', ['incomplete', 'not trusted']],
    ['for information', ['not judged']],
  ];
  return titles
    .map(([title, verdicts]) => ({ title, rows: rows.filter(({ verdict }) => verdicts.includes(verdict)) }))
    .filter((section) => section.rows.length > 0);
}

export type Group = {
  /** Suite, benchmark, and the parameters that all of its rows in the comparison share. */
  readonly heading: string;
  readonly rows: readonly { readonly label: string; readonly row: ComparedRow }[];
};

/** For each benchmark of the comparison, the parameters that all of its rows share. */
function commonWords(all: readonly ComparedRow[]): Map<string, ReadonlySet<string>> {
  const common = new Map<string, Set<string>>();
  for (const row of all) {
    const words = new Set(wordsOf(row.parameters));
    const known = common.get(benchmarkOf(row));
    if (known === undefined) common.set(benchmarkOf(row), words);
    else for (const word of known) if (!words.has(word)) known.delete(word);
  }
  return common;
}

/** Rows of one benchmark under one heading, so that a label says only what differs. */
export function groupsOf(sections: readonly Section[], all: readonly ComparedRow[]): (readonly Group[])[] {
  const common = commonWords(all);
  return sections.map(({ rows }) => {
    const groups = new Map<string, { readonly label: string; readonly row: ComparedRow }[]>();
    for (const row of rows) {
      const group = groups.get(benchmarkOf(row)) ?? [];
      const own = wordsOf(row.parameters).filter((word) => common.get(benchmarkOf(row))?.has(word) !== true);
      group.push({ label: [row.metric, ...own].join(' '), row });
      groups.set(benchmarkOf(row), group);
    }
    return Array.from(groups, ([benchmark, labelled]) => ({
      heading: [benchmark, ...(common.get(benchmark) ?? [])].join(' '),
      rows: labelled,
    }));
  });
}

function benchmarkOf(row: ComparedRow): string {
  return `${row.suite} ${row.benchmark}`;
}

function wordsOf(parameters: string): string[] {
  return parameters.split(/ (?=[\w-]+=)/).filter((word) => word !== '');
}

/** The first column is the row's label. */
export const ROW_HEAD: readonly string[] = ['', 'OLD', 'NEW', 'change', '95 %', 'p', ''];

/** The columns after the label. */
export function rowCells(row: ComparedRow): string[] {
  return [
    medianText(row.old, row.unit),
    medianText(row.new, row.unit),
    percentText(row.change.value),
    intervalText(row.change),
    pText(row.p),
    verdictText(row),
  ];
}

export const LATENCY_HEAD: readonly string[] = ['latency, merged', 'count', 'p50', 'p90', 'p99', 'p99.9', 'max'];

function sideCells(label: string, side: LatencyComparison['old']): string[] {
  const values = [side.p50Ns, side.p90Ns, side.p99Ns, side.p99_9Ns, side.maxNs];
  const censored = side.censored === null || side.censored === 0 ? '' : `, ${side.censored} censored`;
  const times = values.map((value) => figureText(value === null ? null : value / 1e9, 's'));
  return [label, `${side.count}${censored}`, ...times];
}

/** Cells of old, new, and the change. `-`: the percentile lies among the censored values. */
export function latencyCells({ name, old, new: next }: LatencyComparison): string[][] {
  const changes = (['p50Ns', 'p90Ns', 'p99Ns', 'p99_9Ns', 'maxNs'] as const).map((key) => {
    const [before, after] = [old[key], next[key]];
    return before === null || after === null || before === 0 ? '-' : percentText(after / before - 1);
  });
  return [sideCells(`${name} OLD`, old), sideCells(`${name} NEW`, next), ['', '', ...changes]];
}
