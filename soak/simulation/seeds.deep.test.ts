/** A hundred schedules. `seeds.test.ts` has a few. */

import test from 'ava';
import { schedulesHold } from './testing/schedules.ts';
import { planOf } from './plan.ts';
import { runSeeds } from './seeds.ts';
import { simulate } from './simulate.ts';

const SEEDS = 102;
/** Seeds in one test. */
const SEEDS_TOGETHER = 17;

for (let first = 1; first <= SEEDS; first += SEEDS_TOGETHER) {
  test.serial(`the schedules from seed ${first} hold, each with faults that hit`, (t) =>
    schedulesHold(t, first, SEEDS_TOGETHER),
  );
}

test.serial('the same plan gives the same history, again and again', async (t) => {
  for (const workload of ['uniform', 'skewed', 'edges'] as const) {
    const plan = planOf(5, workload);
    const first = await simulate(plan);
    for (let again = 0; again < 3; again += 1) t.is((await simulate(plan)).digest, first.digest);
  }
});

test.serial('whatever part of the log cannot be written, the history is the same, of every workload', async (t) => {
  for (const workload of ['uniform', 'skewed', 'edges'] as const) {
    const plan = planOf(9, workload);
    const { digest } = await simulate({ ...plan, logFailsPart: 0 });
    for (const logFailsPart of [0.5, 1]) t.is((await simulate({ ...plan, logFailsPart })).digest, digest, workload);
  }
});

test.serial('a seed gives the same history in this thread and in another', async (t) => {
  const tasks = [1, 2].map((seed) => ({ seed, workload: 'edges' as const }));
  const digests: string[][] = [];
  for (const jobs of [1, 2]) {
    const found: string[] = [];
    await runSeeds({ tasks, jobs, onResult: ({ digest }) => found.push(digest) });
    digests.push(found);
  }
  t.deepEqual(digests[0], digests[1]);
});
