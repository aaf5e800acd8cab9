/** What an error of the soak's own process does to the run. */

import { OperatingError, UsageError, exitCodeOf } from '../../src/core/errors.ts';
import type { Failure } from '../../src/fleet/exit-judgement.ts';
import { SELF } from './sampler.ts';

/** A failure of the run like that of a component: such a run shows nothing, but its findings stay. */
export function ownFailure(error: unknown): Failure {
  const isExpected = error instanceof OperatingError || error instanceof UsageError;
  const stack = error instanceof Error && !isExpected ? (error.stack?.split('\n').slice(1) ?? []) : [];
  return {
    process: SELF,
    what: error instanceof Error ? error.message : String(error),
    exitCode: exitCodeOf(error),
    beforeReady: false,
    lastLogLines: stack.map((line) => line.trim()),
  };
}
