/** A worker process for tests: answers with its requests, and stays without help, as a process with a socket does. */

import { serveRequests } from '../worker-process.ts';

setInterval(() => undefined, 1000);
serveRequests((request) => Promise.resolve({ asked: request }));
