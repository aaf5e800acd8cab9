/** What a soak is asked for, checked and in numbers. */

import type { PipelineOptions } from '../../src/fleet/component-specs.ts';
import type { LiveFamily } from '../guarantee/fault-kinds.ts';
import type { AuditDepth } from './audit-depth.ts';
import type { PlannedFault } from './faults/planned-fault.ts';

export type SoakOptions = PipelineOptions & {
  /** From all processes being ready to the beginning of the drain. */
  readonly durationMs: number;
  readonly transport: 'ipc' | 'tcp';
  /** Families that are asked for, in the order of `LIVE_FAMILIES`. */
  readonly faults: readonly LiveFamily[];
  readonly faultIntervalMs: number;
  /** The faults of an earlier run, which this one repeats; null: the seed decides. */
  readonly faultPlan: readonly PlannedFault[] | null;
  readonly audit: 'auto' | AuditDepth;
  /** Null: a folder of the run's own, removed at the end. */
  readonly data: string | null;
  readonly results: string;
  readonly keepData: boolean;
};
