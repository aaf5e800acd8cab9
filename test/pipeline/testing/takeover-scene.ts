/** A pipeline of which one summer's shards are taken over, and how it must end. */

import type { ExecutionContext } from 'ava';
import type { TestProcess } from '../../../src/cli/testing/test-process.ts';
import { Pipeline, drained, faultsIn, producerOf } from './pipeline.ts';

export const PARTITIONS = 2;

/** Waits until the summer has published sums. */
export function published(summer: TestProcess, sums = 1): Promise<number> {
  return summer.progress((event) =>
    event.component === 'summer' && event.sumsPublished >= sums ? event.sumsPublished : undefined,
  );
}

export type Scene = { readonly pipeline: Pipeline; readonly first: TestProcess; readonly chunker: TestProcess };

/** A pipeline whose first summer has published sums and has more to do. */
export async function begin(t: ExecutionContext): Promise<Scene> {
  const pipeline = new Pipeline(t, PARTITIONS);
  await pipeline.broker();
  const first = pipeline.summer('summer-a');
  const chunker = pipeline.chunker('chunker', {});
  await published(first);
  return { pipeline, first, chunker };
}

/** Drains the chunker. Every file that it published must have one correct sum, and epochs must never go back. */
export async function endsWell(t: ExecutionContext, { pipeline, chunker }: Scene): Promise<void> {
  const producer = await producerOf(chunker);
  chunker.command({ command: 'drain' });
  const { files } = await drained(chunker);
  t.true(files > 0);
  const sums = await pipeline.sums();
  t.deepEqual(faultsIn(sums, { producer, files, workload: pipeline.workload() }), []);
  const epochs = new Map<string, number>();
  for (const { shard, epoch } of sums) {
    t.true(epoch >= (epochs.get(shard) ?? 0), `epoch ${epoch} of shard ${shard} came after ${epochs.get(shard)}`);
    epochs.set(shard, epoch);
  }
}

/** Waits until the summer has lost shard 0, the first one of a claim. */
export function dropped(summer: TestProcess): Promise<void> {
  return summer.lines((lines) => lines.some((line) => line.includes('shard 0 has a newer owner')), 'stderr');
}

/** Stops the summer, and returns its exit code. */
export async function stopped(summer: TestProcess): Promise<number | null> {
  await summer.signal('SIGTERM');
  return (await summer.exit()).code;
}
