import test from 'ava';
import { FaultOverlaps, pairsText } from './fault-overlaps.ts';
import type { Happening } from './history.ts';

const KILL = { id: 1, kind: 'kill-summer', target: 'summer-0' } as const;
const PAUSE = { id: 2, kind: 'pause-broker', target: 'broker' } as const;
const CUT = { id: 3, kind: 'partition-drop', target: 'chunker-0' } as const;

type Step = 'effective' | 'refuted' | 'healed' | 'missed';

function step(fault: { readonly id: number; readonly kind: string; readonly target: string }, what: Step): Happening {
  return { event: `fault-${what}`, ...fault };
}

function ready(process: string): Happening {
  const said = { event: 'ready', component: 'summer', pid: 2, shards: [0], epochs: [1] } as const;
  return { event: 'said', process, said };
}

function overlaps(...happenings: readonly Happening[]): Record<string, number> {
  const made = new FaultOverlaps();
  for (const happening of happenings) made.add({ atNs: 1, ...happening });
  return Object.fromEntries(made.pairs);
}

test('faults were open together when each was seen to hit before the other was seen to be over', (t) => {
  t.deepEqual(overlaps(step(KILL, 'effective'), step(PAUSE, 'effective')), { 'kill+pause': 1 });
  t.deepEqual(overlaps(step(KILL, 'effective'), step(KILL, 'healed'), step(PAUSE, 'effective')), {});
  // An upgrade is proven and over at once.
  const upgrade = { id: 4, kind: 'downgrade-chunker', target: 'chunker-1' };
  t.deepEqual(
    overlaps(step(PAUSE, 'effective'), step(upgrade, 'effective'), step(upgrade, 'healed'), step(PAUSE, 'healed')),
    { 'pause+upgrade': 1 },
  );
});

test('three faults are three pairs, and a fault whose proof was contradicted was open with nobody', (t) => {
  const all = [step(KILL, 'effective'), step(PAUSE, 'effective'), step(CUT, 'effective')];
  t.deepEqual(overlaps(...all), { 'kill+pause': 1, 'kill+partition': 1, 'partition+pause': 1 });
  t.deepEqual(overlaps(...all, step(KILL, 'healed'), step(PAUSE, 'refuted'), step(PAUSE, 'missed')), {
    'kill+partition': 1,
  });
});

test('a kill is over when what it killed is ready again, whatever is told of its healing', (t) => {
  const two = { id: 5, kind: 'kill-all-summers', target: 'summer-0 summer-1' };
  t.deepEqual(overlaps(step(KILL, 'effective'), ready('summer-0'), step(PAUSE, 'effective')), {});
  t.deepEqual(overlaps(step(two, 'effective'), ready('summer-0'), step(PAUSE, 'effective')), { 'kill+pause': 1 });
  t.deepEqual(overlaps(step(two, 'effective'), ready('summer-0'), ready('summer-1'), step(PAUSE, 'effective')), {});
  t.deepEqual(overlaps(step(KILL, 'effective'), ready('chunker-0'), step(PAUSE, 'effective')), { 'kill+pause': 1 });
});

test('what was ready again before the kill was seen to hit all of its targets is not down', (t) => {
  const two = { id: 5, kind: 'kill-all-summers', target: 'summer-0 summer-1' };
  const injected = { event: 'fault', ...two } as const;
  const hit = [injected, ready('summer-0'), step(two, 'effective')];
  t.deepEqual(overlaps(...hit, step(PAUSE, 'effective')), { 'kill+pause': 1 });
  t.deepEqual(overlaps(...hit, ready('summer-1'), step(PAUSE, 'effective')), {});
  t.deepEqual(
    overlaps(injected, ready('summer-0'), ready('summer-1'), step(two, 'effective'), step(PAUSE, 'effective')),
    {},
  );
});

test('pairs are told with the most frequent first', (t) => {
  const made = new FaultOverlaps();
  const others = [step({ ...KILL, id: 6 }, 'effective'), step(CUT, 'effective')];
  for (const happening of [step(PAUSE, 'effective'), step(KILL, 'effective'), ready('summer-0'), ...others])
    made.add({ atNs: 1, ...happening });
  t.is(made.total, 4);
  t.is(pairsText(made.pairs), 'kill+pause 2, kill+partition 1, partition+pause 1');
});
