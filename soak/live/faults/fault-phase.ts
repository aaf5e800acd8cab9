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
  readonly injector: Pick<
    FaultInjector,
    'canInject' | 'inject' | 'isHealed' | 'isMoot' | 'openSinceNs' | 'takeMissed' | 'unhealed'
  >;
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
 * fault that has missed is injected again as soon as nothing of it is left, before the next of `faults` that joins no
 * other. A fault that would do nothing is left out. Resolves with a fault that could not be injected within the
 * patience, in words, otherwise with null.
 */
export async function injectFaults(faults: Iterable<PlannedFault>, phase: FaultPhase): Promise<string | null> {
  return new Course(phase).run(faults);
}

class Course {
  readonly #phase: FaultPhase;
  readonly #beginNs: number;
  readonly #timeoutMs: number;
  /** The number of the last fault. */
  #id = 0;
  /** By number in the plan: the fault that others may still join, under its number in this run. */
  readonly #joined = new Map<number, PlannedFault>();

  constructor(phase: FaultPhase) {
    this.#phase = phase;
    this.#beginNs = phase.clock.nowNs();
    this.#timeoutMs = phase.patienceMs ?? READY_MS_MAX;
  }

  async run(faults: Iterable<PlannedFault>): Promise<string | null> {
    const { injector, signal } = this.#phase;
    for (const fault of faults) {
      const planned = this.#numbered(fault);
      if (planned.joins !== undefined && (await this.#join(planned))) continue;
      const why = await this.#again();
      if (why !== null || signal.aborted) return why;
      // A fault that has not healed keeps all others from being injected, so it is named.
      const { unhealed } = injector;
      if (unhealed.length > 0)
        return `the fault ${this.#id + 1} (${fault.kind}) was not injected: ${unhealed.join(', ')}`;
      const before = this.#id;
      const whyNot = await this.#inject(planned);
      if (whyNot !== null || signal.aborted) return whyNot;
      if (planned.joins !== undefined) continue;
      this.#joined.clear();
      if (this.#id > before) this.#joined.set(fault.id, { ...fault, id: this.#id });
    }
    return this.#again();
  }

  /** The fault that it joins has its number in this run. A fault that was left out is joined by nobody. */
  #numbered({ joins, ...fault }: PlannedFault): PlannedFault {
    const joined = joins === undefined ? undefined : this.#joined.get(joins);
    return joined === undefined ? fault : { ...fault, joins: joined.id };
  }

  async #inject(fault: PlannedFault): Promise<string | null> {
    const { injector, clock, signal, aims } = this.#phase;
    const plannedNs = this.#beginNs + fault.atMs * 1e6;
    const aim = aims?.aimOf(fault) ?? null;
    const aimed = aim === null ? fault : { ...fault, aim };
    await untilTime(aimed, plannedNs, this.#phase);
    const bound = { clock, timeoutMs: this.#timeoutMs, signal };
    const isReady = (): Promise<boolean> => until(() => injector.canInject(fault, clock.nowNs()), bound);
    let isPossible = await isReady();
    if (isPossible && aim !== null) {
      await untilThere(aimed, { ...this.#phase, endNs: clock.nowNs() + AIM_MS_MAX * 1e6 });
      // The target may have ended meanwhile.
      isPossible = await isReady();
    }
    if (signal.aborted) return null;
    if (!isPossible) return `the fault ${this.#id + 1} (${fault.kind}) found no target that was ready`;
    if (!injector.isMoot(fault)) this.#begin(aimed, plannedNs);
    return null;
  }

  #begin(fault: PlannedFault, plannedNs: number): void {
    const { injector, clock } = this.#phase;
    this.#id += 1;
    injector.inject({ ...fault, id: this.#id }, { plannedNs, nowNs: clock.nowNs() });
  }

  /**
   * Injects the fault while the one that it joins is open, as long after the beginning of that one as was planned, or
   * as soon as that one has hit. It is aimed at no moment, because waiting for one could outlast that fault. False:
   * that fault is over, or they may not be open together. Then it comes alone.
   */
  async #join(fault: PlannedFault): Promise<boolean> {
    const { injector, clock, signal } = this.#phase;
    const joined = [...this.#joined.values()].find(({ id }) => id === fault.joins);
    const sinceNs = joined === undefined ? null : injector.openSinceNs(joined.id);
    if (joined === undefined || sinceNs === null) return false;
    const plannedNs = sinceNs + (fault.atMs - joined.atMs) * 1e6;
    const isOver = (): boolean => injector.openSinceNs(joined.id) === null;
    const isPossible = (): boolean => !isOver() && injector.canInject(fault, clock.nowNs());
    const bound = { clock, timeoutMs: this.#timeoutMs, signal };
    await until(() => isOver() || (clock.nowNs() >= plannedNs && isPossible()), bound);
    if (signal.aborted || !isPossible()) return false;
    if (!injector.isMoot(fault)) this.#begin(fault, plannedNs);
    return true;
  }

  /** Waits until the injected faults are over, and injects missed faults until none misses. */
  async #again(): Promise<string | null> {
    const { injector, clock, signal } = this.#phase;
    // A fault may take as long as its targets until it is given up, and as long again to end.
    const bound = { clock, timeoutMs: 2 * this.#timeoutMs, signal };
    while (await until(() => injector.isHealed, bound)) {
      const missed = injector.takeMissed();
      if (missed.length === 0) return null;
      for (const fault of missed) {
        const why = await this.#inject(fault);
        if (why !== null || signal.aborted) return why;
      }
    }
    return null;
  }
}

/**
 * Waits for the time of a fault. Only a component that has just started replays, so a fault that is aimed at a replay
 * comes as soon as its target replays, which may be before its time.
 */
async function untilTime(fault: PlannedFault, plannedNs: number, phase: FaultPhase): Promise<void> {
  const { injector, clock, signal, aims } = phase;
  const isReplaying = (): boolean =>
    injector.canInject(fault, clock.nowNs()) && aims?.isThere(fault, 'replaying') === true;
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
