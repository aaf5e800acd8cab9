import test from 'ava';
import { delay } from '../../../src/core/clock.ts';
import { ManualClock } from '../../../src/core/testing/manual-clock.ts';
import { READY_MS_MAX } from '../../../src/fleet/fleet.ts';
import type { Moment } from '../../../src/moments/moment.ts';
import { AIM_MS_MAX, type FaultPhase, injectFaults } from './fault-phase.ts';
import type { PlannedFault } from './planned-fault.ts';

const FAULTS: readonly PlannedFault[] = [
  { id: 1, kind: 'kill-broker', targets: ['broker'], atMs: 1_000, lengthMs: 0 },
  { id: 2, kind: 'kill-broker', targets: ['broker'], atMs: 2_000, lengthMs: 0 },
];

/**
 * Runs a phase with targets that are ready from `readyMs` on, until `abortMs`. Returns the planned and the true time of
 * each injection, in ms.
 */
async function phase(of: {
  readyMs: number;
  abortMs?: number;
  /** By number of a fault: how long after its injection it is over; absent: at once. */
  lastsMs?: Readonly<Record<number, number>>;
  /** Numbers of the faults that miss. When they are over, they are to be drawn again. */
  misses?: readonly number[];
  isMoot?: (fault: PlannedFault) => boolean;
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
    isMoot: (fault) => of.isMoot?.(fault) === true,
    get isHealed() {
      return isOver();
    },
    get unhealed() {
      return isOver() ? [] : [`the fault ${underWay?.fault.id} was not seen to heal`];
    },
    openSinceNs: () => null,
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
  // It misses when the next fault is already due; the other one misses long before that.
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

test('a fault that misses later than targets are waited for is still injected again before the next', async (t) => {
  const lastsMs = READY_MS_MAX * 1.2;
  const { why, injected, ids } = await phase({ readyMs: 0, misses: [1], lastsMs: { 1: lastsMs } });
  t.is(why, null);
  t.deepEqual(ids, [1, 2, 3]);
  t.deepEqual(
    injected.map(([planned]) => planned),
    [1_000, 1_000, 2_000],
  );
});

test('a fault that would do nothing is left out, and takes no number', async (t) => {
  const { why, injected, ids } = await phase({ readyMs: 0, isMoot: ({ atMs }) => atMs === 1_000 });
  t.is(why, null);
  t.deepEqual([ids, injected.map(([planned]) => planned)], [[1], [2_000]]);
});

test('a fault that never heals is named, and none comes after it', async (t) => {
  const { why, injected } = await phase({ readyMs: 0, lastsMs: { 1: Number.POSITIVE_INFINITY } });
  t.is(why, 'the fault 2 (kill-broker) was not injected: the fault 1 was not seen to heal');
  t.is(injected.length, 1);
});

/** Injections of two faults, in ms, whose targets are at the moment that they are aimed at from `thereMs` on. */
async function aimedPhase(aim: Moment, thereMs: number): Promise<{ atMs: number; aim: Moment | undefined }[]> {
  const clock = new ManualClock();
  const startNs = clock.nowNs();
  const nowMs = (): number => Math.round((clock.nowNs() - startNs) / 1e6);
  const injected: { atMs: number; aim: Moment | undefined }[] = [];
  const results: (string | null)[] = [];
  const injector: FaultPhase['injector'] = {
    canInject: () => true,
    isMoot: () => false,
    isHealed: true,
    unhealed: [],
    openSinceNs: () => null,
    takeMissed: () => [],
    inject: (fault) => injected.push({ atMs: nowMs(), aim: fault.aim }),
  };
  const aims = { aimOf: () => aim, isThere: () => nowMs() >= thereMs };
  const { signal } = new AbortController();
  const turn = (): Promise<void> => delay(clock, 1);
  void injectFaults(FAULTS, { injector, clock, signal, aims, turn }).then((why) => results.push(why));
  for (let step = 0; results.length === 0 && step < 20_000; step += 1) await clock.advance(1);
  return injected;
}

test('a fault waits until its target is at the moment that it is aimed at, and no longer than it may', async (t) => {
  const [first] = await aimedPhase('in a commit', 1_100);
  t.is(first?.aim, 'in a commit');
  t.true((first?.atMs ?? 0) >= 1_100 && (first?.atMs ?? 0) < 1_110, JSON.stringify(first));
  const never = await aimedPhase('in a commit', Number.POSITIVE_INFINITY);
  t.is(never.length, 2);
  for (const [index, { atMs }] of never.entries()) {
    const least = (FAULTS[index]?.atMs ?? 0) + AIM_MS_MAX;
    t.true(atMs >= least && atMs < least + 10, JSON.stringify(never));
  }
  const [there] = await aimedPhase('idle', 0);
  t.true((there?.atMs ?? 0) >= 1_000 && (there?.atMs ?? 0) < 1_010, JSON.stringify(there));
});

test('only what is aimed at a target that has just started comes before its time', async (t) => {
  const [first] = await aimedPhase('replaying', 300);
  t.true((first?.atMs ?? 0) >= 300 && (first?.atMs ?? 0) < 310, JSON.stringify(first));
});
