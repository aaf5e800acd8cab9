/**
 * The moments in which a component can be hit, as its page tells them (`page-layout.ts`). Components, faults.csv and
 * soak/FAULTS.md use the same names. Several moments may be under way at once; a component in none of them is idle.
 */

import type { Component } from '../component/protocol.ts';

/** The place of a name here is its place in the page, so new names are added at the end. */
export const BUSY_MOMENTS = [
  'starting',
  'replaying',
  'appending',
  'folding',
  'in a commit',
  'between a commit and its publication',
] as const;

export type BusyMoment = (typeof BUSY_MOMENTS)[number];
export type Moment = BusyMoment | 'idle';

/** What each moment means for the components that have it. */
export const MOMENTS_OF: Readonly<Record<Component, Readonly<Partial<Record<BusyMoment, string>>>>> = {
  broker: {
    starting: 'it does not serve yet',
    appending: 'a batch was accepted since the last transaction began',
    'in a commit': 'a transaction is on its way to disk',
    'between a commit and its publication': 'a transaction is durable, and not everybody was answered',
  },
  summer: {
    starting: 'it claims its shards',
    replaying: 'no transaction is durable since it was ready',
    folding: 'a batch of chunks has arrived since the last transaction began',
    'in a commit': 'a transaction is on its way to disk',
    'between a commit and its publication': 'sums are durable, and the sums journal has not acknowledged them',
  },
  chunker: {
    starting: 'it does not publish yet',
    replaying: 'no batch that it has sent since it was ready was new to its journal',
    appending: 'a batch was sent and is not answered',
    'in a commit': 'a transaction is on its way to disk',
  },
};

/** The moments of a component, once it is ready, that a fault can hit. */
export function momentsToHit(component: Component): Moment[] {
  const busy = BUSY_MOMENTS.filter((moment) => moment !== 'starting' && MOMENTS_OF[component][moment] !== undefined);
  return ['idle', ...busy];
}

export function isMoment(text: string): text is Moment {
  return text === 'idle' || BUSY_MOMENTS.some((moment) => moment === text);
}

/** The moments in one line; `idle` for none. */
export function momentsText(moments: readonly BusyMoment[]): string {
  return moments.length === 0 ? 'idle' : moments.join(' + ');
}
