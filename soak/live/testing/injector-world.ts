/** The start of tests of faults: an injector over fake processes. */

import type { RecoveredEvent } from '../../../src/component/protocol.ts';
import type { FaultKind } from '../../guarantee/fault-kinds.ts';
import { FaultTallies } from '../../guarantee/fault-tallies.ts';
import { type FaultHappening, FaultInjector } from '../faults/injector.ts';
import type { FaultOutcome } from '../faults/open-fault.ts';
import type { PlannedFault } from '../faults/planned-fault.ts';
import { type FakeTarget, FakeTargets } from './fake-targets.ts';

/** An injector over fakes, and the faults that it has settled. */
export type InjectorWorld = {
  injector: FaultInjector;
  fakes: FakeTargets;
  targets: Record<string, FakeTarget>;
  settled: FaultOutcome[];
  /** What the log was told, and its tallies. */
  happenings: FaultHappening[];
  faults: FaultTallies;
};

export function world(options: { readonly waitsForRecovery?: boolean } = {}): InjectorWorld {
  const fakes = new FakeTargets();
  const settled: FaultOutcome[] = [];
  const happenings: FaultHappening[] = [];
  const faults = new FaultTallies();
  const injector = new FaultInjector({
    ...options,
    targets: fakes,
    record: (happening) => {
      happenings.push(happening);
      faults.add({ atNs: 0, ...happening });
    },
    onSettled: (outcome) => settled.push(outcome),
  });
  const targets = Object.fromEntries(fakes.all.map((target) => [target.name, target]));
  return { injector, fakes, targets, settled, happenings, faults };
}

export function plan(kind: FaultKind, targets: readonly string[], id = 1, lengthMs = 0): PlannedFault {
  return { id, kind, targets, atMs: 0, lengthMs };
}

export function recovered(
  partition: number,
  intendedNs: number,
  verifiedNs: number,
  fault: number = 1,
): RecoveredEvent {
  return { event: 'recovered', fault, partition, intendedNs, verifiedNs };
}

/** The target has ended by SIGKILL. */
export function killed(
  injector: FaultInjector,
  name: string,
  exit: { readonly pid: number; readonly nowNs: number },
): void {
  injector.onExit({ name, code: null, signal: 'SIGKILL', ...exit });
}

/** The target has ended, and is ready again under the next pid. */
export function restart(injector: FaultInjector, target: FakeTarget | undefined, nowNs: number): void {
  if (target === undefined) throw new Error('the target is known');
  const { name, pid } = target;
  killed(injector, name, { pid: pid ?? 0, nowNs });
  target.pid = (pid ?? 0) + 1;
  target.ready = true;
  injector.onReady({ name, pid: target.pid, nowNs: nowNs + 1 });
}
