/** What the display is told about the experiment: the phases, the open faults, and the processes that are down. */

import type { Phase } from '../guarantee/phase.ts';

/** Times in milliseconds since the run began. */
export type ExperimentView = {
  /** The phases that have a time, from this one on, with their ends. Null: not all processes are up yet. */
  readonly phases: readonly { readonly phase: Phase; readonly endMs: number | null }[];
  /** Faults that have not recovered. */
  readonly open: readonly {
    readonly what: string;
    readonly stage: 'injected' | 'proven' | 'healed';
    readonly sinceMs: number;
  }[];
  /** Processes that ended and are not ready again. */
  readonly down: readonly string[];
  readonly counts: {
    readonly injected: number;
    readonly proven: number;
    readonly healed: number;
    readonly recovered: number;
  };
};

/** The options of the experiment, and how it goes. */
export type ExperimentStatus = {
  /** The duration of the whole run without the drain. */
  readonly durationMs: number;
  /** The requested chunks a second. */
  readonly offered: number | 'max';
  readonly experiment: ExperimentView;
};
