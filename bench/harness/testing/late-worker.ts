/** A worker for tests that begins to serve only when its parent is gone, and would then stay. */

import { setTimeout as delay } from 'node:timers/promises';
import { serveRequests } from '../worker-process.ts';

setInterval(() => undefined, 1000);
while (process.connected) await delay(5);
serveRequests((request) => Promise.resolve({ asked: request }));
