/** A component that ends in the way that its argument names, once it is ready and SIGUSR2 has come. */

import { ViolationError } from '../../core/errors.ts';
import { type Served, ComponentRuntime } from '../../component/runtime.ts';

const way: string = process.argv[2] ?? '';
const runtime = new ComponentRuntime({ component: 'summer', supervised: 'not' });
const served: Served = {
  progress: () => {
    if (way === 'its progress throws') throw new Error('no progress');
    const counts = { chunksFolded: 0, bytesFolded: 0, commits: 0, filesOpen: 0, sumsPublished: 0 };
    return { event: 'progress', component: 'summer', ...counts };
  },
  stop: () => (way === 'its stop fails' ? Promise.reject(new Error('it cannot stop')) : Promise.resolve()),
};

function end(): void {
  const violation = new ViolationError('mismatched', 'planted', { journal: 'sums', offset: 7 });
  switch (way) {
    case 'a violation while it is composed':
      return void runtime.compose(() => Promise.reject(violation));
    case 'a violation':
      return runtime.fail(violation);
    case 'a violation, with a listener of the exit that throws':
      process.on('exit', () => {
        throw new Error('a listener of the exit');
      });
      return runtime.fail(violation);
    case 'an error that nobody catches':
      throw new Error('thrown');
    case 'a rejection that nobody handles':
      return void Promise.reject(new Error('rejected'));
    case 'an error that cannot be told':
      // The log meets a getter that throws.
      return runtime.fail(
        Object.defineProperty(new Error('x'), 'message', {
          get: () => {
            throw new Error('no message');
          },
        }),
      );
    default:
      // SIGTERM, SIGINT and SIGHUP end the process.
      process.kill(process.pid, way.startsWith('SIG') ? way : 'SIGTERM');
  }
}

process.on('SIGUSR2', end);
runtime.serve(served);
runtime.emit({ event: 'ready', component: 'summer', pid: process.pid, shards: [], epochs: [] });
