/**
 * Sabotages of the harness: what makes a run prove nothing. None may end in HOLDS, and the reason must be named: else a
 * harness that has broken down would vouch for anything.
 */

import type { HistoryEvent } from '../checkers/history.ts';
import type { Decorations } from '../simulation/decorations.ts';
import type { Plan } from '../simulation/plan.ts';

export type Sabotage = {
  /** In kebab-case, unique. */
  readonly name: string;
  /** One sentence: what does not work. */
  readonly what: string;
  /** Matches the violation, the failure or the doubt that must be named. */
  readonly reason: RegExp;
  readonly decorations: () => Decorations;
  readonly adapt?: (plan: Plan) => Plan;
};

export const SABOTAGES: readonly Sabotage[] = [
  {
    name: 'faults-that-do-nothing',
    what: 'the fault injector says that it injects, and does nothing',
    reason: /the fault crash took effect 0 times/,
    decorations: () => ({ injects: () => false }),
  },
  {
    name: 'empty-history',
    what: 'the checkers are given nothing',
    reason: /the history does not say what was asked for/,
    decorations: () => ({ history: () => [] }),
  },
  {
    name: 'no-end',
    what: 'the end of the history is lost',
    reason: /the history has no end/,
    decorations: () => without(({ event }) => event === 'end'),
  },
];

/** The events of these kinds never reach the checkers. */
function without(isDropped: (event: HistoryEvent) => boolean): Decorations {
  return { history: (event) => (isDropped(event) ? [] : [event]) };
}

export function sabotageNamed(name: string): Sabotage {
  const sabotage = SABOTAGES.find((candidate) => candidate.name === name);
  if (sabotage === undefined) throw new Error(`there is no sabotage ${name}`);
  return sabotage;
}
