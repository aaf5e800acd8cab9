/** The cluster of a plan, and what is done to its members. Plain data. */

import type { SnapshotSizes } from '../../../src/summer/state-snapshot.ts';

export type ClusterPlan = {
  readonly brokers: number;
  /** Members of each journal, all of which must take an append. */
  readonly replication: number;
  /** A broker that etcd has not heard for so long is gone. */
  readonly leaseMs: number;
  /** Every life of a broker has the same id. Else each has another one. */
  readonly keepsIds: boolean;
  /** Of the state logs; absent: those of production, which a schedule is too short for. */
  readonly snapshots?: SnapshotSizes;
  /** What is older than this and no longer needed is removed from the store; absent: nothing is. */
  readonly retentionMs?: number;
  /** Sums are no longer needed by a chunker that is away for longer than the retention; absent: they are. */
  readonly forgetsAbsent?: true;
};

export type MemberFault =
  /** `atAppend`: while it replicates an append. */
  | { readonly kind: 'member-crash'; readonly target: string; readonly atAppend: boolean; readonly downMs: number }
  /** It is asked to end, waits until others have taken over, and is started again. */
  | { readonly kind: 'member-leave'; readonly target: string }
  | { readonly kind: 'member-pause'; readonly target: string; readonly durationMs: number }
  | {
      readonly kind: 'member-cut';
      readonly target: string;
      readonly from: 'peers' | 'etcd' | 'clients';
      readonly directions: readonly ('in' | 'out')[];
      readonly durationMs: number;
      /** It dies before it can be reached again. */
      readonly dies: boolean;
    }
  /**
   * A broker dies while it replicates an append to one peer alone, and that peer dies before it has persisted it: the
   * journal goes on behind a hole. No seed draws it.
   */
  | { readonly kind: 'member-loss-in-turn'; readonly target: string; readonly downMs: number }
  | { readonly kind: 'etcd-crash'; readonly target: string; readonly downMs: number }
  /** Two of three members of etcd are down. */
  | { readonly kind: 'etcd-away'; readonly target: string; readonly durationMs: number }
  /**
   * All brokers die at once, and with them the registers of all journals. `isFlushed`: the fragment store had
   * everything. `resetMs`: when somebody lets the journals go on behind what the store has.
   */
  | {
      readonly kind: 'all-brokers-crash';
      readonly target: string;
      readonly isFlushed: boolean;
      readonly downMs: number;
      readonly resetMs: number;
    };
