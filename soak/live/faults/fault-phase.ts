/**
 * The phase in which faults are injected: each at its time, or when its targets are ready. A fault that has missed is
 * injected again.
 */

import { type Clock, delay } from '../../../src/core/clock.ts';
import type { Moment } from '../../../src/moments/moment.ts';
import { READY_MS_MAX } from '../../../src/fleet/fleet.ts';
import { sleepUntil, until } from '../../../src/fleet/waiting.ts';
import type { FaultInjector } from './injector.ts';
import type { PlannedFault } from './planned-fault.ts';

/** The time between two looks at the probes. */
const LOOK_MS = 20;
/** How long a fault waits for the moment that it is aimed at. After that it hits its target at any moment. */
export const AIM_MS_MAX: number = 200;
/** The time between two looks at a target that has just started. A replay takes longer. */
const REPLAY_LOOK_MS = 2;

/** The moments of their first target at which faults should hit. */
export type Aims = {
  /** Null: at any moment. */
  aimOf(fault: PlannedFault): Moment | null;
  isThere(fault: PlannedFault, aim: Moment): boolean;
};

export type FaultPhase = {
  readonly injector: Pick<FaultInjector, 'canInject' | 'inject' | 'isHealed' | 'isMoot' | 'takeMissed' | 'unhealed'>;
  readonly clock: Clock;
  /** Ends the phase early. */
  readonly signal: AbortSignal;
  /** How long targets are waited for; absent: as long as a start may take. */
  readonly patienceMs?: number | undefined;
  /** Absent: all come at any moment. */
  readonly aims?: Aims;
  /** Between two looks at what a fault is aimed at; absent: a turn of the event loop. */
  readonly turn?: () => Promise<void>;
};

/**
 * Injects `faults`, whose times count from now, and waits until the last one is over. They are numbered as they come. A
 * fault that has missed is injected again as soon as nothing of it is left, before the next of `faults`. A fault that
 * would do nothing is left out. Resolves with a fault that could not be injected within the patience, in words,
 * otherwise with null.
 */
export async function injectFaults(faults: Iterable<PlannedFault>, phase: FaultPhase): Promise<string | null> {
  const { injector, clock, signal } = phase;
  const beginNs = clock.nowNs();
  const timeoutMs = phase.patienceMs ?? READY_MS_MAX;
  let id = 0;
  const inject = async (fault: PlannedFault): Promise<string | null> => {
    const plannedNs = beginNs + fault.atMs * 1e6;
    const aim = phase.aims?.aimOf(fault) ?? null;
    const aimed = aim === null ? fault : { ...fault, aim };
    await untilTime(aimed, plannedNs, phase);
    const isReady = (): Promise<boolean> => until(() => injector.canInject(fault), { clock, timeoutMs, signal });
    let isPossible = await isReady();
    if (isPossible && aim !== null) {
      await untilThere(aimed, { ...phase, endNs: clock.nowNs() + AIM_MS_MAX * 1e6 });
      // The target may have ended meanwhile.
      isPossible = await isReady();
    }
    if (signal.aborted) return null;
    if (!isPossible) return `the fault ${id + 1} (${fault.kind}) found no target that was ready`;
    if (injector.isMoot(fault)) return null;
    id += 1;
    injector.inject({ ...aimed, id }, { plannedNs, nowNs: clock.nowNs() });
    return null;
  };
  /** Waits until the injected faults are over, and injects missed faults until none misses. */
  const again = async (): Promise<string | null> => {
    // A fault may take as long as its targets until it is given up, and as long again to end.
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
    // A fault that has not healed keeps all others from being injected, so it is named.
    const { unhealed } = injector;
    if (unhealed.length > 0) return `the fault ${id + 1} (${fault.kind}) was not injected: ${unhealed.join(', ')}`;
    const whyNot = await inject(fault);
    if (whyNot !== null || signal.aborted) return whyNot;
  }
  return again();
}

/**
 * Waits for the time of a fault. Only a component that has just started replays, so a fault that is aimed at a replay
 * comes as soon as its target replays, which may be before its time.
 */
async function untilTime(fault: PlannedFault, plannedNs: number, phase: FaultPhase): Promise<void> {
  const { injector, clock, signal, aims } = phase;
  const isReplaying = (): boolean => injector.canInject(fault) && aims?.isThere(fault, 'replaying') === true;
  if (fault.aim === 'replaying') {
    while (clock.nowNs() < plannedNs && !signal.aborted) {
      if (isReplaying()) return;
      await delay(clock, REPLAY_LOOK_MS, signal);
    }
  }
  await sleepUntil(clock, plannedNs, signal);
}

/** Looks at the target again and again until it is in the moment that the fault is aimed at. */
async function untilThere(fault: PlannedFault, phase: FaultPhase & { readonly endNs: number }): Promise<void> {
  const { clock, signal, aims, endNs, turn = eventLoopTurn } = phase;
  const { aim } = fault;
  if (aims === undefined || aim === undefined) return;
  while (!aims.isThere(fault, aim) && clock.nowNs() < endNs && !signal.aborted) {
    await turn();
  }
}

function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Looks at the probes of the faults under way, until the signal is aborted. */
export async function watchFaults(
  injector: Pick<FaultInjector, 'look'>,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    injector.look(clock.nowNs());
    await delay(clock, LOOK_MS, signal);
  }
}
