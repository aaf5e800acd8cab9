/**
 * Judges a recorded soak again, from its folder alone, and compares the result with what the run said.
 *
 * A run whose whole history was kept is judged completely, and the verdict must be the same, line by line. Otherwise
 * the audit judges what is there. It can confirm a violation. If it finds none, it says in how much it found none, and
 * never HOLDS.
 */

import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { EXIT, OperatingError } from '../../src/core/errors.ts';
import { formatBytes, formatCount } from '../../src/core/units.ts';
import { readCsv } from '../../src/results/csv.ts';
import { type RecordedRun, changedFiles, readRecordedRun } from '../guarantee/recorded-run.ts';
import { withUnwritten } from '../guarantee/verdict.ts';
import { WHOLE_FOLDER, hasWholeHistory, readWholeHistory } from '../guarantee/whole-history.ts';
import { recheckParts } from './parts.ts';
import { Recheck, type Rechecked } from './recheck.ts';

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

/** Throws a UsageError when the folder is not that of a soak. */
export async function auditRun(folder: string): Promise<AuditOutcome> {
  const run = readRecordedRun(folder);
  const whole = join(folder, WHOLE_FOLDER);
  const isKept = hasWholeHistory(whole);
  const rechecked = isKept ? recheckWhole(whole, run) : await recheckParts(folder, run);
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

/** Judges everything that was recorded, event by event. At most one frame of it is held. */
function recheckWhole(folder: string, run: RecordedRun): Rechecked {
  const recheck = new Recheck(run.promises);
  const remarks: string[] = [];
  const damages: string[] = [];
  let recorded = 0;
  let dropped = 0;
  let found = 0;
  let isClosed = false;
  try {
    for (const read of readWholeHistory(folder)) {
      if (read.what === 'event') {
        const { event } = read.entry;
        recorded += 1;
        if (event.event === 'violation' || event.event === 'found') found += 1;
        recheck.observe(event);
      } else if (read.what === 'dropped') {
        const { firstN, lastN } = read.dropped;
        dropped += lastN - firstN + 1;
        const which = `events ${formatCount(firstN)} to ${formatCount(lastN)} were not kept`;
        remarks.push(which);
        recheck.unfollow(which);
      } else if (read.what === 'closed') isClosed = true;
      else remarks.push(`the last ${formatBytes(read.byteLength)} are half a frame: its writer was killed`);
    }
  } catch (error) {
    if (!(error instanceof OperatingError)) throw error;
    damages.push(error.message);
  }
  const unwritten = run.reasons.filter((reason) => UNWRITTEN.test(reason));
  const verdict = withUnwritten(recheck.finish(), unwritten);
  const isComplete = isClosed && dropped === 0 && damages.length === 0;
  const isAll = isComplete && recheck.hasEnded;
  if (!isClosed && damages.length === 0) remarks.push('the history was not closed: its run was killed, or goes on');
  const { events, batches, bytes, checkpoints, seconds } = recheck;
  const what = `${formatCount(batches)} batches of ${formatBytes(bytes)}, ${formatCount(checkpoints)} states`;
  const range = `${formatCount(events)} events over ${seconds.toFixed(1)} s: ${what}`;
  const part = isClosed
    ? `${formatCount(recorded)} of ${formatCount(recorded + dropped)} events`
    : `the ${formatCount(recorded)} events that are there`;
  return { verdict, isAll, remarks: [`judged ${range}`, ...remarks], damages, part, found: isComplete ? found : null };
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
