/**
 * The verdict on one screen: what it is, why, what was going on, what to type next, and its evidence. Plain text in at
 * most `LINES_MAX` lines of the available width. No word is broken, and no command is cut. Pure.
 */

import { formatBytes, formatCount, formatDuration } from '../../src/core/units.ts';
import { kindsOf } from '../guarantee/fault-kinds.ts';
import { pairsText } from '../guarantee/fault-overlaps.ts';
import { type ReasonGroup, adviceOn } from '../guarantee/story/advice.ts';
import type { Lateness } from '../guarantee/story/story-facts.ts';
import { type Field, hostText, storyFields, storyTitle } from '../guarantee/story/story-lines.ts';
import { hostDelay } from '../guarantee/story/violation-stories.ts';
import { wrapped, wrappedCommand } from '../guarantee/story/wrapped.ts';
import { explainCommand } from '../guarantee/story/command-line.ts';
import { type PhaseOutcome, RATE_SECONDS_MIN } from './sampler.ts';
import { type RunSummary, type ToldRun, durationText } from './summary.ts';

export const LINES_MAX: number = 40;
/** For an unknown width: a log or a pipe. */
const COLUMNS_USUAL = 100;
const COLUMNS_MIN = 40;
/** Longer lines are hard to read. */
const COLUMNS_MAX = 120;
/** How many stories are told, from the first on. */
const STORIES_TOLD = 1;
const TITLES_TOLD = 3;
/** How many reasons of a group are told. */
const REASONS_TOLD = 4;
const GROUPS_TOLD = 4;
const LOG_LINES_TOLD = 2;
const NAME_WIDTH = 12;
const INDENT = 2;
/** The least number of lines of the table of faults, including its head, however little room there is. */
const FAULT_LINES_MIN = 4;

/** `columns`: the width of the terminal; absent: there is no terminal. */
export function verdictScreen(run: ToldRun, columns: number = COLUMNS_USUAL): string {
  const width = Math.max(COLUMNS_MIN, Math.min(columns, COLUMNS_MAX));
  const above = ['', ...headLines(run, width), ...whyLines(run, width), ''];
  const before = flowLines(run, width);
  const after = [...togetherLines(run, width), ...endLines(run, width)];
  const room = LINES_MAX - above.length - before.length - after.length;
  const faults = faultLines(run, { width, lines: Math.max(FAULT_LINES_MIN, room) });
  return `${[...above, ...before, ...faults, ...after].join('\n')}\n`;
}

function field(width: number, [name, text]: Field): string[] {
  const hanging = INDENT + NAME_WIDTH;
  const [first = '', ...rest] = wrapped(text.split(' '), { columns: width, hanging });
  return [`${' '.repeat(INDENT)}${name.padEnd(NAME_WIDTH)}${first}`, ...rest];
}

function commandField(width: number, name: string, words: readonly string[]): string[] {
  const hanging = INDENT + NAME_WIDTH;
  const [first = '', ...rest] = wrappedCommand(words, { columns: width, hanging });
  return [`${' '.repeat(INDENT)}${name.padEnd(NAME_WIDTH)}${first}`, ...rest];
}

// --- the verdict ---

function headLines(run: ToldRun, width: number): string[] {
  const { verdict } = run.verdict;
  const text = `${headline(run)} (${coverage(run)})`;
  const hanging = verdict.length + 2;
  const [first = '', ...rest] = wrapped(text.split(' '), { columns: width, hanging });
  return [`${verdict}  ${first}`, ...rest];
}

function headline(run: ToldRun): string {
  const { verdict } = run.verdict;
  const [first] = run.stories;
  const unmet = run.expectations.filter(({ isMet }) => !isMet).length;
  switch (verdict) {
    case 'HOLDS': {
      const held = 'each completed file got exactly one right sum in time';
      if (unmet === 0) return held;
      return `${held}, but ${unmet} of ${run.expectations.length} expectations ${unmet === 1 ? 'is' : 'are'} not met`;
    }
    case 'VIOLATED':
      return first === undefined ? 'a guarantee broke' : storyTitle(first);
    case 'INCONCLUSIVE':
      return firstReason(run) ?? 'the run does not show that the guarantee holds';
    default:
      return verdict satisfies never;
  }
}

