/** Chunkers that are retired, and chunkers whose pins expire: what is done, what they do, and who finds out. */

import test from 'ava';
import { Prng } from '../../src/core/prng.ts';
import { serveBroker } from '../../src/journal/broker/serve.ts';
import { type Departure, NEVER_EXPIRES_MS, retirement } from './departures.ts';
import { type Plan, planOf, workloadOf } from './plan.ts';
import { kindOf, simulate } from './simulate.ts';
import { planWith, run, why } from './testing/departing.ts';

const PLANS = 1_000;

test('three plans in ten retire a chunker, one in five lets a pin expire, and no other pin expires', (t) => {
  const plans = Array.from({ length: PLANS }, (_, seed) => planOf(seed, workloadOf(seed)));
  const having = (kind: Departure['kind']): Plan[] =>
    plans.filter(({ faults }) => faults.some((fault) => fault.kind === kind));
  const [retiring, expiring] = [having('retire'), having('absence')];
  t.true(retiring.length > 0.25 * PLANS && retiring.length < 0.35 * PLANS, `${retiring.length}`);
  t.true(expiring.length > 0.15 * PLANS && expiring.length < 0.25 * PLANS, `${expiring.length}`);
  for (const plan of plans) t.is(plan.pinAbsenceMs < NEVER_EXPIRES_MS, expiring.includes(plan));
});

test('whether a chunker is dead, stopped or running when it is retired, another one takes its place', async (t) => {
  for (const old of ['dead', 'paused', 'running'] as const) {
    const fault = { id: 0, ...retirement(Prng.fromSeed(2), 'chunker-0', 10_000), old, runs: 2, dies: 5 };
    const outcome = await run(planWith(fault));
    const { history, moments } = outcome;
    t.is(kindOf(outcome), null, `${old}: ${why(outcome)}`);
    t.is(moments['chunker retired and replaced'], 1, old);
    t.is(moments['retirement broken off, and begun again'], 1, old);
    const heard = history.some((event) => event.event === 'ended' && event.exitCode === 12);
    t.is(heard, old !== 'dead', old);
    const producers = history.flatMap((event) => (event.event === 'producer' ? [event.producer] : []));
    t.is(new Set(producers).size, 2, old);
    const retired = history.flatMap((event) => (event.event === 'retired' ? [event.producer] : []));
    t.deepEqual(retired, producers.slice(0, 1), old);
    const drained = history.flatMap((event) => (event.event === 'drained' ? [event.producer] : []));
    t.deepEqual(drained, producers.slice(1), old);
  }
});

test('a chunker that is back in time keeps its pin', async (t) => {
  const absence = { kind: 'absence', target: 'chunker-0', how: 'paused', durationMs: 4_000 } as const;
  const outcome = await run(planWith({ id: 0, atMs: 10_000, ...absence }));
  t.is(kindOf(outcome), null, why(outcome));
  t.is(outcome.moments['pin expired in an absence'], 0);
  t.is(outcome.moments['chunker retired and replaced'], 0);
});

test('a chunker that loses its pin although it was there has failed', async (t) => {
  const outcome = await simulate(planWith(), {
    decorations: {
      serveBroker: async (options) => {
        const served = await serveBroker(options);
        const { state } = served.broker;
        options.clock.after(5_000, () => {
          for (const journal of state.journals.values()) {
            if (journal.kind === 'sums') for (const name of journal.pins.keys()) state.pins.release(journal, name);
          }
        });
        return served;
      },
    },
  });
  t.regex(outcome.failures.join(), /chunker-0: .* exited unexpectedly with 3 /);
});
