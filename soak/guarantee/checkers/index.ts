/** All checkers of a history, and their findings for a whole history. */

import { type EnginePromises, PROMISES } from '../../../src/journal/promises.ts';
import { type Verdict, decideVerdict, violationsOf } from '../verdict.ts';
import { AcknowledgedChecker } from './acknowledged.ts';
import { BatchReader } from './batch-reader.ts';
import { ChunkersChecker } from './chunkers.ts';
import { CoverageChecker } from './coverage.ts';
import { DoubtsChecker, InterruptionChecker } from './doubts.ts';
import { ExactlyOnceChecker } from './exactly-once.ts';
import { FaultsChecker } from './faults.ts';
import { FencingChecker } from './fencing.ts';
import { FlowChecker } from './flow.ts';
import type { Checker, HistoryEvent } from '../history.ts';
import type { Finding } from '../violation.ts';
import { JournalsChecker } from './journals.ts';
import { ProcessesChecker } from './processes.ts';
import { ReportedChecker } from './reported.ts';
import { StateChecker } from './state.ts';
import { TimeChecker } from './time.ts';
import { VacuityChecker } from './vacuity.ts';
import { WhileFollowed } from './while-followed.ts';
import { WholeHistoryChecker } from './whole.ts';

/** The checkers of one history. Of findings at the same moment, the checker that knows the cause best comes first. */
export function makeCheckers(promises: EnginePromises = PROMISES.embedded): Checker[] {
  return [new ReportedChecker(), new WholeHistoryChecker(), ...ofJournals(new BatchReader(promises), promises)];
}

/**
 * The checkers of one soak's history: checkers of its processes and of its course, and checkers of the journals as long
 * as they are followed. Doubts stand in the verdict in this order. `reader`: shared by all who look at the history, so
 * that each batch is opened once.
 */
export function makeSoakCheckers(
  reader: BatchReader = new BatchReader(),
  promises: EnginePromises = PROMISES.embedded,
): Checker[] {
  return [
    new ReportedChecker(),
    new WholeHistoryChecker(),
    new ProcessesChecker(),
    new InterruptionChecker(),
    new FlowChecker(),
    new FaultsChecker(),
    new DoubtsChecker(),
    ...ofJournals(reader, promises).map((checker) => new WhileFollowed(checker)),
    new ChunkersChecker(),
  ];
}

function ofJournals(reader: BatchReader, promises: EnginePromises = PROMISES.embedded): Checker[] {
  return [
    new JournalsChecker(reader, promises),
    new FencingChecker(reader, promises),
    new AcknowledgedChecker(reader),
    new StateChecker(reader),
    new ExactlyOnceChecker(reader),
    new TimeChecker(reader),
    new VacuityChecker(reader),
    new CoverageChecker(reader),
  ];
}

export type CheckedHistory = {
  readonly verdict: Verdict;
  readonly violations: readonly Finding[];
  /** Figures of all checkers, named with their units. */
  readonly summary: Readonly<Record<string, number>>;
};

/** Runs all checkers over a whole history. */
export function checkHistory(
  events: Iterable<HistoryEvent>,
  checkers: readonly Checker[] = makeCheckers(),
): CheckedHistory {
  for (const event of events) for (const checker of checkers) checker.observe(event);
  const findings = checkers.map((checker) => checker.finish());
  const summaries = checkers.map((checker) => checker.summary?.() ?? {});
  return {
    verdict: decideVerdict(findings),
    violations: violationsOf(findings),
    summary: Object.assign({}, ...summaries),
  };
}
