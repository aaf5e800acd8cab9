/** A component that says when it is asked to stop, and then waits for SIGUSR2 before it stops. */

import { ComponentRuntime } from '../runtime.ts';

const runtime = new ComponentRuntime({ component: 'summer', supervised: 'stdio' });
runtime.serve({
  progress: () => ({
    event: 'progress',
    component: 'summer',
    chunksFolded: 0,
    bytesFolded: 0,
    commits: 0,
    filesOpen: 0,
    sumsPublished: 0,
  }),
  stop: () => {
    runtime.log.info({}, 'it is asked to stop');
    return new Promise((resolve) => process.once('SIGUSR2', () => resolve()));
  },
});
process.on('SIGTERM', () =>
  runtime.emit({ event: 'ready', component: 'summer', pid: process.pid, shards: [], epochs: [] }),
);
runtime.emit({ event: 'ready', component: 'summer', pid: process.pid, shards: [], epochs: [] });
