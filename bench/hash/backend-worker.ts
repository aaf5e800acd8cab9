// A process that hashes with the backend that its environment names, when its parent tells it to.

import { selectedBackend } from '../../src/hash/backend.ts';
import { serveRequests } from '../harness/worker-process.ts';
import type { BackendAnswer, BackendRequest } from './backend-tasks.ts';
import { contenderTask } from './chunk-tasks.ts';
import { slotPoolOfChunks } from './contenders.ts';
import { ChunkSet } from './chunk-set.ts';

const [shape = '{}', seed = '0'] = process.argv.slice(2);
const chunkSet = new ChunkSet(JSON.parse(shape), Number(seed));
const task = contenderTask('backend', chunkSet, slotPoolOfChunks(chunkSet));

serveRequests(async (message): Promise<BackendAnswer> => {
  const request = message as BackendRequest;
  if (request.request === 'measure') return { answer: 'outcome', outcome: await task.measure(request.turn) };
  await task.check();
  return { answer: 'checked', backend: selectedBackend() };
});