function firstReason({ verdict }: ToldRun): string | undefined {
  return verdict.reasons[0];
}

/** The evidence of the verdict: which faults hit, how often and how close, and how many files were checked. */
function coverage({ options, faults, overlaps, faultGapNsMin, filesVerified }: RunSummary): string {
  const files = `${formatCount(filesVerified)} file${filesVerified === 1 ? '' : 's'}`;
  if (options.faults.length === 0) return `no faults, ${files}`;
  const tallies = [...faults.values()];
  const kinds = tallies.filter(({ proven }) => proven > 0).length;
  const hits = tallies.reduce((total, { proven }) => total + proven, 0);
  const apart = faultGapNsMin === null ? '' : ` at least ${durationText(faultGapNsMin)} apart`;
  const all = kindsOf(options.faults, options).length;
  const pairs = [...overlaps.values()].reduce((sum, count) => sum + count, 0);
  // The times between faults that are to be open together say nothing.
  const how = options.faultsAtOnce > 1 ? `, ${formatCount(pairs)} pairs of them open together` : apart;
  return `${kinds} of ${all} fault kinds, ${formatCount(hits)} hits${how}, ${files}`;
}

// --- why ---

function whyLines(run: ToldRun, width: number): string[] {
  const lines = [...violatedLines(run, width), ...doubtLines(run, width), ...expectationLines(run, width)];
  return lines.length === 0 ? [] : ['', ...lines];
}

function violatedLines(run: ToldRun, width: number): string[] {
  const { stories, startNs, folder, evidence, command, otherReasons } = run;
  if (run.verdict.verdict !== 'VIOLATED') return [];
  const told = stories
    .slice(0, STORIES_TOLD)
    .flatMap((story, index) => [
      ...storyFields(story, startNs).flatMap((shown) => field(width, shown)),
      ...(run.logLines[index] ?? [])
        .slice(0, LOG_LINES_TOLD)
        .flatMap((line, at) => field(width, [at === 0 ? 'log' : '', line])),
    ]);
  const others = stories.slice(STORIES_TOLD, STORIES_TOLD + TITLES_TOLD).map((story) => storyTitle(story));
  const more = stories.length - STORIES_TOLD - others.length;
  if (more > 0) others.push(`and ${more} more in run.json`);
  const file = stories[0]?.example.file;
  const besides = [...others, ...otherReasons.slice(0, REASONS_TOLD).map((reason) => reason.trim())];
  const hidden = otherReasons.length - REASONS_TOLD;
  if (hidden > 0) besides.push(`and ${hidden} more in run.json`);
  return [
    ...told,
    ...besides.flatMap((title, at) => field(width, [at === 0 ? 'besides' : '', title])),
    ...(evidence === null ? [] : field(width, ['evidence', evidence])),
    ...commandField(width, 'explain', explainCommand(folder, ...(file === undefined ? ['--why'] : ['--file', file]))),
    ...commandField(width, 'repeat', command),
  ];
}

/** Reasons with advice. For a violation they are only in run.json. */
function doubtLines(run: ToldRun, width: number): string[] {
  const { verdict, options, latenesses, command, folder } = run;
  if (verdict.verdict !== 'INCONCLUSIVE') return [];
  const { totalNs: waitedNs, longestNs: waitedNsMax } = wholeDelay(latenesses);
  const groups = adviceOn(verdict.reasons, { ...options, waitedNs, waitedNsMax });
  const hidden = groups.slice(GROUPS_TOLD).reduce((count, { reasons }) => count + reasons.length, 0);
  return [
    ...groups.slice(0, GROUPS_TOLD).flatMap((group, index) => groupLines(group, { width, isFirst: index === 0 })),
    ...(hidden > 0 ? field(width, ['', `and ${hidden} more in run.json`]) : []),
    ...commandField(width, 'explain', explainCommand(folder, '--why')),
    ...commandField(width, 'repeat', command),
  ];
}

