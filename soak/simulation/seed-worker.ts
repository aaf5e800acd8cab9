/** A thread of `seeds.ts`. */

import { serveTasks } from './threads.ts';
import { runSeed } from './seed-result.ts';

serveTasks(runSeed);
