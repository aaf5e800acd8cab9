/** What a soak is asked for, checked and in numbers. */

import type { PipelineOptions } from '../../src/fleet/component-specs.ts';
import type { ClusterSize, LiveFamily } from '../guarantee/fault-kinds.ts';
import type { AuditDepth } from './audit-depth.ts';
import type { Expectation } from './expectation.ts';
import type { PlannedFault } from './faults/planned-fault.ts';

/** A soak on a Gazette cluster. */
export type ClusterOptions = ClusterSize & {
  /** Brokers that acknowledge each append. */
  readonly replication: number;
  /** Where a cluster is that is not this run's; null: the run starts its own. */
  readonly place: { readonly journals: string; readonly etcd: string } | null;
  /** Folder of the programs; null: they are in the cache folder or on the PATH. */
  readonly bin: string | null;
};

export type SoakOptions = PipelineOptions & {
  /** From all processes being ready to the beginning of the drain. */
  readonly durationMs: number;
  readonly transport: 'ipc' | 'tcp';
  /** Families that are asked for, in the order in which they are listed. */
  readonly faults: readonly LiveFamily[];
  readonly faultIntervalMs: number;
  /** The faults of an earlier run, which this one repeats; null: the seed decides. */
  readonly faultPlan: readonly PlannedFault[] | null;
  /** A commit, or the folder of a build, by which the run begins; null: by this build. */
  readonly upgradeFrom: string | null;
  readonly audit: 'auto' | AuditDepth;
  /** Null: a folder of the run's own, removed at the end. */
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
