/** Runs a schedule of faults over fake processes that die, return, sleep and wake as they are asked to. */

import { ManualClock } from '../../../../src/core/testing/manual-clock.ts';
import { FakeTargets } from '../../testing/fake-targets.ts';
import { killed } from '../../testing/injector-world.ts';
import { injectFaults } from '../fault-phase.ts';
import { FaultInjector } from '../injector.ts';
import type { FaultOutcome } from '../open-fault.ts';
import type { PlannedFault } from '../planned-fault.ts';

const STEP_MS = 20;
export const SLA_MS: number = 30_000;
/** From the end of a killed process until it is ready again. */
const RETURN_MS = 300;

function ignore(): void {}

export type Outcome = {
  readonly why: string | null;
  readonly outcomes: readonly FaultOutcome[];
  readonly startNs: number;
};

/** Injects these faults. `isDeaf`: signals to these processes do nothing, as often as this says so. */
export async function course(
  faults: readonly PlannedFault[],
  isDeaf: (name: string) => boolean = () => false,
): Promise<Outcome> {
  const clock = new ManualClock();
  const startNs = clock.nowNs();
  const fakes = new FakeTargets();
  const outcomes: FaultOutcome[] = [];
  const injector = new FaultInjector({
    targets: fakes,
    record: ignore,
    onSettled: (one) => outcomes.push(one),
    slaMs: SLA_MS,
  });
  for (const target of fakes.all) {
    const kill = target.kill.bind(target);
    target.kill = () => {
      if (!isDeaf(target.name)) kill();
    };
  }
  const returns = new Map<string, number>();
  const results: (string | null)[] = [];
  const { signal } = new AbortController();
  void injectFaults(faults, { injector, clock, signal }).then((why) => results.push(why));
  for (let step = 0; results.length === 0 && step < 100_000; step += 1) {
    await clock.advance(STEP_MS);
    const nowNs = clock.nowNs();
    injector.look(nowNs);
    for (const target of fakes.all) {
      const returnNs = returns.get(target.name);
      if (!target.ready && returnNs === undefined) {
        returns.set(target.name, nowNs + RETURN_MS * 1e6);
        killed(injector, target.name, { pid: target.pid ?? 0, nowNs });
      } else if (returnNs !== undefined && nowNs >= returnNs) {
        returns.delete(target.name);
        Object.assign(target, { ready: true, pid: (target.pid ?? 0) + 1 });
        injector.onReady({ name: target.name, pid: target.pid ?? 0, nowNs });
      } else if (target.ready && target.state === 'S') injector.onHeard(target.name, nowNs);
    }
  }
  injector.settle(clock.nowNs(), true);
  return { why: results[0] ?? null, outcomes: outcomes.toSorted((one, other) => one.id - other.id), startNs };
}
