import type { ExecutionContext } from 'ava';
import { workloadOf } from '../plan.ts';
import type { SeedResult } from '../seed-result.ts';
import { runSeeds } from '../seeds.ts';

const JOBS = 2;
/** A bound for hanging tests: seventeen schedules take about ten seconds of CPU time. */
const TIMEOUT_MS = 1_800_000;

/** `count` schedules from seed `first` on hold, each with faults that hit. */
export async function schedulesHold(t: ExecutionContext, first: number, count: number): Promise<void> {
  t.timeout(TIMEOUT_MS);
  const results: SeedResult[] = [];
  const tasks = Array.from({ length: count }, (_, index) => ({
    seed: first + index,
    workload: workloadOf(first + index),
  }));
  await runSeeds({ tasks, jobs: JOBS, onResult: (result) => results.push(result) });
  t.deepEqual(
    results.map(({ seed }) => seed),
    tasks.map(({ seed }) => seed),
  );
  for (const { seed, workload, kind, violations, failures, inconclusive, faults, records } of results) {
    t.is(kind, null, JSON.stringify({ seed, workload, violations, failures, inconclusive }));
    t.true(faults >= 20 && records > 0);
  }
}
