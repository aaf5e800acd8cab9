/** The `pipeline` suite: the real processes, and the ceilings of their parts in the same rounds. */

import { CLUSTER_SHAPES, type ClusterEngine, EXAMPLE } from '../harness/engine.ts';
import { SCALES } from '../harness/scales.ts';
import type { LeftOut, Suite, Task } from '../harness/task.ts';
import type { SuiteContext } from '../harness/suite-context.ts';
import { Ceilings } from './ceilings.ts';
import { exampleTask } from './example-task.ts';
import { FlowTasks } from './flow-tasks.ts';

export async function createPipelineSuite(context: SuiteContext): Promise<Suite> {
  const { engine = null } = context;
  if (engine !== null) return createClusterSuite(context, engine);
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

/** The rows of an engine that keeps its journals on a cluster. The ceilings are parts of the embedded engine. */
function createClusterSuite(context: SuiteContext, engine: ClusterEngine): Suite {
  const { example } = engine;
  const tasks = CLUSTER_SHAPES.flatMap((shape): Task[] => {
    const flow = new FlowTasks(context, shape);
    const always = [flow.throughput(32), flow.latency(2000), flow.recovery('summer')];
    // The only replica of a journal that is killed takes with it what was acknowledged and is in no fragment yet.
    const own = shape.replication > 1 ? [...always, flow.recovery('broker')] : always;
    return 'missing' in example ? own : [...own, exampleTask(example, { context, engine, shape })];
  });
  return { name: 'pipeline', tasks, leftOut: leftOutOf(engine), close: async () => {} };
}

function leftOutOf({ name: engine, example }: ClusterEngine): LeftOut[] {
  if (!('missing' in example)) return [];
  return [{ benchmark: 'throughput', parameters: { program: EXAMPLE, engine }, why: example.missing }];
}
