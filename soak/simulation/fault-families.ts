/**
 * The simulation's kinds of faults in the vocabulary that it shares with soaks (`soak/guarantee/fault-kinds.ts`). Its
 * own names stand in the histories from which its digests are made, and so do not change.
 */

import type { FaultFamily } from '../guarantee/fault-kinds.ts';
import type { FaultKind } from './plan.ts';

/** Null: the kind belongs to no family, and real processes do not know it. */
export const FAMILY_OF_KIND: Readonly<Record<FaultKind, FaultFamily | null>> = {
  crash: 'kill',
  'power-loss': 'powerloss',
  restart: 'restart',
  pause: 'pause',
  takeover: 'takeover',
  partition: 'partition',
  stall: 'partition',
  'slow-link': 'partition',
  break: 'partition',
  unreachable: 'partition',
  'commit-fails': 'disk',
  'slow-disk': 'disk',
  retire: 'retire',
  absence: 'absence',
  'late-reader': null,
  'member-crash': 'member',
  'member-loss-in-turn': 'member',
  'member-leave': 'member',
  'member-pause': 'member',
  'member-cut': 'network',
  'etcd-crash': 'member',
  'etcd-away': 'member',
  'all-brokers-crash': 'member',
};
