// The addon's backends against each other, in the same rounds. A process chooses its backend once, so each backend has
// a process.

import { fileURLToPath } from 'node:url';

import { assert } from '../../src/core/assert.ts';
import type { Outcome, Task, Turn } from '../harness/task.ts';
import { WorkerProcess } from '../harness/worker-process.ts';
import type { ChunkSetShape } from './chunk-set.ts';

export type BackendRequest = { readonly request: 'measure'; readonly turn: Turn } | { readonly request: 'check' };
export type BackendAnswer =
  | { readonly answer: 'outcome'; readonly outcome: Outcome }
  | { readonly answer: 'checked'; readonly backend: string };

const WORKER = fileURLToPath(new URL('./backend-worker.js', import.meta.url));

export type BackendProcess = WorkerProcess<BackendRequest, BackendAnswer>;

export function startBackend(backend: string, shape: ChunkSetShape, seed: number): Promise<BackendProcess> {
  return WorkerProcess.start({
    name: backend,
    modulePath: WORKER,
    argv: [JSON.stringify(shape), String(seed)],
    environment: { STREAM_SUM_SHA256_BACKEND: backend },
  });
}

export function backendTask(backend: string, shape: ChunkSetShape, worker: BackendProcess): Task {
  return {
    benchmark: 'backend',
    parameters: { backend, files: shape.files, chunk_bytes: shape.chunkBytes },
    warmsUp: true,
    measure: async (turn) => {
      const answer = await worker.ask({ request: 'measure', turn });
      assert(answer.answer === 'outcome', 'measuring gives an outcome');
      return answer.outcome;
    },
    check: async () => {
      const answer = await worker.ask({ request: 'check' });
      assert(answer.answer === 'checked' && answer.backend === backend, `the process hashes with ${backend}`);
    },
  };
}
