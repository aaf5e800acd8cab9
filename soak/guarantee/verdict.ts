/**
 * The verdict on a history, from the findings of its checkers alone. Nothing unverified is reported as verified
 * (invariant 8): HOLDS requires that no checker has a reason to doubt.
 */

import { EXIT } from '../../src/core/errors.ts';
import { formatCount } from '../../src/core/units.ts';
import type { Failure } from '../../src/fleet/exit-judgement.ts';
import type { Findings } from './history.ts';
import { type Finding, violationLine } from './violation.ts';

export type Verdict = {
  readonly verdict: 'HOLDS' | 'VIOLATED' | 'INCONCLUSIVE';
  readonly exitCode: number;
  /** One line each; empty when the run holds. */
  readonly reasons: readonly string[];
};

/** How many violations are shown. The others are counted. */
const VIOLATIONS_SHOWN = 20;

/** Violations of all checkers in the order in which the history showed them. */
export function violationsOf(findings: readonly Findings[]): Finding[] {
  return findings.flatMap(({ violations }) => violations).toSorted((one, other) => one.atNs - other.atNs);
}

/**
 * A violation beats a failure of a process, and a failure beats missing evidence. A process that refused its arguments
 * or its data folder at its start (exit 2) makes that the exit code of the run. If nobody looked, that is a reason to
 * doubt.
 *
 * A process that a signal nobody sent has ended is started again, and the run goes on to its end, so that it shows
 * whether the guarantee held. Such a run never ends in HOLDS: no process may die so, and restarting it hides nothing.
 *
 * `othersIn`: the file with the violations that are only counted here.
 */
export function decideVerdict(findings: readonly Findings[], { othersIn = '' }: { othersIn?: string } = {}): Verdict {
  const failures = findings.flatMap((found) => found.failures ?? []);
  const crashes = findings.flatMap((found) => found.crashes ?? []);
  const doubts = findings.flatMap(({ inconclusive }) => inconclusive);
  const violated = new Set(
    failures.filter(({ exitCode }) => exitCode === EXIT.violation).map(({ process }) => process),
  );
  // The failure of its process says the same, with the last lines of the log.
  const violations = violationsOf(findings).filter(({ kind, process }) => kind !== 'unnamed' || !violated.has(process));
  if (violations.length > 0 || violated.size > 0) {
    const shown = violations.slice(0, VIOLATIONS_SHOWN);
    const named = new Set(shown.map(({ process }) => process));
    const unnamed = failures.filter(({ process, exitCode }) => exitCode !== EXIT.violation || !named.has(process));
    const reasons = [...shown.map(violationLine), ...failureLines(unnamed)];
    const counted = findings.reduce((count, { violationCount }) => count + violationCount, 0);
    const found = violationsOf(findings).length;
    const more = counted - found + violations.length - shown.length;
    if (more > 0) reasons.push(`and ${formatCount(more)} more${othersIn === '' ? '' : ` in ${othersIn}`}`);
    return {
      verdict: 'VIOLATED',
      exitCode: EXIT.violation,
      reasons: [...reasons, ...failureLines(crashes), ...doubts],
    };
  }
  if (failures.length > 0) {
    const usage = failures.some(({ exitCode, beforeReady }) => exitCode === EXIT.usage && beforeReady);
    const exitCode = usage ? EXIT.usage : EXIT.internal;
    return { verdict: 'INCONCLUSIVE', exitCode, reasons: [...failureLines([...failures, ...crashes]), ...doubts] };
  }
  const reasons = findings.flatMap(({ missing = [], inconclusive }) => [...missing, ...inconclusive]);
  if (findings.length === 0) reasons.push('no checker has looked at the history');
  if (crashes.length > 0) {
    const held = reasons.length === 0 ? ['otherwise the guarantee held'] : reasons;
    return { verdict: 'INCONCLUSIVE', exitCode: EXIT.internal, reasons: [...failureLines(crashes), ...held] };
  }
  if (reasons.length > 0) {
    const first = findings.flatMap(({ interruption = null }) => interruption ?? []);
    const others = reasons.filter((reason) => !first.includes(reason));
    return { verdict: 'INCONCLUSIVE', exitCode: EXIT.inconclusive, reasons: [...first, ...others] };
  }
  return { verdict: 'HOLDS', exitCode: EXIT.holds, reasons };
}

/**
 * The verdict of a run of which not everything could be written. Findings stay, but a run whose evidence nobody can
 * read does not hold.
 */
export function withUnwritten(verdict: Verdict, unwritten: readonly string[]): Verdict {
  if (unwritten.length === 0) return verdict;
  const reasons = [...verdict.reasons, ...unwritten];
  if (verdict.verdict !== 'HOLDS') return { ...verdict, reasons };
  return { verdict: 'INCONCLUSIVE', exitCode: EXIT.inconclusive, reasons };
}

function failureLines(failures: readonly Failure[]): string[] {
  return failures.flatMap(({ process, what, lastLogLines }) => [
    `${process}: ${what}`,
    ...lastLogLines.map((line) => `  ${process}'s log: ${line}`),
  ]);
}
