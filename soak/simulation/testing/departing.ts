/** Plans in which a chunker departs, and what is asked of their outcomes. */

import type { HistoryEvent } from '../../guarantee/history.ts';
import type { Departure } from '../departures.ts';
import { type Plan, planOf } from '../plan.ts';
import { type Outcome, simulate } from '../simulate.ts';

const FAULTS_MS = 40_000;

/** A quiet plan with these faults, in which a pin waits for 6 s. */
export function planWith(...faults: Departure[]): Plan {
  const plan = planOf(1, 'uniform');
  const chunkers = plan.chunkers.slice(0, 1).map((chunker) => ({ ...chunker, chunks: { low: 0, high: 4 } }));
  const times = { warmUpMs: 1_000, faultsMs: FAULTS_MS, slaMs: FAULTS_MS, drainMs: FAULTS_MS };
  return { ...plan, ...times, chunkers, faults, pinAbsenceMs: 6_000 };
}

/** Simulates a plan, and keeps its history. */
export async function run(plan: Plan): Promise<Outcome & { readonly history: readonly HistoryEvent[] }> {
  const history: HistoryEvent[] = [];
  const outcome = await simulate(plan, { listener: ({ event }) => void history.push(event) });
  return { ...outcome, history };
}

/** What an outcome that does not hold says. */
export function why({ violations, failures, inconclusive }: Outcome): string {
  return JSON.stringify({ violations, failures, inconclusive });
}
