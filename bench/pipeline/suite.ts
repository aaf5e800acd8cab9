/** The `pipeline` suite: the real processes, and the ceilings of their parts in the same rounds. */

import type { Scale, Suite, Task } from '../harness/task.ts';
import type { SuiteContext } from '../harness/suite-context.ts';
import { Ceilings } from './ceilings.ts';
import { FlowTasks } from './flow-tasks.ts';
import { CHUNK_BYTES } from './workloads.ts';

type Growth = readonly [vary: 'files' | 'partitions' | 'chunkers', counts: readonly number[]];

const GROWTH: Readonly<Record<Scale, readonly Growth[]>> = {
  smoke: [['files', [200]]],
  quick: [],
  default: [['files', [1000, 100_000]]],
  full: [
    ['files', [100, 1000, 10_000, 100_000]],
    ['partitions', [1, 2, 4, 8, 16]],
    ['chunkers', [1, 2, 4]],
  ],
};
const RATES: Readonly<Record<Scale, readonly (number | 'half')[]>> = {
  smoke: [2000],
  quick: [2000],
  default: [2000, 20_000, 'half'],
  full: [2000, 20_000, 'half'],
};

export async function createPipelineSuite(context: SuiteContext): Promise<Suite> {
  const { scale } = context;
  const flow = new FlowTasks(context);
  const ceilings = new Ceilings(context);
  const chunkBytes: readonly number[] = scale === 'smoke' ? CHUNK_BYTES.slice(0, 1) : CHUNK_BYTES;
  const tasks: Task[] = chunkBytes.map((bytes) => flow.throughput(bytes));
  tasks.push(...RATES[scale].map((rate) => flow.latency(rate)));
  if (scale !== 'quick') tasks.push(flow.recovery('summer'), flow.recovery('broker'));
  tasks.push(...GROWTH[scale].flatMap(([vary, counts]) => counts.map((count) => flow.growth(vary, count))));
  for (const bytes of chunkBytes) tasks.push(...(await ceilings.tasks(bytes)));
  return { name: 'pipeline', tasks, close: () => ceilings.close() };
}
