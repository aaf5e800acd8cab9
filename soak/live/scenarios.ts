/**
 * The crash suite of Gazette's own example as data, and scenarios that the suite does not have: one fault each, for as
 * long as its authors let it last. `--scenario NAME` runs one on a cluster of 4 brokers with 3 replicas and 3 members
 * of etcd.
 */

import { processNames } from './faults/planned-fault.ts';
import type { PlannedFault } from './faults/planned-fault.ts';

export type Scenario = {
  readonly name: string;
  readonly fault: Pick<PlannedFault, 'kind' | 'targets'> & { readonly seconds: number };
  /** The result that its authors expect, or that follows from Gazette's design. */
  readonly expected: string;
  /** It ends as `acknowledged-loss`, and must. Absent: it holds. */
  readonly isLossy?: true;
};

const BROKERS = ['broker-1', 'broker-2', 'broker-3', 'broker-4'];
const ETCDS = ['etcd-1', 'etcd-2', 'etcd-3'];

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'crash-one-etcd',
    fault: { kind: 'member-kill-etcd', targets: ['etcd-2'], seconds: 30 },
    expected: 'seamless',
  },
  {
    name: 'crash-two-brokers',
    fault: { kind: 'member-kill-two-brokers', targets: ['broker-2', 'broker-3'], seconds: 30 },
    expected: 'a stall until their leases expire, 20 s',
  },
  {
    name: 'crash-all-brokers',
    fault: { kind: 'member-kill-all-brokers', targets: BROKERS, seconds: 1 },
    expected: 'acknowledged records that only the brokers had in memory are lost',
    isLossy: true,
  },
  {
    name: 'crash-one-summer',
    fault: { kind: 'kill-summer', targets: ['summer-1'], seconds: 0 },
    expected: 'a stall until it is started again',
  },
  {
    name: 'takeover-elsewhere',
    fault: { kind: 'takeover-elsewhere', targets: ['summer-1'], seconds: 25 },
    expected: 'a stall until another summer has read the state; the old one exits with 12 when it wakes',
  },
  {
    name: 'stop-all-brokers',
    fault: { kind: 'member-restart-brokers', targets: BROKERS, seconds: 0 },
    expected: 'journals are handed off, broker after broker',
  },
  {
    name: 'stop-all-summers',
    fault: { kind: 'restart-all', targets: processNames('summer', 3), seconds: 0 },
    expected: 'a stall until they are started again',
  },
  {
    name: 'pause-one-broker',
    fault: { kind: 'member-pause-broker', targets: ['broker-2'], seconds: 25 },
    expected: 'a stall until its lease expires; it ends when it wakes, and is started again',
  },
  {
    name: 'partition-etcd',
    fault: { kind: 'network-etcd', targets: ['etcd-3'], seconds: 40 },
    expected: 'the majority serves',
  },
  {
    name: 'partition-broker-from-etcd',
    fault: { kind: 'network-broker-etcd', targets: ['broker-2'], seconds: 40 },
    expected: 'its lease expires; it ends and is started again',
  },
  {
    name: 'partition-summer-from-etcd',
    fault: { kind: 'network-summer-etcd', targets: ['summer-1'], seconds: 40 },
    expected: 'its shards stall',
  },
  {
    name: 'partition-summer-from-brokers',
    fault: { kind: 'network-summer-brokers', targets: ['summer-1'], seconds: 20 },
    expected: 'its shards stall',
  },
  {
    name: 'partition-broker-from-summers',
    fault: { kind: 'network-broker-summers', targets: ['broker-2'], seconds: 20 },
    expected: 'its clients go on by another broker',
  },
  {
    name: 'partition-brokers',
    fault: { kind: 'network-brokers', targets: ['broker-1', 'broker-2'], seconds: 20 },
    expected: 'appends stall until both halves meet again',
  },
  {
    name: 'partition-brokers-from-store',
    fault: { kind: 'network-store', targets: ['store-1'], seconds: 40 },
    expected: 'seamless; what brokers hold is persisted later',
  },
  {
    name: 'pause-one-broker-briefly',
    fault: { kind: 'member-pause-broker', targets: ['broker-2'], seconds: 8 },
    expected: 'a stall until it wakes, before its lease expires',
  },
  {
    name: 'partition-etcd-one-way',
    fault: { kind: 'network-etcd-one-way', targets: ['etcd-3'], seconds: 40 },
    expected: 'the majority serves',
  },
  {
    name: 'partition-broker-from-etcd-one-way',
    fault: { kind: 'network-broker-etcd-one-way', targets: ['broker-2'], seconds: 40 },
    expected: 'its lease expires; it ends and is started again',
  },
  {
    name: 'partition-brokers-one-way',
    fault: { kind: 'network-brokers-one-way', targets: ['broker-1', 'broker-2'], seconds: 20 },
    expected: 'appends stall until both halves meet again',
  },
  {
    name: 'partition-broker-from-summers-one-way',
    fault: { kind: 'network-broker-summers-one-way', targets: ['broker-2'], seconds: 20 },
    expected: 'its clients go on by another broker',
  },
  {
    name: 'kill-broker-appending',
    fault: { kind: 'member-kill-appending', targets: ['broker-2'], seconds: 10 },
    expected: 'appends of unknown outcome leave records twice, which every reader skips',
  },
  {
    name: 'strand-primary',
    fault: { kind: 'member-strand-broker', targets: ['broker-2'], seconds: 15 },
    expected: 'nothing rests on what only the stranded primary had',
  },
  {
    name: 'lose-two-in-turn',
    fault: { kind: 'member-kill-in-turn', targets: ['broker-1', 'broker-2', 'broker-3'], seconds: 22 },
    // Half of an append that only the two had is a hole in the journal, and is never filled.
    expected: 'a stall until leases expire, and until readers have proven the hole; nothing is lost',
  },
  {
    name: 'power-cut-one-broker',
    fault: { kind: 'power-broker', targets: ['broker-2'], seconds: 10 },
    expected: 'a stall until its lease expires',
  },
  {
    name: 'power-cut-two-brokers',
    fault: { kind: 'power-two-brokers', targets: ['broker-2', 'broker-3'], seconds: 10 },
    expected: 'a stall until their leases expire',
  },
  {
    name: 'power-cut-one-etcd',
    fault: { kind: 'power-etcd', targets: ['etcd-2'], seconds: 10 },
    expected: 'seamless',
  },
  {
    name: 'power-cut-two-etcd',
    fault: { kind: 'power-two-etcd', targets: ['etcd-1', 'etcd-2'], seconds: 5 },
    expected: 'a stall until they are back; nothing that etcd has acknowledged is lost',
  },
  {
    name: 'power-cut-everything',
    fault: { kind: 'power-all', targets: [...ETCDS, ...BROKERS], seconds: 5 },
    expected: 'acknowledged records that no disk had are lost',
    isLossy: true,
  },
];

/** The plan of a scenario: its one fault, a second after the faults begin. */
export function planOf({ fault: { kind, targets, seconds } }: Scenario): PlannedFault[] {
  return [{ id: 1, kind, targets, atMs: 1_000, lengthMs: seconds * 1e3 }];
}
