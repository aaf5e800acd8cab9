/** The options of a soak, checked and in numbers. */

import type { PipelineOptions } from '../../src/fleet/component-specs.ts';
import type { ClusterSize, LiveFamily } from '../guarantee/fault-kinds.ts';
import type { AuditDepth } from './audit-depth.ts';
import type { Expectation } from './expectation.ts';
import type { PlannedFault } from './faults/planned-fault.ts';

/** A soak on a Gazette cluster. */
export type ClusterOptions = ClusterSize & {
  /** Brokers that acknowledge each append. */
  readonly replication: number;
  /** The place of a cluster that does not belong to this run; null: the run starts its own. */
  readonly place: { readonly journals: string; readonly etcd: string } | null;
  /** The folder of the programs; null: the cache folder or the PATH has them. */
  readonly bin: string | null;
  /** The file with the keys that brokers share with their clients; null: brokers ask for no token. */
  readonly brokerAuthKey: string | null;
  /** Where the fragments of journals are kept. */
  readonly fragments: 'file' | 's3';
};

export type SoakOptions = PipelineOptions & {
  /** From the time when all processes are ready to the beginning of the drain. */
  readonly durationMs: number;
  readonly transport: 'ipc' | 'tcp';
  /** The families that were asked for, in the order of the help. */
  readonly faults: readonly LiveFamily[];
  readonly faultIntervalMs: number;
  /** The most faults that may be open together. */
  readonly faultsAtOnce: number;
  /** The faults of an earlier run, which this run repeats; null: the seed decides. */
  readonly faultPlan: readonly PlannedFault[] | null;
  /** A commit, or the folder of a build, by which the run begins; null: by this build. */
  readonly upgradeFrom: string | null;
  readonly audit: 'auto' | AuditDepth;
  /** Null: a fresh folder of the run, removed at the end. */
  readonly data: string | null;
  readonly results: string;
  readonly keepData: boolean;
  /** Absent: the journals are those of the run's own broker. */
  readonly cluster?: ClusterOptions;
  /** `keep`: the whole history is recorded beside the newest part of it. */
  readonly history: 'recent' | 'keep';
  /** Of Prometheus, on this machine; 0: any that is free; null: none. */
  readonly metricsPort: number | null;
  /** What decides the exit code of a run that holds. */
  readonly expectations: readonly Expectation[];
};
