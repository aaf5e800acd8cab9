/** A worker process for tests: answers with what it was asked, and stays by itself, as one with a socket does. */

import { serveRequests } from '../worker-process.ts';

setInterval(() => undefined, 1000);
serveRequests((request) => Promise.resolve({ asked: request }));
