import test from 'ava';
import { ManualClock } from '../../../src/core/testing/manual-clock.ts';
import { READY_MS_MAX } from '../../../src/fleet/fleet.ts';
import { type FaultPhase, injectFaults } from './fault-phase.ts';
import type { PlannedFault } from './planned-fault.ts';

const FAULTS: readonly PlannedFault[] = [
  { id: 1, kind: 'kill-broker', targets: ['broker'], atMs: 1_000, lengthMs: 0 },
  { id: 2, kind: 'kill-broker', targets: ['broker'], atMs: 2_000, lengthMs: 0 },
];

/**
 * Runs a phase with targets that are ready from `readyMs` on, until `abortMs`. Injections: planned and true time, in
 * ms.
 */
async function phase(of: {
  readyMs: number;
  abortMs?: number;
  /** Numbers of the faults that miss. */
  misses?: readonly number[];
}): Promise<{ why: string | null; injected: number[][]; ids: number[] }> {
  const clock = new ManualClock();
  const startNs = clock.nowNs();
  const ms = (ns: number): number => Math.round((ns - startNs) / 1e6);
  const injected: number[][] = [];
  const ids: number[] = [];
  const missed: PlannedFault[] = [];
  const halt = new AbortController();
  const injector: FaultPhase['injector'] = {
    canInject: () => ms(clock.nowNs()) >= of.readyMs,
    isHealed: true,
    takeMissed: () => missed.splice(0),
    inject: (fault, { plannedNs, nowNs }) => {
      injected.push([ms(plannedNs), ms(nowNs)]);
      ids.push(fault.id);
      if (of.misses?.includes(fault.id) === true) missed.push({ ...fault, insteadOf: fault.id });
    },
  };
  const results: (string | null)[] = [];
  void injectFaults(FAULTS, { injector, clock, signal: halt.signal }).then((why) => results.push(why));
  for (let step = 0; results.length === 0 && step < 20_000; step += 1) {
    if (ms(clock.nowNs()) >= (of.abortMs ?? Number.POSITIVE_INFINITY)) halt.abort();
    await clock.advance(20);
  }
  if (results.length === 0) throw new Error('the phase has no end');
  return { why: results[0] ?? null, injected, ids };
}

test('each fault is injected at its time, or as soon as its targets are ready', async (t) => {
  const { why, injected } = await phase({ readyMs: 1_500 });
  t.is(why, null);
  t.deepEqual(
    injected.map(([planned]) => planned),
    [1_000, 2_000],
  );
  t.true((injected[0]?.[1] ?? 0) >= 1_500 && (injected[0]?.[1] ?? 0) < 2_000, JSON.stringify(injected));
  t.true((injected[1]?.[1] ?? 0) >= 2_000 && (injected[1]?.[1] ?? 0) < 2_100, JSON.stringify(injected));
});

test('a fault that finds no target is said, and none comes after it', async (t) => {
  const { why, injected } = await phase({ readyMs: READY_MS_MAX * 2 });
  t.is(why, 'the fault 1 (kill-broker) found no target that was ready');
  t.deepEqual(injected, []);
});

test('a phase that ends early injects nothing more, and proves nothing less', async (t) => {
  const { why, injected } = await phase({ readyMs: 0, abortMs: 1_500 });
  t.is(why, null);
  t.is(injected.length, 1);
});

test('what has missed is injected again, at once and under a number of its own', async (t) => {
  const { why, injected, ids } = await phase({ readyMs: 0, misses: [1, 3] });
  t.is(why, null);
  t.deepEqual(ids, [1, 2, 3, 4]);
  t.deepEqual(
    injected.map(([planned]) => planned),
    [1_000, 1_000, 2_000, 2_000],
  );
});
