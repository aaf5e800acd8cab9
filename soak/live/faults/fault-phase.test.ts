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
  /** By number of a fault, how long after its injection it is over; absent: at once. */
  lastsMs?: Readonly<Record<number, number>>;
  /** Numbers of the faults that miss: when they are over, they are to be drawn again. */
  misses?: readonly number[];
}): Promise<{ why: string | null; injected: number[][]; ids: number[] }> {
  const clock = new ManualClock();
  const startNs = clock.nowNs();
  const ms = (ns: number): number => Math.round((ns - startNs) / 1e6);
  const injected: number[][] = [];
  const ids: number[] = [];
  const halt = new AbortController();
  let underWay: { readonly fault: PlannedFault; readonly endMs: number } | null = null;
  const isOver = (): boolean => underWay === null || ms(clock.nowNs()) >= underWay.endMs;
  const injector: FaultPhase['injector'] = {
    canInject: () => ms(clock.nowNs()) >= of.readyMs && isOver(),
    get isHealed() {
      return isOver();
    },
    get unhealed() {
      return isOver() ? [] : [`the fault ${underWay?.fault.id} was not seen to heal`];
    },
    takeMissed: () => {
      const { fault } = underWay ?? {};
      if (fault === undefined || !isOver() || of.misses?.includes(fault.id) !== true) return [];
      underWay = null;
      return [{ ...fault, insteadOf: fault.id }];
    },
    inject: (fault, { plannedNs, nowNs }) => {
      injected.push([ms(plannedNs), ms(nowNs)]);
      ids.push(fault.id);
      underWay = { fault, endMs: ms(nowNs) + (of.lastsMs?.[fault.id] ?? 0) };
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

test('what has missed is injected again under a number of its own, before the next fault', async (t) => {
  // It misses when the next fault is due already; the other one misses long before that.
  for (const lastsMs of [1_500, 200]) {
    const { why, injected, ids } = await phase({ readyMs: 0, misses: [1, 3], lastsMs: { 1: lastsMs } });
    t.is(why, null);
    t.deepEqual(ids, [1, 2, 3, 4]);
    t.deepEqual(
      injected.map(([planned]) => planned),
      [1_000, 1_000, 2_000, 2_000],
    );
    const [, [, again = 0] = []] = injected;
    t.true(again >= 1_000 + lastsMs && again < 1_100 + lastsMs, JSON.stringify(injected));
  }
});

test('what takes longer to miss than targets are waited for is still injected again before the next fault', async (t) => {
  const lastsMs = READY_MS_MAX * 1.2;
  const { why, injected, ids } = await phase({ readyMs: 0, misses: [1], lastsMs: { 1: lastsMs } });
  t.is(why, null);
  t.deepEqual(ids, [1, 2, 3]);
  t.deepEqual(
    injected.map(([planned]) => planned),
    [1_000, 1_000, 2_000],
  );
});

test('a fault that never heals is named, and none comes after it', async (t) => {
  const { why, injected } = await phase({ readyMs: 0, lastsMs: { 1: Number.POSITIVE_INFINITY } });
  t.is(why, 'the fault 2 (kill-broker) was not injected: the fault 1 was not seen to heal');
  t.is(injected.length, 1);
});
