import test from 'ava';
import { workloadOf } from './plan.ts';
import type { SeedResult } from './seed-result.ts';
import { runSeeds } from './seeds.ts';

const SEEDS = 102;
/** In one test. */
const SEEDS_TOGETHER = 17;
const JOBS = 2;

for (let first = 1; first <= SEEDS; first += SEEDS_TOGETHER) {
  test.serial(`the schedules from seed ${first} hold, each with faults that hit`, async (t) => {
    const results: SeedResult[] = [];
    const tasks = Array.from({ length: SEEDS_TOGETHER }, (_, index) => ({
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
  });
}

test.serial('a seed gives the same history in this thread and in another', async (t) => {
  const tasks = [1, 2, 3].map((seed) => ({ seed, workload: 'edges' as const }));
  const digests: string[][] = [];
  for (const jobs of [1, JOBS]) {
    const found: string[] = [];
    await runSeeds({ tasks, jobs, onResult: ({ digest }) => found.push(digest) });
    digests.push(found);
  }
  t.deepEqual(digests[0], digests[1]);
});
