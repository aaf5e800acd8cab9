/** The second thread of `whole-recheck.ts`. */

import { parentPort, workerData } from 'node:worker_threads';
import { type WholeTask, recheckShare } from './whole-recheck.ts';

parentPort?.postMessage(recheckShare(workerData as WholeTask));
