/** A thread of `experiments.ts`. */

import { serveTasks } from '../threads.ts';
import { runExperiment } from './experiment.ts';

serveTasks(runExperiment);
