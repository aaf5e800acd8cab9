/**
 * The phase in which faults are injected: each at its time, or when its targets are ready; one that has missed again.
 */

import { type Clock, delay } from '../../../src/core/clock.ts';
import { READY_MS_MAX } from '../../../src/fleet/fleet.ts';
import { sleepUntil, until } from '../../../src/fleet/waiting.ts';
import type { FaultInjector } from './injector.ts';
import type { PlannedFault } from './planned-fault.ts';

/** Between two looks at the probes. */
const LOOK_MS = 20;

export type FaultPhase = {
  readonly injector: Pick<FaultInjector, 'canInject' | 'inject' | 'isHealed' | 'takeMissed' | 'unhealed'>;
  readonly clock: Clock;
  /** Ends the phase early. */
  readonly signal: AbortSignal;
  /** How long targets are waited for; absent: as long as a start may take. */
  readonly patienceMs?: number | undefined;
};

/**
 * Injects `faults`, whose times count from now, and waits until the last one is over. They are numbered as they come.
 * A fault that has missed is injected again as soon as nothing of it is left, before the next of `faults`. Resolves
 * with what is unproven if one could not be injected within the patience, else with null.
 */
export async function injectFaults(faults: Iterable<PlannedFault>, phase: FaultPhase): Promise<string | null> {
  const { injector, clock, signal } = phase;
  const beginNs = clock.nowNs();
  const timeoutMs = phase.patienceMs ?? READY_MS_MAX;
  let id = 0;
  const inject = async (fault: PlannedFault): Promise<string | null> => {
    id += 1;
    const plannedNs = beginNs + fault.atMs * 1e6;
    await sleepUntil(clock, plannedNs, signal);
    const isReady = await until(() => injector.canInject(fault), { clock, timeoutMs, signal });
    if (signal.aborted) return null;
    if (!isReady) return `the fault ${id} (${fault.kind}) found no target that was ready`;
    injector.inject({ ...fault, id }, { plannedNs, nowNs: clock.nowNs() });
    return null;
  };
  /** Waits until what was injected is over, and injects what has missed until nothing misses. */
  const again = async (): Promise<string | null> => {
    // It may take as long as its targets until it is given up, and as long once more to end.
    while (await until(() => injector.isHealed, { clock, timeoutMs: 2 * timeoutMs, signal })) {
      const missed = injector.takeMissed();
      if (missed.length === 0) return null;
      for (const fault of missed) {
        const why = await inject(fault);
        if (why !== null || signal.aborted) return why;
      }
    }
    return null;
  };
  for (const fault of faults) {
    const why = await again();
    if (why !== null || signal.aborted) return why;
    // A fault that has not healed keeps all others from being injected: it is named.
    const { unhealed } = injector;
    if (unhealed.length > 0) return `the fault ${id + 1} (${fault.kind}) was not injected: ${unhealed.join(', ')}`;
    const whyNot = await inject(fault);
    if (whyNot !== null || signal.aborted) return whyNot;
  }
  return again();
}

/** Looks at the probes of what is under way, until the signal is aborted. */
export async function watchFaults(
  injector: Pick<FaultInjector, 'look'>,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    injector.look(clock.nowNs());
    await delay(clock, LOOK_MS, signal);
  }
}
