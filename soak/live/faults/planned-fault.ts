/**
 * A fault as data: drawn from a seed by a schedule, carried out by an action, and kept in `faults.csv` for a
 * repetition.
 */

import type { LinkMode } from './relay/link-mode.ts';
import type { Moment } from '../../../src/moments/moment.ts';
import type { ClusterSize, FaultKind } from '../../guarantee/fault-kinds.ts';

export type PlannedFault = {
  /** Counted from 1; in a plan that was read, its row. A run numbers its faults anew, as they come. */
  readonly id: number;
  readonly kind: FaultKind;
  /** Names of processes or of links. A summer's name stands for the process that owns its shards now. */
  readonly targets: readonly string[];
  /** Time since the beginning of the faults phase. */
  readonly atMs: number;
  /** How long it lasts; 0: it is over as soon as it has hit. */
  readonly lengthMs: number;
  /** What a relay does to the links of the targets; only for a partition. */
  readonly link?: LinkMode;
  /**
   * The fault during which it begins: as soon as that one is seen to have hit, and is still open. If it cannot, it
   * comes alone. Absent: it begins when every earlier fault is over.
   */
  readonly joins?: number;
  /** The fault in whose place it was drawn, because that one was never seen to hit. */
  readonly insteadOf?: number;
  /** Of the first target: the moment that is waited for; absent: none, or the run chooses. */
  readonly aim?: Moment;
};

/** The names of a cluster's members: `broker-1`, `broker-2`, ... */
export function memberNames(side: 'broker' | 'etcd' | 'store', cluster: ClusterSize): string[] {
  const { brokers, etcd, fragments } = cluster;
  const count = { broker: brokers, etcd, store: fragments === 's3' ? 1 : 0 }[side];
  return Array.from({ length: count }, (_, index) => `${side}-${index + 1}`);
}

/** The names of a component's processes: `summer-0`, `summer-1`, ... */
export function processNames(component: 'summer' | 'chunker', count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${component}-${index}`);
}
