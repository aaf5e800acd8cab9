/**
 * What a relay has done to one link since it began, which proves a fault. Counts never go back; gauges are named as
 * such.
 */

import { asRecord, isCount } from '../../../../src/core/assert.ts';
import { DIRECTIONS, type Direction } from './link-mode.ts';

export type LaneCounters = {
  readonly bytesPassed: number;
  /** Bytes that vanished on purpose. */
  readonly bytesDropped: number;
  /** Bytes that could not be delivered, because the receiver was gone. */
  readonly bytesLost: number;
  /** Bytes that waited because of the mode of the link. */
  readonly bytesDelayed: number;
  /** Gauge: bytes that were received and not yet passed on. Never much more than `HELD_BYTES_MAX`. */
  readonly bytesHeld: number;
};

export type LinkCounters = {
  readonly link: string;
  /** Accepted from the client. */
  readonly connectionsAccepted: number;
  /** Made all the way to the broker. */
  readonly connectionsMade: number;
  /** Ended by the relay on purpose. */
  readonly connectionsReset: number;
  /** Among these, connections that were cut in the middle of a frame. */
  readonly connectionsCutInFrame: number;
  /** Turned away: accepted and reset at once. */
  readonly connectionsRefused: number;
  /** Gauge. */
  readonly connectionsOpen: number;
} & Readonly<Record<Direction, LaneCounters>>;

export type MutableLane = { -readonly [Key in keyof LaneCounters]: LaneCounters[Key] };
export type MutableLink = { -readonly [Key in Exclude<keyof LinkCounters, Direction>]: LinkCounters[Key] } & Record<
  Direction,
  MutableLane
>;

export function noLane(): MutableLane {
  return { bytesPassed: 0, bytesDropped: 0, bytesLost: 0, bytesDelayed: 0, bytesHeld: 0 };
}

export function noCounters(link: string): MutableLink {
  return {
    link,
    connectionsAccepted: 0,
    connectionsMade: 0,
    connectionsReset: 0,
    connectionsCutInFrame: 0,
    connectionsRefused: 0,
    connectionsOpen: 0,
    'to-broker': noLane(),
    'to-client': noLane(),
  };
}

/** The value as counters; null when one of them is missing or is not a count. */
export function parseCounters(value: unknown): LinkCounters | null {
  const fields = asRecord(value);
  if (fields === null || typeof fields['link'] !== 'string') return null;
  const counters = noCounters(fields['link']);
  if (!areCounted(fields, counters)) return null;
  for (const direction of DIRECTIONS) {
    const lane = asRecord(fields[direction]);
    if (lane === null || !areCounted(lane, counters[direction])) return null;
  }
  return counters;
}

/** Copies the counts of `into` from a value; false when one of them is not a count. */
function areCounted(from: Record<string, unknown>, into: Record<string, unknown>): boolean {
  return Object.keys(into).every((key) => {
    if (typeof into[key] !== 'number') return true;
    into[key] = from[key];
    return isCount(from[key]);
  });
}
