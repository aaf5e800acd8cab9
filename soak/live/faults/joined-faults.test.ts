/** Schedules of faults that join others, over fake processes that die, return, sleep and wake as they are asked to. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { ManualClock } from '../../../src/core/testing/manual-clock.ts';
import { SoakFiles } from '../soak-files.ts';
import { FakeTargets } from '../testing/fake-targets.ts';
import { killed } from '../testing/injector-world.ts';
import { injectFaults } from './fault-phase.ts';
import { atOnceOf, parseFaultPlan } from './fault-plan.ts';
import { FaultInjector } from './injector.ts';
import type { FaultOutcome } from './open-fault.ts';
import { mayOverlap } from './overlap-rule.ts';
import type { PlannedFault } from './planned-fault.ts';
import { faultSchedule } from './schedule.ts';

const STEP_MS = 20;
const SLA_MS = 30_000;
/** From the end of a killed process until it is ready again. */
const RETURN_MS = 300;

function ignore(): void {}

type Outcome = { readonly why: string | null; readonly outcomes: readonly FaultOutcome[]; readonly startNs: number };

/** Injects these faults. `isDeaf`: signals to these processes do nothing, as often as this says so. */
async function course(faults: readonly PlannedFault[], isDeaf = (_name: string): boolean => false): Promise<Outcome> {
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

function fault(id: number, kind: PlannedFault['kind'], target: string, more: Partial<PlannedFault>): PlannedFault {
  return { id, kind, targets: [target], atMs: 1_000, lengthMs: 0, ...more };
}

const PAUSE = fault(1, 'pause-summer', 'summer-0', { lengthMs: 2_000 });

test('a fault that joins begins while the other one is open, and each has its own proof and healing', async (t) => {
  const kill = fault(2, 'kill-broker', 'broker', { atMs: 1_500, joins: 1 });
  const after = fault(3, 'kill-chunker', 'chunker-0', { atMs: 1_600 });
  const { why, outcomes, startNs } = await course([PAUSE, kill, after]);
  t.is(why, null);
  const [paused, killedOne, last] = outcomes as [FaultOutcome, FaultOutcome, FaultOutcome];
  t.deepEqual(
    outcomes.map(({ joins, overlaps }) => [joins, overlaps]),
    [
      [null, [2]],
      [1, [1]],
      [null, []],
    ],
  );
  const ms = (ns: number | null): number => ((ns ?? 0) - startNs) / 1e6;
  t.true(ms(killedOne.injectedNs) >= ms(paused.injectedNs) + 500 && ms(killedOne.injectedNs) < 1_600);
  t.true(ms(killedOne.healedNs) < ms(paused.healedNs));
  t.regex(paused.evidence, /^state T of pid 1, progress of pid 1$/);
  t.regex(killedOne.evidence, /^exit signal SIGKILL of pid 1, ready again as pid 2$/);
  t.true(last.injectedNs > (paused.healedNs ?? 0), 'what joins nobody waits for all');
});

test('a fault that hits while another process returns joins its kill as soon as that was seen to hit', async (t) => {
  const kill = fault(1, 'kill-summer', 'summer-0', {});
  const { outcomes } = await course([kill, fault(2, 'kill-broker', 'broker', { joins: 1 })]);
  const [first, second] = outcomes as [FaultOutcome, FaultOutcome];
  t.true(second.injectedNs >= (first.provenNs ?? 0) && second.injectedNs < (first.healedNs ?? 0));
  t.deepEqual(second.overlaps, [1]);
});

test('a fault that may not be open together with the one it joins, or would last too long, comes alone', async (t) => {
  for (const [joining, what] of [
    [fault(2, 'kill-summer', 'summer-0', { joins: 1 }), 'the same process'],
    [fault(2, 'pause-broker', 'broker', { joins: 1, lengthMs: SLA_MS / 2 + 1 }), 'half of the SLA'],
    [fault(2, 'kill-broker', 'broker', { joins: 1, atMs: 9_000 }), 'it is over by then'],
    [fault(2, 'kill-broker', 'broker', { joins: 7 }), 'nobody knows that fault'],
  ] as const) {
    const { why, outcomes } = await course([PAUSE, joining]);
    t.is(why, null, what);
    const [first, second] = outcomes as [FaultOutcome, FaultOutcome];
    t.true(second.injectedNs > (first.healedNs ?? 0) && second.healedNs !== null, what);
    t.deepEqual([first.overlaps, second.overlaps], [[], []], what);
  }
});

test('a fault that joins and misses is drawn again alone, and has overlapped with nobody', async (t) => {
  let signals = 0;
  const isDeaf = (name: string): boolean => {
    if (name === 'broker') signals += 1;
    return name === 'broker' && signals === 1;
  };
  const { why, outcomes } = await course([PAUSE, fault(2, 'kill-broker', 'broker', { joins: 1 })], isDeaf);
  t.is(why, null);
  t.deepEqual(
    outcomes.map(({ id, joins, insteadOf, overlaps, provenNs }) => [id, joins, insteadOf, overlaps, provenNs !== null]),
    [
      [1, null, null, [], true],
      [2, 1, null, [], false],
      [3, null, 2, [], true],
    ],
  );
});

function textOf({ kind, target, atMs }: FaultOutcome): string {
  return `${kind} of ${target} at ${atMs}`;
}

/** Faults by kind and targets, each with those that were open together with it. */
function overlapsOf(outcomes: readonly FaultOutcome[]): string[] {
  return outcomes.map((outcome) => {
    const others = outcome.overlaps.map((id) => outcomes.find((other) => other.id === id));
    const names = others.map((other) => (other === undefined ? 'nobody' : textOf(other)));
    return `${textOf(outcome)} with ${names.join(', ')}`;
  });
}

test('no forbidden pair is ever open together, and a plan from faults.csv has the same faults together', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.integer({ min: 2, max: 4 }), async (seed, faultsAtOnce) => {
      const shape = { isFollowed: true, families: ['kill', 'pause'] as const, slaMs: SLA_MS, summers: 2, chunkers: 2 };
      const planned = [...faultSchedule({ ...shape, seed, faultsAtOnce, intervalMs: 3_000, lengthMs: 42_000 })];
      const first = await course(planned);
      t.is(first.why, null);
      t.is(first.outcomes.length, planned.length);
      for (const one of first.outcomes) {
        const hit = { kind: one.kind, targets: one.target.split(' ') };
        for (const other of first.outcomes) {
          if (one.id >= other.id) continue;
          // Then only the order in which both were seen decides, and faults.csv does not have it.
          if (one.healedNs === other.provenNs || other.healedNs === one.provenNs) continue;
          const isOpen = (one.healedNs ?? 0) > (other.provenNs ?? 0) && (other.healedNs ?? 0) > (one.provenNs ?? 0);
          const place = `seed ${seed}, ${one.id} and ${other.id}`;
          if (isOpen) t.true(mayOverlap(hit, { kind: other.kind, targets: other.target.split(' ') }), place);
          t.is(one.overlaps.includes(other.id), isOpen, place);
          t.is(other.overlaps.includes(one.id), isOpen, place);
        }
      }
      const again = parsed(first);
      t.is(atOnceOf(again), atOnceOf(planned));
      const second = await course(again);
      t.deepEqual(overlapsOf(second.outcomes), overlapsOf(first.outcomes), `seed ${seed}`);
      if (atOnceOf(planned) > 1)
        t.true(
          first.outcomes.some(({ overlaps }) => overlaps.length > 0),
          `seed ${seed}`,
        );
    }),
    { numRuns: 20 },
  );
});

