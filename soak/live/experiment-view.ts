/** What the display is shown of the experiment: the phases, what is under way, and what is down. */

import type { Phase } from '../guarantee/phase.ts';

/** Times in milliseconds since the run began. */
export type ExperimentView = {
  /** The phases that have a time, from this one on, with their ends; null: not everything is up yet. */
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

/** What was asked for, and how it goes. */
export type ExperimentStatus = {
  /** Of the whole run without the drain. */
  readonly durationMs: number;
  /** Chunks a second that are asked for. */
  readonly offered: number | 'max';
  readonly experiment: ExperimentView;
};
