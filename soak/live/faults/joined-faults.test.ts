/** Schedules of faults that join others, over fake processes that die, return, sleep and wake as they are asked to. */

import test from 'ava';
import { parseFaultPlan } from './fault-plan.ts';
import type { FaultOutcome } from './open-fault.ts';
import type { PlannedFault } from './planned-fault.ts';
import { SLA_MS, course } from './testing/course.ts';

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
