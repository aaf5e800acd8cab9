/** What a suite gets. */

import type { Launch } from '../../src/fleet/component-process.ts';
import type { ClusterEngine } from './engine.ts';
import type { Scale } from './task.ts';

export type SuiteContext = {
  readonly seed: number;
  readonly scale: Scale;
  /** For this suite alone; removed after it. */
  readonly dataFolder: string;
  /** For the logs of its processes. */
  readonly logsFolder: string;
  readonly launch: Launch;
  /** Absent or null: pipelines have the embedded broker. */
  readonly engine?: ClusterEngine | null;
  /** Ends a long turn: ERR_INTERRUPTED. */
  readonly signal: AbortSignal;
};
