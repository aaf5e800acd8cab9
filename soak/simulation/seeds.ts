/** Runs many schedules on several threads. */

import { runTasks } from './threads.ts';
import { type SeedResult, type SeedTask, runSeed } from './seed-result.ts';

export type RunSeedsOptions = {
  readonly tasks: readonly SeedTask[];
  readonly jobs: number;
  /** In the order of the tasks. */
  readonly onResult: (result: SeedResult) => void;
};

const WORKER = new URL('./seed-worker.js', import.meta.url);

export function runSeeds(options: RunSeedsOptions): Promise<void> {
  return runTasks({ ...options, worker: WORKER, run: runSeed });
}
