/** Pins that expire in each kind of absence, and before anything was published. `departures.test.ts` has the rest. */

import test from 'ava';
import { planOf, workloadOf } from './plan.ts';
import { kindOf } from './simulate.ts';
import { planWith, run, why } from './testing/departing.ts';

test('a chunker that was away until its pin was dropped exits 3 and is retired, and another one comes', async (t) => {
  for (const how of ['dead', 'paused', 'cut'] as const) {
    const absence = { kind: 'absence', target: 'chunker-0', how, durationMs: 9_000 } as const;
    const outcome = await run(planWith({ id: 0, atMs: 10_000, ...absence }));
    const { history, moments } = outcome;
    t.is(kindOf(outcome), null, `${how}: ${why(outcome)}`);
    t.is(moments['pin expired in an absence'], 1, how);
    t.is(moments['chunker found its pin gone'], 1, how);
    t.is(moments['chunker retired and replaced'], 1, how);
    const exits = history.flatMap((event) => (event.event === 'ended' && event.exitCode === 3 ? [event.process] : []));
    t.deepEqual(exits, ['chunker-0'], how);
  }
});

test('a chunker whose pin was gone before it had published anything makes way as well', async (t) => {
  // Seed 900058: the command says that no journal knows the producer.
  const outcome = await run(planOf(900_058, workloadOf(900_058)));
  t.is(kindOf(outcome), null, why(outcome));
  const retired = outcome.history.flatMap((event) => (event.event === 'retired' ? [event.producer] : []));
  const published = outcome.history.flatMap((event) =>
    event.event === 'acknowledged' && event.through > 0 ? [event.producer] : [],
  );
  t.true(retired.some((producer) => !published.includes(producer)));
});
