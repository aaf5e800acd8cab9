import test from 'ava';
import { runSeeds } from './seeds.ts';
import { schedulesHold } from './testing/schedules.ts';

test.serial('two schedules of each workload hold, each with faults that hit', (t) => schedulesHold(t, 1, 6));

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
