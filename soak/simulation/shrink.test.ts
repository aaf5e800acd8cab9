import test from 'ava';
import { makeCheckers } from '../guarantee/checkers/index.ts';
import type { Decorations } from './decorations.ts';
import { type Plan, planOf } from './plan.ts';
import { shrink } from './shrink.ts';
import { kindOf, simulate } from './simulate.ts';

const TRIES_MAX = 400;

/** A bug that needs two faults, in this order. */
function failsAfter(first: string, second: string): Decorations {
  let seen = 0;
  return {
    history: (event) => {
      if (event.event === 'fault' && event.kind === [first, second][seen]) seen += 1;
      if (seen !== 2) return [event];
      seen += 1;
      return [event, { event: 'violation', atNs: event.atNs, process: 'summer-0', kind: 'leak', detail: 'planted' }];
    },
  };
}

async function failsTwice(plan: Plan): Promise<boolean> {
  const outcome = await simulate(plan, { checkers: makeCheckers(), decorations: failsAfter('crash', 'crash') });
  return kindOf(outcome) === 'leak';
}

function faultsOf(plan: Plan): string[] {
  return plan.faults.map(({ kind }) => kind);
}

test('of all faults the two are left that a planted bug needs, in their order', async (t) => {
  const whole = planOf(3, 'uniform');
  // Pure: the test needs only which faults are left, and running each plan would show no more.
  const fails = (plan: Plan): Promise<boolean> => {
    const kinds = faultsOf(plan);
    const first = kinds.indexOf('takeover');
    return Promise.resolve(first >= 0 && kinds.includes('crash', first));
  };
  t.true(whole.faults.length >= 20 && (await fails(whole)));
  const { plan, tries } = await shrink({ plan: whole, fails, triesMax: TRIES_MAX });
  t.deepEqual(faultsOf(plan), ['takeover', 'crash']);
  t.is(plan.partitions, 1);
  t.is(plan.chunkers.length, 1);
  t.true(tries < TRIES_MAX);
});

test('a plan that fails without any fault loses all of them, and no more tries are made than asked for', async (t) => {
  const whole = planOf(4, 'skewed');
  const always = await shrink({ plan: whole, fails: () => Promise.resolve(true), triesMax: TRIES_MAX });
  t.deepEqual(always.plan.faults, []);
  const never = await shrink({ plan: whole, fails: () => Promise.resolve(false), triesMax: 7 });
  t.deepEqual(never, { plan: whole, tries: 7 });
});

test('a simulated failure is made smaller by running it', async (t) => {
  const whole = planOf(8, 'edges');
  t.true(await failsTwice(whole));
  const { plan } = await shrink({ plan: whole, fails: failsTwice, triesMax: 40 });
  t.true(plan.faults.length <= 5, JSON.stringify(plan.faults));
  t.true(await failsTwice(plan));
});
