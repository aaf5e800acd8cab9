/** A verifier that never comes back. Its pin would keep all sums, while the broker and the summers are killed. */

import test from 'ava';
import { serveBroker } from '../../src/journal/broker/serve.ts';
import { SUMS_JOURNAL } from '../../src/journal/journals.ts';
import type { Decorations } from './decorations.ts';
import { type Plan, planOf } from './plan.ts';
import { kindOf, simulate } from './simulate.ts';

const ABSENT = 'absent';
const PATIENCE_MS = 5_000;

/** Little room for many sums, a short SLA, and a crash every other second, after which each process is soon back. */
function crowded(seed: number): Plan {
  const plan = planOf(seed, 'uniform');
  const chunkers = plan.chunkers.slice(0, 1).map((chunker) => ({
    ...chunker,
    filesOpen: 4,
    chunks: { low: 0, high: 2 },
    rate: 30,
    fileCount: null,
    drainMs: null,
  }));
  const batchBytes = Math.max(...chunkers.map((chunker) => chunker.batchBytes));
  const targets = ['broker', 'chunker-0', 'broker', 'summer-0', 'broker', 'chunker-0', 'broker', 'summer-0'];
  const faults = targets.map((target, id) => {
    const death = { atCall: 0, commit: 'lost', downMs: 300 } as const;
    return { id, atMs: 1_500 + id * 2_000, kind: 'crash', target, when: null, death } as const;
  });
  const times = { warmUpMs: 1_000, faultsMs: 20_000, slaMs: 15_000, drainMs: 30_000 };
  return { ...plan, ...times, chunkers, faults, sumsBytes: Math.max(4 * batchBytes, 8 * 1024) };
}

/** Makes the pin when the broker starts for the first time; nobody ever repeats the pin. */
function withAbsentReader(pinPatienceMs: number, dropped: string[]): Decorations {
  let isMade = false;
  return {
    broker: (options) => ({
      ...options,
      config: { ...options.config, pinPatienceMs },
      onPinDropped: ({ name }) => dropped.push(name),
    }),
    serveBroker: async (options) => {
      const served = await serveBroker(options);
      const sums = served.broker.state.journals.get(SUMS_JOURNAL);
      if (sums !== undefined && !isMade) served.broker.state.pins.make(sums, ABSENT);
      isMade = true;
      return served;
    },
  };
}

test('every broker drops an absent verifier, and every file of the other chunkers is verified', async (t) => {
  for (const seed of [1, 2]) {
    const plan = crowded(seed);
    const dropped: string[] = [];
    const held = await simulate(plan, { decorations: withAbsentReader(PATIENCE_MS, dropped) });
    t.is(kindOf(held), null, JSON.stringify([held.violations, held.failures, held.inconclusive]));
    t.true(held.moments['broker restarted'] > 0);
    // A broker that dies before the next commit drops it again.
    t.deepEqual([...new Set(dropped)], [ABSENT]);
  }
});

test('with a broker that waits for it the same schedule ends in sums that never come', async (t) => {
  const dropped: string[] = [];
  const outcome = await simulate(crowded(1), { decorations: withAbsentReader(600_000, dropped) });
  t.deepEqual(dropped, []);
  t.is(kindOf(outcome), 'lost', JSON.stringify([outcome.violations, outcome.failures, outcome.inconclusive]));
});
