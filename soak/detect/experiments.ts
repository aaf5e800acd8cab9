/** Runs many experiments on several threads. */

import { runTasks } from '../simulation/threads.ts';
import { type Experiment, type ExperimentResult, runExperiment } from './experiment.ts';

const WORKER = new URL('./experiment-worker.js', import.meta.url);

export function runExperiments(options: {
  readonly tasks: readonly Experiment[];
  readonly jobs: number;
  /** In the order of the tasks. */
  readonly onResult: (result: ExperimentResult) => void;
}): Promise<void> {
  return runTasks({ ...options, worker: WORKER, run: runExperiment });
}
