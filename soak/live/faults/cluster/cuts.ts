/** The cuts in the network of a cluster as data: who is cut off from whom, how, and in which directions. */

import type { FaultKind } from '../../../guarantee/fault-kinds.ts';

/** Members whose names begin with this word, or clients. */
export type Side = 'broker' | 'etcd' | 'summer' | 'store';
export type CutKind = Extract<FaultKind, `network-${string}`>;
export type ClusterKind = Extract<FaultKind, `${'network' | 'member' | 'power'}-${string}`>;

/** Whether the kernel must cut members off for a fault of this kind. */
export function isCutting(kind: FaultKind): boolean {
  return kind.startsWith('network-') || kind === 'member-strand-broker' || kind === 'member-kill-in-turn';
}

export type CutShape = {
  /** The side that is cut off, and how many of it. */
  readonly of: Side;
  /** `half`: the smaller half. */
  readonly count: 1 | 'half';
  readonly peers: Side;
  readonly how: 'drop' | 'reject';
  readonly isOneWay: boolean;
};

export const CUTS: Readonly<Record<CutKind, CutShape>> = {
  'network-etcd': { of: 'etcd', count: 'half', peers: 'etcd', how: 'drop', isOneWay: false },
  'network-brokers': { of: 'broker', count: 'half', peers: 'broker', how: 'reject', isOneWay: false },
  'network-broker-etcd': { of: 'broker', count: 1, peers: 'etcd', how: 'drop', isOneWay: false },
  'network-broker-etcd-one-way': { of: 'broker', count: 1, peers: 'etcd', how: 'drop', isOneWay: true },
  'network-summer-etcd': { of: 'summer', count: 1, peers: 'etcd', how: 'drop', isOneWay: false },
  'network-summer-brokers': { of: 'summer', count: 1, peers: 'broker', how: 'reject', isOneWay: false },
  'network-store': { of: 'store', count: 1, peers: 'broker', how: 'drop', isOneWay: false },
  'network-etcd-one-way': { of: 'etcd', count: 'half', peers: 'etcd', how: 'drop', isOneWay: true },
  'network-brokers-one-way': { of: 'broker', count: 'half', peers: 'broker', how: 'drop', isOneWay: true },
  'network-broker-summers-one-way': { of: 'broker', count: 1, peers: 'summer', how: 'drop', isOneWay: true },
  'network-broker-summers': { of: 'broker', count: 1, peers: 'summer', how: 'reject', isOneWay: false },
};
