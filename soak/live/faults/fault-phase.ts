/** The phase in which faults are injected: each at its time, or when its targets are ready. */

import type { Clock } from '../../../src/core/clock.ts';
import { READY_MS_MAX } from '../../../src/fleet/fleet.ts';
import { sleepUntil, until } from '../../../src/fleet/waiting.ts';
import type { FaultInjector } from './injector.ts';
import type { PlannedFault } from './schedule.ts';

export type FaultPhase = {
  readonly injector: Pick<FaultInjector, 'canInject' | 'inject'>;
  readonly clock: Clock;
  /** Ends the phase early. */
  readonly signal: AbortSignal;
};

/** Injects `faults`, whose times count from now. Resolves with what is unproven if one found no target, else with null. */
export async function injectFaults(faults: Iterable<PlannedFault>, phase: FaultPhase): Promise<string | null> {
  const { injector, clock, signal } = phase;
  const beginNs = clock.nowNs();
  for (const fault of faults) {
    const plannedNs = beginNs + fault.atMs * 1e6;
    await sleepUntil(clock, plannedNs, signal);
    const isPossible = await until(() => injector.canInject(fault), { clock, timeoutMs: READY_MS_MAX, signal });
    if (signal.aborted) return null;
    if (!isPossible) return `the fault ${fault.id} (${fault.kind}) found no target that was ready`;
    injector.inject(fault, { plannedNs, nowNs: clock.nowNs() });
  }
  return null;
}
