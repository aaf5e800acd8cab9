/** What a suite is made with. */

import type { Launch } from '../../src/fleet/component-process.ts';
import type { Scale } from './task.ts';

export type SuiteContext = {
  readonly seed: number;
  readonly scale: Scale;
  /** For the suite alone; removed after it. */
  readonly dataFolder: string;
  /** For the logs of processes. */
  readonly logsFolder: string;
  readonly launch: Launch;
  /** Ends a turn that takes long: ERR_INTERRUPTED. */
  readonly signal: AbortSignal;
};