function groupLines(
  { reasons, advice }: ReasonGroup,
  { width, isFirst }: { readonly width: number; readonly isFirst: boolean },
): string[] {
  // The very first reason is in the first line of the screen.
  const others = isFirst ? reasons.slice(1) : reasons;
  const shown = others.slice(0, REASONS_TOLD);
  const more = others.length - shown.length;
  return [
    ...shown.flatMap((reason, at) => field(width, [at === 0 ? 'besides' : '', reason.trim()])),
    ...(more > 0 ? field(width, ['', `and ${more} more in run.json`]) : []),
    ...(advice === null ? [] : field(width, ['do', advice])),
  ];
}

function expectationLines({ expectations }: ToldRun, width: number): string[] {
  return expectations.flatMap(({ text, isMet, measured }, index) =>
    field(width, [index === 0 ? 'expected' : '', `${text}: ${isMet ? 'met' : 'NOT MET'}, ${measured}`]),
  );
}

function wholeDelay(latenesses: readonly Lateness[]): ReturnType<typeof hostDelay> {
  return hostDelay(latenesses, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
}

// --- what it rests on ---

function flowLines(run: ToldRun, width: number): string[] {
  const { options, outcomes, elapsedMs, latenesses, engine } = run;
  const { chunkers, summers, partitions, seed } = options;
  const delay = wholeDelay(latenesses);
  const hasStory = run.verdict.verdict === 'VIOLATED' && run.stories.some(({ slaMs }) => slaMs !== null);
  return [
    ...field(width, [
      'run',
      `seed ${seed}, ${formatDuration(elapsedMs)}, ${counted(chunkers, 'chunker')}, ` +
        `${counted(summers, 'summer')}, ${counted(partitions, 'partition')}, ${engine}`,
    ]),
    ...(delay.count > 0 && !hasStory ? field(width, ['machine', `in the whole run ${hostText(delay, null)}`]) : []),
    ...throughputLines(outcomes.get('steady'), options.rate).flatMap((line) => field(width, line)),
    ...latencyLines([...outcomes.values()]).flatMap((line) => field(width, line)),
  ];
}

function endLines(run: ToldRun, width: number): string[] {
  const { audit, judged, violations, filesCompleted, filesVerified, sumsOutstanding, folder, keptData } = run;
  return [
    ...field(width, ['audit', audit]),
    ...judged.flatMap((line, index) => field(width, [index === 0 ? 'judged' : '', line])),
    ...field(width, ['violations', formatCount(violations)]),
    ...field(width, [
      'files',
      `${formatCount(filesCompleted)} completed, ${formatCount(filesVerified)} verified, ` +
        `${formatCount(sumsOutstanding)} outstanding`,
    ]),
    ...field(width, ['results', folder]),
    ...(keptData === null ? [] : field(width, ['data', keptData])),
  ];
}

/** `1 summer`, `3 summers`. */
function counted(count: number, thing: string): string {
  return `${formatCount(count)} ${thing}${count === 1 ? '' : 's'}`;
}

/**
 * The offered rate beside the achieved one. Chunks of verified files are not shown, because a file may be older than
 * the phase.
 */
function throughputLines(steady: PhaseOutcome | undefined, offered: number | 'max'): Field[] {
  if (steady === undefined || steady.window.seconds < RATE_SECONDS_MIN) return [];
  const { counts, seconds } = steady.window;
  const perSecond = (count: number): string => formatCount(count / seconds);
  const of = offered === 'max' ? '' : ` of ${formatCount(offered)} offered`;
  return [
    [
      'steady',
      `${perSecond(counts.chunksPublished)} chunks/s${of}, ` +
        `${formatBytes(counts.bytesPublished / seconds)}/s, ${perSecond(counts.sumsVerified)} sums/s`,
    ],
  ];
}

function latencyLines(outcomes: readonly PhaseOutcome[]): Field[] {
  const shown = outcomes.filter(({ sum }) => sum.count > 0);
  return shown.map(({ phase, sum, censoredSums }, index) => [
    index === 0 ? 'latency' : '',
    `${phase.padEnd(8)} p50 ${durationText(sum.p50Ns)}, p99 ${durationText(sum.p99Ns)}, ` +
      `max ${durationText(sum.maxNs)}, ${formatCount(sum.count)} sums` +
      (censoredSums > 0 ? `, ${formatCount(censoredSums)} unknown` : ''),
  ]);
}

// --- faults ---

type FaultRow = { readonly cells: readonly string[]; readonly isWhole: boolean; readonly recoveredNs: number | null };

/** `first sum`: the time until the first of the hit partitions had one. */
const FAULT_HEAD = ['hit', 'recovered', 'median', 'longest', 'first sum'];

/** A line for each kind. When there is not enough room, the kinds that lack something and those that took longest. */
function faultLines(run: ToldRun, { width, lines }: { readonly width: number; readonly lines: number }): string[] {
  const { options, faults } = run;
  if (options.faults.length === 0) return field(width, ['faults', 'none asked for']);
  if (faults.size === 0) return field(width, ['faults', 'none was injected']);
  const rows = [...faults.keys()].map((kind) => faultRow(run, kind));
  const overtaken = overtakenLines(run, width);
  const room = rows.length + 1 + overtaken.length <= lines ? rows.length : lines - 2 - overtaken.length;
  const chosen = new Set(rows.toSorted(worstFirst).slice(0, room));
  const left = rows.filter((row) => !chosen.has(row));
  const shown = rows.filter((row) => chosen.has(row)).map(({ cells }) => cells);
  const table = aligned([['', ...FAULT_HEAD], ...shown]);
  return [
    ...table.map((line, index) => `${' '.repeat(INDENT)}${(index === 0 ? 'faults' : '').padEnd(NAME_WIDTH)}${line}`),
    ...(left.length === 0 ? [] : field(width, ['', leftText(left)])),
    ...overtaken,
  ];
}

/** Which families were open together. The recovery of such a fault depends on the other one. */
function togetherLines({ options, overlaps }: RunSummary, width: number): string[] {
  if (options.faultsAtOnce === 1) return [];
  return field(width, ['together', overlaps.size === 0 ? 'no two faults' : pairsText(overlaps)]);
}

function overtakenLines({ faults, recovery }: RunSummary, width: number): string[] {
  const overtaken = [...faults].reduce(
    (sum, [kind, { recovered }]) => sum + recovered - (recovery.get(kind)?.count ?? 0),
    0,
  );
  if (overtaken === 0) return [];
  const recoveries = overtaken === 1 ? '1 recovery is' : `${formatCount(overtaken)} recoveries are`;
  return field(width, ['', `${recoveries} not in these times: the next fault began before`]);
}

function leftText(left: readonly FaultRow[]): string {
  const more = `and ${left.length} more kinds in faults.csv`;
  if (!left.every(({ isWhole }) => isWhole)) return more;
  // Of a kind whose every recovery was overtaken no time is known.
  const timesNs = left.flatMap(({ recoveredNs }) => recoveredNs ?? []);
  const within = timesNs.length === left.length ? ` within ${durationText(Math.max(...timesNs))}` : '';
  return `${more}, all recovered${within}`;
}

function faultRow({ faults, recovery, firstRecovery }: RunSummary, kind: string): FaultRow {
  const tally = faults.get(kind) ?? { injected: 0, proven: 0, recovered: 0 };
  const { proven, recovered, injected } = tally;
  const recoveredNs = recovery.get(kind)?.percentileNs(100) ?? null;
  const times =
    recovered === 0
      ? ['-', '-', '-']
      : [
          recovery.get(kind)?.percentileNs(50) ?? null,
          recoveredNs,
          firstRecovery.get(kind)?.percentileNs(50) ?? null,
        ].map(durationText);
  return {
    cells: [kind, formatCount(proven), formatCount(recovered), ...times],
    isWhole: proven > 0 && proven === injected && recovered === proven,
    recoveredNs,
  };
}

function worstFirst(one: FaultRow, other: FaultRow): number {
  if (one.isWhole !== other.isWhole) return one.isWhole ? 1 : -1;
  return (other.recoveredNs ?? 0) - (one.recoveredNs ?? 0);
}

/** Columns as wide as necessary, the first one aligned to the left. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows.reduce<number[]>(
    (widest, row) => row.map((cell, column) => Math.max(widest[column] ?? 0, cell.length)),
    [],
  );
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}
