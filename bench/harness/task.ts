/** A suite consists of tasks. Each is measured once a round, and checks its own results. */

import type { LatencyHistogram } from '../../src/measure/histogram.ts';
import type { Sample } from '../../src/results/samples.ts';

/** One figure of one round, as in a row of samples.csv. */
export type Measurement = {
  /** The metric's name with its unit last. */
  readonly metric: string;
  /** A base unit: `s`, `B`, `1/s`, `B/s`. */
  readonly unit: string;
  readonly better: Sample['better'];
  /** Null: the figure could not be measured. */
  readonly value: number | null;
  /** The process that the figure is about, when it is about one of several. */
  readonly process?: string;
};

/** The latencies of one round, for latency.csv. */
export type StageLatencies = {
  readonly stage: string;
  readonly histogram: LatencyHistogram;
  /** Null: no sample of this stage can be censored. */
  readonly censored: number | null;
};

/** The result of a task in one round. The first measurement is the one by which its warm-up is judged. */
export type Outcome = {
  readonly measurements: readonly [Measurement, ...Measurement[]];
  readonly latencies?: readonly StageLatencies[];
  /** Remarks that a reader of the figures must know, in single lines. */
  readonly remarks?: readonly string[];
};

/** How long a task is called in one round. */
export type Turn = {
  readonly milliseconds: number;
  /** The least number of calls, even if they take longer. */
  readonly callsMin: number;
};

export type Task = {
  readonly benchmark: string;
  readonly parameters: Readonly<Record<string, string | number>>;
  /** Whether rounds that do not count run first; otherwise the task warms up in each round. */
  readonly warmsUp: boolean;
  measure(turn: Turn): Promise<Outcome>;
  /** Called after the last round. Throws a ViolationError when any result is wrong. */
  check(): void | Promise<void>;
};

export type LeftOut = Pick<Task, 'benchmark' | 'parameters'> & { readonly why: string };

export type Suite = {
  readonly name: string;
  readonly tasks: readonly Task[];
  /** Tasks that cannot be measured here, and why. */
  readonly leftOut?: readonly LeftOut[];
  /** Removes everything that was made for the task. */
  close(): Promise<void>;
};

/** `smoke` shows that everything works, and measures nothing. */
export type Scale = 'smoke' | 'quick' | 'default' | 'full';
