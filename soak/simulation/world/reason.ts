/**
 * Why something takes place in a simulated world: whose message arrived, whose timer was due, which fault was injected.
 * A reason travels with every entry of the kernel's queue, and becomes the cause of the events that are recorded
 * meanwhile.
 *
 * The messages of one flight are handled one after another, but the promises that they resolve are handled after the
 * last of them. Events that follow from these promises name that last message.
 */

import type { Frames } from '../../../src/transport/transport.ts';
import { type Cause, SCHEDULE } from '../../guarantee/history-log.ts';
import { nameOfMessage } from './headers.ts';

export type Reason =
  | { readonly kind: 'message'; readonly process: string; readonly frames: Frames }
  | { readonly kind: 'timer' | 'start'; readonly process: string }
  | { readonly kind: 'fault'; readonly what: string }
  | { readonly kind: 'signal'; readonly process: string; readonly what: string };

/** The reason of everything that no event precedes: the schedule itself. */
export const START_OF_ALL: Reason = { kind: 'start', process: SCHEDULE };

/** `from`: the number of the event that led to it; 0: no event did. */
export function causeOf(reason: Reason, from: number): Cause {
  const { kind } = reason;
  const led = from === 0 ? {} : { from };
  switch (kind) {
    case 'message':
      return { kind, process: reason.process, what: nameOfMessage(reason.frames[0]), ...led };
    case 'timer':
    case 'start':
      return { kind, process: reason.process, ...led };
    case 'fault':
      return { kind, what: reason.what, ...led };
    case 'signal':
      return { kind, process: reason.process, what: reason.what, ...led };
    default:
      return reason satisfies never;
  }
}
