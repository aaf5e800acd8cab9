/** All checkers of a history, and the verdict on what they find. */

import { EXIT } from '../../../src/core/errors.ts';
import { formatCount } from '../../../src/core/units.ts';
import { type Verdict, violationLine } from '../verdict.ts';
import { AcknowledgedChecker } from './acknowledged.ts';
import { BatchReader } from './batch-reader.ts';
import { CoverageChecker } from './coverage.ts';
import { ExactlyOnceChecker } from './exactly-once.ts';
import { FencingChecker } from './fencing.ts';
import type { Checker, Finding, Findings, HistoryEvent } from '../history.ts';
import { JournalsChecker } from './journals.ts';
import { ReportedChecker } from './reported.ts';
import { StateChecker } from './state.ts';
import { TimeChecker } from './time.ts';
import { VacuityChecker } from './vacuity.ts';

/** For one history. What is found at the same moment is found first by the checker that knows the cause best. */
export function makeCheckers(): Checker[] {
  const reader = new BatchReader();
  return [
    new ReportedChecker(),
    new JournalsChecker(reader),
    new FencingChecker(reader),
    new AcknowledgedChecker(reader),
    new StateChecker(reader),
    new ExactlyOnceChecker(reader),
    new TimeChecker(reader),
    new VacuityChecker(reader),
    new CoverageChecker(reader),
  ];
}

/** Violations of all checkers in the order in which the history showed them. */
export function violationsOf(findings: readonly Findings[]): Finding[] {
  return findings.flatMap(({ violations }) => violations).toSorted((one, other) => one.atNs - other.atNs);
}

/** A violation beats every reason to doubt; without either it holds. Nobody having looked is a reason to doubt. */
export function judge(findings: readonly Findings[]): Verdict {
  const violations = violationsOf(findings);
  const doubts = findings.flatMap(({ inconclusive }) => inconclusive);
  if (violations.length > 0) {
    const reasons = violations.map(lineOf);
    const more = findings.reduce((count, { violationCount }) => count + violationCount, -violations.length);
    if (more > 0) reasons.push(`and ${formatCount(more)} more`);
    return { verdict: 'VIOLATED', exitCode: EXIT.violation, reasons: [...reasons, ...doubts] };
  }
  if (findings.length === 0) doubts.push('no checker has looked at the history');
  if (doubts.length > 0) return { verdict: 'INCONCLUSIVE', exitCode: EXIT.inconclusive, reasons: doubts };
  return { verdict: 'HOLDS', exitCode: EXIT.holds, reasons: [] };
}

export type CheckedHistory = {
  readonly verdict: Verdict;
  readonly violations: readonly Finding[];
  /** Figures of all checkers, named with their units. */
  readonly summary: Readonly<Record<string, number>>;
};

/** Runs all checkers over a whole history. */
export function checkHistory(events: Iterable<HistoryEvent>): CheckedHistory {
  const checkers = makeCheckers();
  for (const event of events) for (const checker of checkers) checker.observe(event);
  const findings = checkers.map((checker) => checker.finish());
  const summaries = checkers.map((checker) => checker.summary?.() ?? {});
  return { verdict: judge(findings), violations: violationsOf(findings), summary: Object.assign({}, ...summaries) };
}

function lineOf({ kind, ...finding }: Finding): string {
  if (kind === 'unnamed') return `${finding.process}: ${finding.detail}`;
  return violationLine({ ...finding, kind });
}
