/**
 * Requests of a dead connection that arrive at the broker once more. A link that loses a connection may still deliver
 * what was on its way, after the client has asked again in a new session, and after others have acted.
 *
 * The last request of each kind in a session is kept, so that rare requests come back as often as frequent ones.
 */

import type { Prng } from '../../../src/core/prng.ts';
import type { Frames } from '../../../src/transport/transport.ts';
import type { Moment } from './counters.ts';
import { nameOfMessage } from './headers.ts';

const COPIES_MAX = 3;
/** Most copies come soon. The others come as late as a broker still knows a session. */
const SOON_NS = 100e6;
const LATE_NS = 9e9;

/** By the beginning of a header, which is JSON. A call is named by its operation. */
const MOMENTS: Readonly<Record<string, Moment>> = {
  open: 'late copy of an opening',
  append: 'late copy of an append',
  read: 'late copy of a read',
  ping: 'late copy of a credit',
  credit: 'late copy of a credit',
  cancel: 'late copy of a credit',
  expected: 'late copy of a question',
  head: 'late copy of a question',
  list: 'late copy of a question',
  vouch: 'late copy of a question',
  raise: 'late copy of a raise',
  confirm: 'late copy of a confirmation',
  report: 'late copy of a report',
  hold: 'late copy of a pin',
  'move-hold': 'late copy of the move of a pin',
  release: 'late copy of a release',
  retire: 'late copy of a retirement',
};

export type LateCopy = { readonly frames: Frames; readonly moment: Moment; readonly delayNs: number };

export class LateCopies {
  /** By kind, the last request that has arrived in one session. */
  readonly #arrived = new Map<Moment, Frames>();

  arrived(frames: Frames): void {
    const moment = MOMENTS[nameOfMessage(frames[0])];
    if (moment !== undefined) this.#arrived.set(moment, frames);
  }

  /** The requests that arrive again now that the connection is dead; in half of the cases none. */
  take(prng: Prng): LateCopy[] {
    const kinds = [...this.#arrived.keys()];
    if (kinds.length === 0 || prng.below(2) === 0) return [];
    return Array.from({ length: prng.between(1, COPIES_MAX) }, () => {
      const moment = kinds[prng.below(kinds.length)] ?? 'late copy of an opening';
      const delayNs = prng.below(prng.below(2) === 0 ? SOON_NS : LATE_NS);
      return { frames: this.#arrived.get(moment) ?? [], moment, delayNs };
    });
  }
}
