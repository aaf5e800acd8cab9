/** The verdict on a soak of which something is changed or added. */

import type { Happening, HistoryEvent } from '../../history.ts';
import type { Verdict } from '../../verdict.ts';
import { checkHistory, makeSoakCheckers } from '../index.ts';
import { HOLDING, type SoakStory, soakHistory } from './soak-history.ts';

export function judged(events: readonly HistoryEvent[]): Verdict {
  return checkHistory(events, makeSoakCheckers()).verdict;
}

export function verdictOf(changes: Partial<SoakStory>): Verdict {
  return judged(soakHistory(changes));
}

/** Events in addition to those of every soak. */
export function also(...others: readonly Happening[]): Partial<SoakStory> {
  return { others: [...HOLDING.others, ...others] };
}
