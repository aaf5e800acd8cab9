import test from 'ava';
import { type Plan, planOf } from './plan.ts';
import { shrink } from './shrink.ts';

const TRIES_MAX = 400;

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
