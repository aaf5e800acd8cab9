/** What is told of one simulated schedule: plain data, which passes between threads. */

import type { Finding } from '../checkers/history.ts';
import type { Moment } from './counters.ts';
import { type WorkloadName, planOf } from './plan.ts';
import { kindOf, simulate } from './simulate.ts';

export type SeedTask = { readonly seed: number; readonly workload: WorkloadName };

export type SeedResult = SeedTask & {
  readonly digest: string;
  readonly kind: ReturnType<typeof kindOf>;
  readonly violations: readonly Finding[];
  readonly failures: readonly string[];
  readonly inconclusive: readonly string[];
  readonly virtualMs: number;
  readonly wallMs: number;
  readonly faults: number;
  readonly records: number;
  readonly moments: Readonly<Record<Moment, number>>;
};

export async function runSeed(task: SeedTask): Promise<SeedResult> {
  const startedMs = performance.now();
  const outcome = await simulate(planOf(task.seed, task.workload));
  const { digest, violations, failures, inconclusive, virtualMs, faults, records, moments } = outcome;
  const wallMs = performance.now() - startedMs;
  const kind = kindOf(outcome);
  return { ...task, digest, kind, violations, failures, inconclusive, virtualMs, wallMs, faults, records, moments };
}
