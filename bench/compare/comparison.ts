/** The whole comparison of two sides, and the answer of a gate. Pure except for the loaded files. */

import { EXIT } from '../../src/core/errors.ts';
import { isJudged } from '../../src/results/samples.ts';
import { type Difference, findDifferences, findUnknown } from './differences.ts';
import { type JudgedRow, judgeRows, type JudgeOptions } from './judge.ts';
import { compareLatencies, type LatencyComparison } from './latency.ts';
import type { LoadedRun, RunDescription } from './loading.ts';
import { bringTogether, type Design } from './rows.ts';
import { sameRuns } from './sameness.ts';
import { rowName } from './samples-file.ts';

/** Whether a run's figures count. */
export type Standing = 'holds' | 'violated' | 'inconclusive' | 'unknown';

export type ComparedVerdict =
  | JudgedRow['verdict']
  /** Would be worse or better, if rounds of one run said something about the next run: see bench/METHODOLOGY.md. */
  | 'worse?'
  | 'better?'
  /** Changed, but the change counts for nothing because a run does not hold. */
  | 'void';

export type ComparedRow = Omit<JudgedRow, 'verdict'> & { readonly verdict: ComparedVerdict };

export type CompareOptions = JudgeOptions & {
  /** On a machine that does nothing else, rounds of separate runs prove a change. */
  readonly roundsAsRuns: boolean;
};

export type ComparedRun = {
  readonly side: 'OLD' | 'NEW';
  readonly path: string;
  readonly description: RunDescription | null;
  readonly standing: Standing;
};

export type Comparison = {
  readonly runs: readonly ComparedRun[];
  readonly threshold: number;
  readonly design: Design;
  /** Whether a change in these observations proves a change of the program: see bench/METHODOLOGY.md. */
  readonly isProof: boolean;
  readonly differences: readonly Difference[];
  /** Missing, malformed or incomparable inputs; single lines. */
  readonly problems: readonly string[];
  readonly notes: readonly string[];
  /** Remarks of the runs about their figures; single lines. */
  readonly remarks: readonly string[];
  /**
   * Rows that are worse, better, void, unproven, the rest, then rows that are not judged; each group in the order of
   * the files.
   */
  readonly rows: readonly ComparedRow[];
  readonly latency: readonly LatencyComparison[];
};

export function compareRuns(
  old: readonly LoadedRun[],
  next: readonly LoadedRun[],
  options: CompareOptions,
): Comparison {
  const runs = [
    ...old.map((run): ComparedRun => comparedRun('OLD', run)),
    ...next.map((run): ComparedRun => comparedRun('NEW', run)),
  ];
  const together = bringTogether(old, next);
  const latency = compareLatencies(old, next);
  const isProof = together.design !== 'rounds of separate runs' || options.roundsAsRuns;
  const judged = judgeRows(together.rows, together.design, options).map((row) => withStanding(row, runs, isProof));
  return {
    runs,
    threshold: options.threshold,
    design: together.design,
    isProof,
    differences: findDifferences(old, next),
    problems: [
      ...sameRuns([...old, ...next]),
      ...[...old, ...next].flatMap(({ problems }) => problems),
      ...together.problems,
      ...latency.problems,
    ],
    notes: [
      ...(isProof ? [] : [HOW_TO_PROVE]),
      ...together.notes,
      ...notesOf(runs),
      ...distrustNotes(judged),
      ...unknownNotes(old, next),
    ],
    remarks: [
      ...new Set(
        runs.flatMap(({ side, description }) => description?.remarks.map((remark) => `${side} ${remark}`) ?? []),
      ),
    ],
    rows: ORDER.flatMap((verdicts) => judged.filter(({ verdict }) => verdicts.includes(verdict))),
    latency: latency.rows,
  };
}

const ORDER: readonly (readonly ComparedVerdict[])[] = [
  ['worse'],
  ['better'],
  ['void'],
  ['worse?'],
  ['better?'],
  ['same', 'too noisy', 'n too small'],
  ['incomplete', 'not trusted'],
  ['not judged'],
];

function comparedRun(side: ComparedRun['side'], { path, description }: LoadedRun): ComparedRun {
  return { side, path, description, standing: standingOf(description) };
}

/** A soak must say HOLDS. A run of another kind counts when it ended with exit code 0. */
function standingOf(description: RunDescription | null): Standing {
  if (description === null) return 'unknown';
  const { verdict, exitCode } = description;
  if (verdict === 'VIOLATED' || exitCode === EXIT.violation) return 'violated';
  return verdict !== null && verdict !== 'INCONCLUSIVE' && exitCode === EXIT.holds ? 'holds' : 'inconclusive';
}

function isBroken({ standing }: ComparedRun): boolean {
  return standing === 'violated' || standing === 'inconclusive';
}

/** A run that does not hold is never faster, and nothing is slower than a run that does not hold. */
function withStanding(row: JudgedRow, runs: readonly ComparedRun[], isProof: boolean): ComparedRow {
  const broken = runs.filter(isBroken);
  const isVoid =
    (row.verdict === 'better' && broken.length > 0) ||
    (row.verdict === 'worse' && broken.some(({ side }) => side === 'OLD'));
  if (isVoid) return { ...row, verdict: 'void' };
  const isChange = row.verdict === 'worse' || row.verdict === 'better';
  return isChange && !isProof ? { ...row, verdict: `${row.verdict}?` } : row;
}

function notesOf(runs: readonly ComparedRun[]): string[] {
  const notes: string[] = [];
  for (const side of ['OLD', 'NEW'] as const) {
    const ofSide = runs.flatMap((run) => (run.side === side && run.description !== null ? [run.description] : []));
    const commits = new Set(
      ofSide.map(({ commit, dirty }) => `${commit ?? 'unknown'}${dirty === true ? ' and changes' : ''}`),
    );
    if (commits.size > 1) notes.push(`the runs of ${side} are of several commits: ${[...commits].join(', ')}`);
  }
  return notes;
}

