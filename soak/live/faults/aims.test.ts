import test from 'ava';
import type { SeenMoments } from '../../../src/moments/page-layout.ts';
import { plan } from '../testing/injector-world.ts';
import { aimsOf } from './aims.ts';

const BROKER: SeenMoments = {
  component: 'broker',
  pid: 1,
  moments: ['appending', 'in a commit'],
  begun: {
    starting: 1,
    replaying: 0,
    appending: 1,
    folding: 0,
    'in a commit': 1,
    'between a commit and its publication': 0,
  },
};
type Target = { pid: number | null; moments(): SeenMoments | null };
const broker =
  (page: SeenMoments | null, pid: number | null = 1) =>
  (): Target => ({ pid, moments: () => page });
const named = (name: string): Target => broker(name === 'broker' ? BROKER : null)();
const choose = (): 'idle' => 'idle';

test('a run chooses the aim of a fault that stops or kills its target, and repeats that of a plan', (t) => {
  const chosen = aimsOf({ named, choose, isRepeated: false });
  const repeated = aimsOf({ named, choose, isRepeated: true });
  const kill = plan('kill-broker', ['broker']);
  t.is(chosen.aimOf(kill), 'idle');
  t.is(repeated.aimOf(kill), null);
  // One that is drawn again has the aim of the fault that missed.
  for (const aims of [chosen, repeated]) t.is(aims.aimOf({ ...kill, aim: 'in a commit' }), 'in a commit');
});

test('a fault that lets its target go on, and one whose target has no page, have no aim', (t) => {
  const aims = aimsOf({ named, choose, isRepeated: false });
  t.is(aims.aimOf(plan('restart-all', ['broker'])), null);
  t.is(aims.aimOf(plan('kill-summer', ['summer-0'])), null);
  t.is(aims.aimOf({ ...plan('kill-summer', ['summer-0']), aim: 'idle' }), null);
});

test('a target is where one of its moments is the aim, and idle when it has none', (t) => {
  const aims = aimsOf({ named, choose, isRepeated: false });
  const kill = plan('kill-broker', ['broker']);
  t.true(aims.isThere(kill, 'in a commit') && aims.isThere(kill, 'appending'));
  t.false(aims.isThere(kill, 'idle'));
  t.false(aims.isThere(plan('kill-summer', ['summer-0']), 'idle'));
  const idle = aimsOf({ named: broker({ ...BROKER, moments: [] }), choose, isRepeated: false });
  t.true(idle.isThere(kill, 'idle'));
});

test('a page that a former process has left says nothing of the process that runs now', (t) => {
  const kill = { ...plan('kill-broker', ['broker']), aim: 'in a commit' } as const;
  for (const pid of [2, null]) {
    const aims = aimsOf({ named: broker(BROKER, pid), choose, isRepeated: false });
    t.is(aims.aimOf(kill), null);
    t.false(aims.isThere(kill, 'in a commit'));
  }
});
