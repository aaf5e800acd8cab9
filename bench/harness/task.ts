/** What a suite is made of: tasks that are measured once a round, each with a check of what it produced. */

import type { LatencyHistogram } from '../../src/measure/histogram.ts';
import type { Sample } from '../../src/results/samples.ts';

/** One figure of one round, as in a row of samples.csv. */
export type Measurement = {
  /** With its unit last. */
  readonly metric: string;
  /** A base unit: `s`, `B`, `1/s`, `B/s`. */
  readonly unit: string;
  readonly better: Sample['better'];
  /** Null: it could not be measured. */
  readonly value: number | null;
  /** The process that it is about, when it is about one of several. */
  readonly process?: string;
};

/** The latencies of one round, for latency.csv. */
export type StageLatencies = {
  readonly stage: string;
  readonly histogram: LatencyHistogram;
  /** Null: of this stage none can be censored. */
  readonly censored: number | null;
};

/** What a task came to in one round. The first measurement is the one by which its warm-up is judged. */
export type Outcome = {
  readonly measurements: readonly [Measurement, ...Measurement[]];
  readonly latencies?: readonly StageLatencies[];
  /** What a reader of the figures must know, in single lines. */
  readonly remarks?: readonly string[];
};

/** How long a task is called in one round. */
export type Turn = {
  readonly milliseconds: number;
  /** Calls even if they take longer. */
  readonly callsMin: number;
};

export type Task = {
  readonly benchmark: string;
  readonly parameters: Readonly<Record<string, string | number>>;
  /** Whether rounds go before that are not counted; otherwise it warms up in each round by itself. */
  readonly warmsUp: boolean;
  measure(turn: Turn): Promise<Outcome>;
  /** After the last round. Throws a ViolationError when anything that it produced is wrong. */
  check(): void | Promise<void>;
};

export type Suite = {
  readonly name: string;
  readonly tasks: readonly Task[];
  /** Removes what was made for it. */
  close(): Promise<void>;
};

/** `smoke`: shows that all of it works and measures nothing. */
export type Scale = 'smoke' | 'quick' | 'default' | 'full';
