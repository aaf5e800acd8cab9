/** Makes a suite by its name. Each suite is loaded on demand, so that a suite that does not run needs nothing. */

import { unreachable } from '../src/core/assert.ts';
import type { SuiteContext } from './harness/suite-context.ts';
import type { Suite } from './harness/task.ts';
import type { SuiteName } from './harness/scales.ts';

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
