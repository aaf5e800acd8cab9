/** Schedules that were once judged wrongly, and what must not change a history. `simulate.test.ts` has the rest. */

import test from 'ava';
import { planOf, withoutDepartures, workloadOf } from './plan.ts';
import { kindOf, simulate } from './simulate.ts';

test('whatever part of the log cannot be written, the history is the same', async (t) => {
  const plan = planOf(4, workloadOf(4));
  const written = await simulate({ ...plan, logFailsPart: 0 });
  t.is(written.moments['log line could not be written'] ?? 0, 0);
  for (const logFailsPart of [0.5, 1]) {
    const { digest, moments } = await simulate({ ...plan, logFailsPart });
    t.is(digest, written.digest);
    t.true((moments['log line could not be written'] ?? 0) > 0);
  }
});

test('a summer that is down when the last chunker has drained catches up before it is stopped', async (t) => {
  // Seed 477: the summer is killed in the drain, after all sums, with an end record before it. It was once judged as it
  // lay there.
  const plan = withoutDepartures(planOf(477, workloadOf(477)));
  const { violations, failures, inconclusive } = await simulate(plan);
  t.deepEqual({ violations, failures, inconclusive }, { violations: [], failures: [], inconclusive: [] });
});

test('a fault that a pause keeps from its target until everything heals is not asked for', async (t) => {
  // Seed 20042: the broker is paused from 60 s until the faults end at 82 s; a crash and a restart are planned in
  // between.
  const { violations, failures, inconclusive } = await simulate(planOf(20_042, workloadOf(20_042)));
  t.deepEqual({ violations, failures, inconclusive }, { violations: [], failures: [], inconclusive: [] });
});

test('faults that are never injected leave a schedule that proves nothing', async (t) => {
  const outcome = await simulate(planOf(2, 'uniform'), { decorations: { injects: () => false } });
  t.is(kindOf(outcome), 'inconclusive');
  t.true(outcome.inconclusive.some((line) => line.includes('the fault crash took effect 0 times')));
});
