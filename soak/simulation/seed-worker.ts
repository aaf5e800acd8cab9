/** A thread of `seeds.ts`: runs the schedules that it is given, one after the other, until there are no more. */

import { parentPort } from 'node:worker_threads';
import { type SeedTask, runSeed } from './seed-result.ts';

parentPort?.on('message', (given: { index: number; task: SeedTask } | null) => {
  if (given === null) parentPort?.close();
  else void run(given);
});

async function run({ index, task }: { index: number; task: SeedTask }): Promise<void> {
  parentPort?.postMessage({ index, result: await runSeed(task) });
}
