/** What a simulated network knows of one session: its two lanes of messages in flight, and the condition of its way. */

import type { Prng } from '../../../src/core/prng.ts';
import type { ClientLinkEvents, Frames } from '../../../src/transport/transport.ts';
import type { Incarnation } from './incarnation.ts';
import type { LateCopies } from './late-copies.ts';

export type Direction = 'to-broker' | 'to-client';
export const DIRECTIONS: readonly Direction[] = ['to-broker', 'to-client'];

/** The condition of the way between one client process and the broker. */
export class Weather {
  readonly blocked: Record<Direction, boolean> = { 'to-broker': false, 'to-client': false };
  extraDelayNs = 0;
  /** For each direction of each connection; 0: no limit. */
  bytesPerS = 0;
  /** How many messages were held back, lost or slowed. They prove that a fault took effect. */
  affected = 0;
}

/** Messages of one instant, in flight together. */
export type Flight = {
  readonly messages: Frames[];
  readonly sentNs: number;
  /** Number of the last event of the history that led to the sending. */
  readonly from: number;
};

/** One direction of one session: first in, first out. */
export class Lane {
  readonly direction: Direction;
  readonly flights: Flight[] = [];
  /** When the last message arrives. */
  lastNs = 0;
  /** Messages that are due and held back. */
  held: Flight[] = [];

  constructor(direction: Direction) {
    this.direction = direction;
  }
}

export type Link = {
  readonly session: string;
  readonly client: Incarnation;
  readonly events: ClientLinkEvents;
  readonly prng: Prng;
  readonly lanes: Readonly<Record<Direction, Lane>>;
  /** The client's end: the client has closed it, or was told that it is over. */
  isClosed: boolean;
  closedNs: number;
  /** The connection has broken. Messages that the client sends before it knows are lost. */
  isDeaf: boolean;
  readonly copies: LateCopies;
};

/** How many of the messages in flight still arrive: none, all, or those up to some point. */
export function survivorsOf(count: number, prng: Prng): number {
  const fate = prng.below(4);
  if (fate === 0) return 0;
  return fate === 1 ? count : prng.below(count + 1);
}