function distrustNotes(rows: readonly ComparedRow[]): string[] {
  const count = rows.filter(isDistrusted).length;
  if (count === 0) return [];
  return [
    `${count} of ${rows.length} rows have rounds that say "never steady" or "not to be trusted": ` +
      'these rounds count for nothing, and no gate counts these rows as known',
  ];
}

function isDistrusted({ oldDistrusted, newDistrusted }: ComparedRow): boolean {
  return oldDistrusted + newDistrusted > 0;
}

function unknownNotes(old: readonly LoadedRun[], next: readonly LoadedRun[]): string[] {
  const names = findUnknown(old, next);
  if (names.length === 0) return [];
  return [`no run says these facts, so OLD and NEW may differ in them: ${names.join(', ')}`];
}

/** Rounds of one run share its process and its minute. */
export const HOW_TO_PROVE: string =
  'rounds of one process are not independent runs; interleave them (bench --against), or record 4 runs a side';

const PROBLEMS_NAMED = 5;

/** The first `most` lines, and how many more there are. */
export function shortened(lines: readonly string[], most: number): string[] {
  if (lines.length <= most) return [...lines];
  return [...lines.slice(0, most), `and ${lines.length - most} more`];
}

export type GateOutcome = {
  readonly exitCode: number;
  /** The reasons, in single lines. */
  readonly reasons: readonly string[];
};

/** The rows that must be known not to be worse for a gate to pass. */
export type Requirement = {
  /** Rows whose name (suite, benchmark, parameters, metric) matches; null: every row that OLD could judge. */
  readonly names: RegExp | null;
  /** The share of these rows; 1 is all. */
  readonly share: number;
};

export type GateOptions = { readonly allowDifferent: boolean; readonly require?: Requirement };

const EVERY_ROW: Requirement = { names: null, share: 1 };

/**
 * Passes only when the design is proof, nothing that was asked for is missing, no row is worse, and the required rows
 * are known not to be worse. A row that could not tell is not known.
 */
export function gateOf(comparison: Comparison, options: GateOptions): GateOutcome {
  const { runs, problems, differences, isProof } = comparison;
  const rows = comparison.rows.filter(isJudged);
  const violated = runs.filter(({ side, standing }) => side === 'NEW' && standing === 'violated');
  if (violated.length > 0) {
    return { exitCode: EXIT.regression, reasons: violated.map(({ path }) => `a guarantee broke in ${path}`) };
  }
  const refused = options.allowDifferent || differences.length === 0 ? [] : [refusalOf(differences)];
  const broken = runs.filter(isBroken).map(({ side, path }) => `${side} does not hold: ${path}`);
  const worse = rows.filter(({ verdict }) => verdict === 'worse').length;
  if (worse > 0 && refused.length === 0) {
    return { exitCode: EXIT.regression, reasons: [`${worse} of ${rows.length} rows are worse`] };
  }
  const reasons = [...broken, ...refused, ...shortened(problems, PROBLEMS_NAMED)];
  const unproven = rows.filter(({ verdict }) => verdict === 'worse?').length;
  if (unproven > 0) reasons.push(`${unproven} of ${rows.length} rows look worse: ${HOW_TO_PROVE}`);
  else if (!isProof) reasons.push(`nothing is proven: ${HOW_TO_PROVE}`);
  const { known, required, missing } = knownOf(rows, options.require ?? EVERY_ROW);
  if (missing !== null) reasons.push(missing);
  if (reasons.length > 0) return { exitCode: EXIT.inconclusive, reasons };
  return { exitCode: EXIT.holds, reasons: [`${known} of ${required} rows are known not to be worse`] };
}

/** How far a requirement is met; `missing` is null when it is met. */
type Known = { readonly known: number; readonly required: number; readonly missing: string | null };

function knownOf(rows: readonly ComparedRow[], { names, share }: Requirement): Known {
  const required = rows.filter((row) => (names === null ? couldJudge(row) : names.test(rowName(row))));
  const unknown = required.filter((row) => !isKnown(row));
  const known = required.length - unknown.length;
  const count = { known, required: required.length };
  if (required.length === 0) {
    const which = names === null ? 'that OLD could judge' : `with a name like ${names.source}`;
    return { ...count, missing: `none of ${rows.length} rows could be compared: there is no row ${which}` };
  }
  if (known >= 1 && known >= share * required.length) return { ...count, missing: null };
  const wanted = share < 1 ? `, and ${Math.max(1, Math.ceil(share * required.length))} are required` : '';
  const named = shortened(
    unknown.map((row) => `${rowName(row)} (${row.verdict})`),
    ROWS_NAMED,
  ).join('; ');
  return { ...count, missing: `${known} of ${required.length} rows are known not to be worse${wanted}: not ${named}` };
}

const ROWS_NAMED = 3;

/** Whether the baseline measured the row, and trusts it. */
function couldJudge({ old, oldCount, oldDistrusted }: ComparedRow): boolean {
  return old.value !== null && oldCount > 0 && oldDistrusted === 0;
}

/**
 * True for a row that is better, or without a change that counts where such a change would have been seen. False where
 * distrusted rounds may hide the rest.
 */
function isKnown(row: ComparedRow): boolean {
  return (row.verdict === 'same' || row.verdict === 'better') && !isDistrusted(row);
}

function refusalOf(differences: readonly Difference[]): string {
  const names = differences.map(({ name }) => name).join(', ');
  return `OLD and NEW differ in ${names} (--allow-different compares them all the same)`;
}
