/** Runs many schedules on several threads. Which thread runs a seed changes nothing about it. */

import { Worker } from 'node:worker_threads';
import { type SeedResult, type SeedTask, runSeed } from './seed-result.ts';

export type RunSeedsOptions = {
  readonly tasks: readonly SeedTask[];
  readonly jobs: number;
  /** In the order of the tasks. */
  readonly onResult: (result: SeedResult) => void;
};

const WORKER = new URL('./seed-worker.js', import.meta.url);

export async function runSeeds({ tasks, jobs, onResult }: RunSeedsOptions): Promise<void> {
  const inOrder = new InOrder(onResult);
  if (jobs === 1) {
    for (const [index, task] of tasks.entries()) inOrder.add(index, await runSeed(task));
    return;
  }
  let next = 0;
  const take = (): { index: number; task: SeedTask } | null => {
    const task = tasks[next];
    if (task === undefined) return null;
    next += 1;
    return { index: next - 1, task };
  };
  await Promise.all(Array.from({ length: jobs }, () => runWorker(take, inOrder)));
}

/** One thread, which gets the next seed whenever it has done one. */
function runWorker(take: () => { index: number; task: SeedTask } | null, inOrder: InOrder): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(WORKER);
    const give = (): void => worker.postMessage(take());
    worker.on('message', ({ index, result }: { index: number; result: SeedResult }) => {
      inOrder.add(index, result);
      give();
    });
    worker.on('error', reject);
    worker.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`a thread ended with ${code}`))));
    give();
  });
}

class InOrder {
  readonly #onResult: (result: SeedResult) => void;
  readonly #early = new Map<number, SeedResult>();
  #next = 0;

  constructor(onResult: (result: SeedResult) => void) {
    this.#onResult = onResult;
  }

  add(index: number, result: SeedResult): void {
    this.#early.set(index, result);
    for (let ready = this.#early.get(this.#next); ready !== undefined; ready = this.#early.get(this.#next)) {
      this.#early.delete(this.#next);
      this.#next += 1;
      this.#onResult(ready);
    }
  }
}
