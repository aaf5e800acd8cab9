/** A task that is one function, which tinybench calls again and again for its turn. Its sample is the median call. */

import { Bench } from 'tinybench';
import { assert } from '../../src/core/assert.ts';
import type { Task } from './task.ts';

export type TimedTaskOptions = {
  readonly benchmark: string;
  readonly parameters: Readonly<Record<string, string | number>>;
  /** The time of one operation, with its unit last: `chunk_time_s`. */
  readonly metric: string;
  /** Operations of one call. */
  readonly operations: number;
  /** Runs before each call and is not measured. */
  readonly prepare?: () => void;
  /** Whether `run` returns a promise, which ends the call when it settles. */
  readonly isAsync?: boolean;
  readonly run: () => unknown;
  /** Throws a ViolationError when any result of the calls is wrong. */
  readonly check: () => void | Promise<void>;
};

export function timedTask(options: TimedTaskOptions): Task {
  const { benchmark, parameters, metric, operations, prepare, isAsync, run, check } = options;
  return {
    benchmark,
    parameters,
    warmsUp: true,
    async measure({ milliseconds, callsMin }) {
      const bench = new Bench({ time: milliseconds, iterations: callsMin, warmup: false, throws: true });
      // Without this, tinybench would call once more to find out whether the function returns a promise.
      bench.add(benchmark, run, {
        async: isAsync ?? false,
        ...(prepare === undefined ? {} : { beforeEach: () => prepare() }),
      });
      const [task] = await bench.run();
      assert(task !== undefined && task.result.state === 'completed', 'a task that does not throw completes');
      const value = task.result.latency.p50 / 1e3 / operations;
      return { measurements: [{ metric, unit: 's', better: 'lower', value }] };
    },
    check,
  };
}

/** A task that is one operation, too short to be timed alone: a call does it `calls` times. */
export function operationTask(options: {
  readonly parameters: Readonly<Record<string, string | number>>;
  readonly calls: number;
  readonly run: () => void;
  readonly check: () => void;
}): Task {
  const { parameters, calls, run, check } = options;
  return timedTask({
    benchmark: 'operation',
    parameters,
    metric: 'operation_time_s',
    operations: calls,
    check,
    run: () => {
      for (let call = 0; call < calls; call += 1) run();
    },
  });
}
