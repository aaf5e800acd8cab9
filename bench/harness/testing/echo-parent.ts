/** A parent for tests: starts a worker, prints its pid, and stays until it is killed. */

import { join } from 'node:path';
import { WorkerProcess } from '../worker-process.ts';

const modulePath = join(import.meta.dirname, 'echo-worker.js');
const worker = await WorkerProcess.start({ name: 'echo', modulePath, argv: [] });
process.stdout.write(`${worker.pid}\n`);
setInterval(() => undefined, 1000);
