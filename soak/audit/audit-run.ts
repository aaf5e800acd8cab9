/**
 * Judges a recorded soak again, from its folder alone, and compares the result with what the run said.
 *
 * A run whose whole history was kept is judged completely, and the verdict must be the same, line by line. Otherwise
 * the audit judges what is there. It can confirm a violation. If it finds none, it says in how much it found none, and
 * never HOLDS.
 */

import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { EXIT } from '../../src/core/errors.ts';
import { formatCount } from '../../src/core/units.ts';
import { readCsv } from '../../src/results/csv.ts';
import { type RecordedRun, changedFiles, readRecordedRun } from '../guarantee/recorded-run.ts';
import { withUnwritten } from '../guarantee/verdict.ts';
import { WHOLE_FOLDER, hasWholeHistory, wholeHistoryBytes } from '../guarantee/whole-history.ts';
import { recheckParts } from './parts.ts';
import { type Rechecked, recheckedVerdict } from './recheck.ts';
import { recheckWhole } from './whole-recheck.ts';

export type AuditOutcome = {
  readonly lines: readonly string[];
  readonly exitCode: number;
  /** The findings, and what was judged. */
  readonly rechecked: Rechecked;
  /** Differences between the run and the audit, one line each. */
  readonly disagreements: readonly string[];
};

/** How many reasons of the audit are shown. A run can have thousands. */
const REASONS_SHOWN = 12;
/** The beginning of a line about something that the harness could not write. No history has it. */
const UNWRITTEN = /^(?:cannot write|there is no room for) /;
const VIOLATIONS = 'violations.csv';

/** A longer history is judged by two threads. A shorter one is judged before a second thread has started. */
const TWO_THREADS_BYTES = 32 * 1024 * 1024;

/**
 * Throws a UsageError when the folder is not that of a soak. `threads`: how many judge a whole history; absent: as many
 * as its length is worth.
 */
export async function auditRun(folder: string, options: { readonly threads?: 1 | 2 } = {}): Promise<AuditOutcome> {
  const run = readRecordedRun(folder);
  const whole = join(folder, WHOLE_FOLDER);
  const isKept = hasWholeHistory(whole);
  const threads = options.threads ?? (wholeHistoryBytes(whole) < TWO_THREADS_BYTES ? 1 : 2);
  const rechecked = isKept ? await recheckKept(whole, run, threads) : await recheckParts(folder, run);
  const disagreements = [
    ...(await changedFiles(folder, run)),
    ...(isKept && !run.hasDigest ? [`${join(folder, 'run.json')} has lost its own digest`] : []),
    ...rechecked.damages,
    ...violationsThatDiffer(folder, run, rechecked.found),
    ...disagreementsOf(run, rechecked),
  ];
  const { verdict, reasons } = rechecked.verdict;
  const lines = [
    headline(basename(resolve(folder)), { run, rechecked, isAgreed: disagreements.length === 0 }),
    ...disagreements.map((line) => `  disagrees: ${line}`),
    ...rechecked.remarks.map((line) => `  ${line}`),
  ];
  if (verdict === 'VIOLATED' || rechecked.isAll) {
    lines.push(...reasons.slice(0, REASONS_SHOWN).map((reason) => `  - ${reason}`));
    if (reasons.length > REASONS_SHOWN) lines.push(`  and ${formatCount(reasons.length - REASONS_SHOWN)} lines more`);
  }
  return { lines, exitCode: exitCodeFor(rechecked, disagreements), rechecked, disagreements };
}

function headline(
  name: string,
  of: { readonly run: RecordedRun; readonly rechecked: Rechecked; readonly isAgreed: boolean },
): string {
  const { run, rechecked, isAgreed } = of;
  const said =
    run.verdict === null ? 'the run has no verdict: it was killed, or goes on' : `the run said ${run.verdict}`;
  const { verdict } = rechecked.verdict;
  if (!isAgreed) return `${name}: ${said}, and the audit disagrees`;
  if (verdict === 'VIOLATED')
    return `${name}: VIOLATED, found again${rechecked.isAll ? '' : ` in ${rechecked.part}`}; ${said}`;
  if (rechecked.isAll) return `${name}: ${verdict}, found again; ${said}`;
  return `${name}: nothing was found in ${rechecked.part}; ${said}`;
}

function exitCodeFor({ verdict, isAll }: Rechecked, disagreements: readonly string[]): number {
  if (disagreements.length > 0) return EXIT.internal;
  if (verdict.verdict === 'VIOLATED') return EXIT.violation;
  return isAll && verdict.verdict === 'HOLDS' ? EXIT.holds : EXIT.inconclusive;
}

async function recheckKept(folder: string, run: RecordedRun, threads: number): Promise<Rechecked> {
  const whole = await recheckWhole({ folder, promises: run.promises }, threads);
  const { judged, damages, recordedCount, droppedCount, foundCount, isClosed } = whole;
  const unwritten = run.reasons.filter((reason) => UNWRITTEN.test(reason));
  const verdict = withUnwritten(recheckedVerdict(whole.findings), unwritten);
  const isComplete = isClosed && droppedCount === 0 && damages.length === 0;
  const remarks = [`judged ${judged}`, ...whole.remarks];
  if (!isClosed && damages.length === 0) remarks.push('the history was not closed: its run was killed, or goes on');
  const part = isClosed
    ? `${formatCount(recordedCount)} of ${formatCount(recordedCount + droppedCount)} events`
    : `the ${formatCount(recordedCount)} events that are there`;
  const isAll = isComplete && whole.hasEnded;
  return { verdict, isAll, remarks, damages, part, found: isComplete ? foundCount : null };
}

/** The differences between the findings and what the run said. */
function disagreementsOf(run: RecordedRun, { verdict: found, isAll }: Rechecked): string[] {
  if (run.verdict === null) return [];
  if (!isAll) {
    if (found.verdict !== 'VIOLATED' || run.verdict === 'VIOLATED') return [];
    return [`the run said ${run.verdict}, and the audit found ${found.reasons[0] ?? 'a violation'}`];
  }
  if (found.verdict !== run.verdict) {
    const why = found.reasons[0] ?? run.reasons[0];
    return [`the run said ${run.verdict}, and the audit ${found.verdict}${why === undefined ? '' : `: ${why}`}`];
  }
  const lines = Math.max(run.reasons.length, found.reasons.length);
  for (let line = 0; line < lines; line += 1) {
    const [said, seen] = [run.reasons[line], found.reasons[line]];
    if (said === seen) continue;
    return [`in line ${line + 1} of the reasons, the run said "${said ?? ''}", and the audit "${seen ?? ''}"`];
  }
  return [];
}

/** `violations.csv` must have as many violations as the history, unless the run could not write it. */
function violationsThatDiffer(folder: string, run: RecordedRun, found: number | null): string[] {
  const path = join(folder, VIOLATIONS);
  const isUnwritten = run.reasons.some((reason) => UNWRITTEN.test(reason) && reason.includes(VIOLATIONS));
  if (!existsSync(path) || isUnwritten) return [];
  const { length } = readCsv(path);
  if (run.verdict === 'HOLDS' && length > 0) return [`the run said HOLDS, and ${path} has ${length} violations`];
  if (found === null || found === length || run.verdict === null) return [];
  return [`${path} has ${length} violations, and the history ${found}`];
}
