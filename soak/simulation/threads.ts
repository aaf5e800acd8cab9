/** Hands tasks to threads, one at a time to each. The thread of a task does not change its result. */

import { Worker, parentPort } from 'node:worker_threads';

export type RunTasksOptions<Task, Result> = {
  readonly tasks: readonly Task[];
  readonly jobs: number;
  /** A module that calls `serveTasks` with the same function as `run`. */
  readonly worker: URL;
  /** With one job this process runs the tasks, without a thread. */
  readonly run: (task: Task) => Promise<Result>;
  /** In the order of the tasks. */
  readonly onResult: (result: Result) => void;
};

/** Rejects when a thread fails. */
export async function runTasks<Task, Result>(options: RunTasksOptions<Task, Result>): Promise<void> {
  const { tasks, jobs, worker, run, onResult } = options;
  const inOrder = new InOrder(onResult);
  if (jobs === 1) {
    for (const [index, task] of tasks.entries()) inOrder.add(index, await run(task));
    return;
  }
  let next = 0;
  const take = (): Given<Task> | null => {
    const task = tasks[next];
    if (task === undefined) return null;
    next += 1;
    return { index: next - 1, task };
  };
  await Promise.all(Array.from({ length: jobs }, () => runWorker(worker, take, inOrder)));
}

/** In a worker: does the given tasks one after the other, until there are no more. */
export function serveTasks(run: (task: never) => Promise<unknown>): void {
  const port = parentPort;
  port?.on('message', (given: Given<never> | null) => {
    if (given === null) return port.close();
    const { index, task } = given;
    void run(task).then((result) => port.postMessage({ index, result } satisfies Done<unknown>));
  });
}

type Given<Task> = { readonly index: number; readonly task: Task };
type Done<Result> = { readonly index: number; readonly result: Result };

/** One thread, which gets the next task whenever it has done one. */
function runWorker<Task, Result>(url: URL, take: () => Given<Task> | null, inOrder: InOrder<Result>): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(url);
    const give = (): void => worker.postMessage(take());
    worker.on('message', ({ index, result }: Done<Result>) => {
      inOrder.add(index, result);
      give();
    });
    worker.on('error', reject);
    worker.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`a thread ended with ${code}`))));
    give();
  });
}

class InOrder<Result> {
  readonly #onResult: (result: Result) => void;
  readonly #early = new Map<number, Result>();
  #next = 0;

  constructor(onResult: (result: Result) => void) {
    this.#onResult = onResult;
  }

  add(index: number, result: Result): void {
    this.#early.set(index, result);
    for (let ready = this.#early.get(this.#next); ready !== undefined; ready = this.#early.get(this.#next)) {
      this.#early.delete(this.#next);
      this.#next += 1;
      this.#onResult(ready);
    }
  }
}
