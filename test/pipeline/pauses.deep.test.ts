import test, { type ExecutionContext } from 'ava';
import type { TestProcess } from '../../src/cli/testing/test-process.ts';
import { systemClock } from '../../src/core/clock.ts';
import { sleepUntil } from '../../src/fleet/waiting.ts';
import { Pipeline, drained, faultsIn, producerOf } from './testing/pipeline.ts';

const PARTITIONS = 2;
const SLA_MS = 5_000;
/** Files that wait for a sum while everything is stopped. */
const WAITING = 20;
const NEVER = new AbortController().signal;

type Scene = {
  readonly pipeline: Pipeline;
  readonly summer: TestProcess;
  readonly chunker: TestProcess;
  readonly all: readonly TestProcess[];
};

/** A pipeline in which files are open, complete and verified. */
async function begin(t: ExecutionContext): Promise<Scene> {
  const pipeline = new Pipeline(t, PARTITIONS);
  const broker = await pipeline.broker();
  const summer = pipeline.summer('summer');
  await summer.ready();
  const chunker = pipeline.chunker('chunker', { sla: `${SLA_MS}ms` });
  await verified(chunker, 1);
  return { pipeline, summer, chunker, all: [broker, summer, chunker] };
}

/** Waits until the chunker has verified so many files. */
function verified(chunker: TestProcess, files: number): Promise<number> {
  return chunker.progress((event) =>
    event.component === 'chunker' && event.sumsVerified >= files ? event.sumsVerified : undefined,
  );
}

/**
 * Stops the processes until the SLA of the completed files is over, and goes on until everything published is verified.
 */
async function survives(t: ExecutionContext, scene: Scene, stopped: readonly TestProcess[]): Promise<void> {
  const { pipeline, chunker, summer } = scene;
  const before = await verified(chunker, 1);
  if (stopped.includes(summer)) {
    // Files whose ends are acknowledged wait for their sums.
    await summer.signal('SIGSTOP');
    await chunker.progress((event) =>
      event.component === 'chunker' && event.sumsOutstanding >= WAITING ? true : undefined,
    );
  }
  await Promise.all(stopped.map((process) => process.signal('SIGSTOP')));
  await sleepUntil(systemClock, systemClock.nowNs() + 1.5 * SLA_MS * 1e6, NEVER);
  await Promise.all(stopped.map((process) => process.signal('SIGCONT')));
  await verified(chunker, before + 100);
  const producer = await producerOf(chunker);
  chunker.command({ command: 'drain' });
  const { files } = await drained(chunker);
  t.true(files > before);
  t.deepEqual(faultsIn(await pipeline.sums(), { producer, files, workload: pipeline.workload() }), []);
}

test.serial('a chunker that was stopped for longer than the SLA finds every sum in time', async (t) => {
  const scene = await begin(t);
  await survives(t, scene, [scene.chunker]);
});

test.serial('nobody is late when everything was stopped for longer than the SLA', async (t) => {
  const scene = await begin(t);
  await survives(t, scene, scene.all);
});
