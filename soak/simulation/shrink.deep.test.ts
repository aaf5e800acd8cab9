/** A failure that is made smaller by running it. `shrink.test.ts` decides without running what fails. */

import test from 'ava';
import { makeCheckers } from '../guarantee/checkers/index.ts';
import type { Decorations } from './decorations.ts';
import { type Plan, planOf } from './plan.ts';
import { shrink } from './shrink.ts';
import { kindOf, simulate } from './simulate.ts';

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

test('a simulated failure is made smaller by running it', async (t) => {
  const whole = planOf(8, 'edges');
  t.true(await failsTwice(whole));
  const { plan } = await shrink({ plan: whole, fails: failsTwice, triesMax: 40 });
  t.true(plan.faults.length <= 5, JSON.stringify(plan.faults));
  t.true(await failsTwice(plan));
});
