/** Makes a suite by its name; each is loaded on demand, so that one that is not asked for needs nothing. */

import { unreachable } from '../src/core/assert.ts';
import type { Launch } from '../src/fleet/component-process.ts';
import type { Scale, Suite } from './harness/task.ts';
import type { SuiteName } from './options.ts';

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

export async function createSuite(name: SuiteName, context: SuiteContext): Promise<Suite> {
  switch (name) {
    case 'hash':
      return (await import('./hash/suite.ts')).createHashSuite(context);
    case 'state':
      return (await import('./state/suite.ts')).createStateSuite(context);
    case 'codec':
      return (await import('./codec/suite.ts')).createCodecSuite(context);
    case 'store':
      return (await import('./store/suite.ts')).createStoreSuite(context);
    case 'transport':
      return (await import('./transport/suite.ts')).createTransportSuite(context);
    case 'pipeline':
      return (await import('./pipeline/suite.ts')).createPipelineSuite(context);
    default:
      return unreachable(name);
  }
}