/** The plan from the faults.csv of a run, whose rows come as faults settle. */
function parsed({ outcomes, startNs }: Outcome): PlannedFault[] {
  const folder = mkdtempSync(join(tmpdir(), 'stream-sum-joined-'));
  const file = new SoakFiles(folder, { startNs, processes: [] });
  for (const outcome of outcomes.toSorted((one, other) => (one.healedNs ?? 0) - (other.healedNs ?? 0)))
    file.faultSettled(outcome);
  file.close();
  const plan = parseFaultPlan(readFileSync(join(folder, 'faults.csv')), 'x');
  rmSync(folder, { recursive: true });
  return plan;
}

test('a plan that joins a fault which it does not have is refused', (t) => {
  const header = 'id,kind,target,at_s,length_s,joins\r\n';
  const row = '4,kill-broker,broker,1,0,';
  for (const joins of ['9', '4', 'x']) {
    const file = Buffer.from(`${header}${row}${joins}\r\n`);
    t.throws(() => parseFaultPlan(file, 'x'), { message: new RegExp(`^x: row 1: joins "${joins}"`) });
  }
  const two = Buffer.from(`${header}5,kill-summer,summer-0,1,0,4\r\n${row}\r\n`);
  t.deepEqual(
    parseFaultPlan(two, 'x').map(({ id, joins }) => [id, joins]),
    [
      [2, undefined],
      [1, 2],
    ],
  );
});
