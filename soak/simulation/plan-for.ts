/** The plan of a seed on an engine. */

import type { EngineName } from '../../src/journal/promises.ts';
import { onCluster } from './cluster/cluster-plan.ts';
import { type Plan, type WorkloadName, planOf, workloadOf } from './plan.ts';

export type PlannedSeed = {
  readonly seed: number;
  /** Absent: seeds have the workloads in turn. */
  readonly workload?: WorkloadName | undefined;
  /** Absent: the embedded engine. */
  readonly engine?: EngineName | undefined;
};

export function planFor({ seed, workload = workloadOf(seed), engine = 'embedded' }: PlannedSeed): Plan {
  const plan = planOf(seed, workload);
  return engine === 'gazette' ? onCluster(plan) : plan;
}
