/** The `pipeline` suite: the real processes, and the ceilings of their parts in the same rounds. */

import { SCALES } from '../harness/scales.ts';
import type { Suite, Task } from '../harness/task.ts';
import type { SuiteContext } from '../harness/suite-context.ts';
import { Ceilings } from './ceilings.ts';
import { FlowTasks } from './flow-tasks.ts';

export async function createPipelineSuite(context: SuiteContext): Promise<Suite> {
  const { throughputChunkBytes: chunkBytes, latencyRates, recoveryOf, growth } = SCALES[context.scale].pipeline;
  const flow = new FlowTasks(context);
  const ceilings = new Ceilings(context);
  const tasks: Task[] = chunkBytes.map((bytes) => flow.throughput(bytes));
  tasks.push(...latencyRates.map((rate) => flow.latency(rate)));
  tasks.push(...recoveryOf.map((component) => flow.recovery(component)));
  tasks.push(...growth.flatMap(([vary, counts]) => counts.map((count) => flow.growth(vary, count))));
  for (const bytes of chunkBytes) tasks.push(...(await ceilings.tasks(bytes)));
  return { name: 'pipeline', tasks, close: () => ceilings.close() };
}
