/** The result of one simulated schedule: plain data that passes between threads. */

import type { Finding } from '../guarantee/violation.ts';
import type { Moment } from './world/counters.ts';
import type { EngineName } from '../../src/journal/promises.ts';
import { planFor } from './plan-for.ts';
import type { WorkloadName } from './plan.ts';
import { promisesOf } from './promises.ts';
import { kindOf, simulate } from './simulate.ts';

export type SeedTask = { readonly seed: number; readonly workload: WorkloadName; readonly engine?: EngineName };

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
  /** How often each moment was to be expected from its plan. */
  readonly promises: Readonly<Record<Moment, number>>;
};

export async function runSeed(task: SeedTask): Promise<SeedResult> {
  const startedMs = performance.now();
  const plan = planFor(task);
  const outcome = await simulate(plan);
  const { digest, violations, failures, inconclusive, virtualMs, faults, records, moments } = outcome;
  const wallMs = performance.now() - startedMs;
  const kind = kindOf(outcome);
  const promises = promisesOf(plan);
  const found = { digest, kind, violations, failures, inconclusive };
  return { ...task, ...found, virtualMs, wallMs, faults, records, moments, promises };
}
