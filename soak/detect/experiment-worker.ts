/** A thread of `experiments.ts`. */

import { serveTasks } from '../simulation/threads.ts';
import { runExperiment } from './experiment.ts';

serveTasks(runExperiment);
