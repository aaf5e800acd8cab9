import test from 'ava';
import type { Store } from '../../src/store/store.ts';
import { prepareSummer } from '../../src/summer/prepare-summer.ts';
import type { Decorations } from './decorations.ts';
import { planOf } from './plan.ts';
import { patchedBroker } from './mutants/patched-broker.ts';
import { kindOf, simulate } from './simulate.ts';
import { whyLines } from './story.ts';

test('the same plan gives the same history, byte for byte, and another seed another one', async (t) => {
  const plan = planOf(5, 'edges');
  const first = await simulate(plan);
  const { digest, events, moments } = await simulate(plan);
  t.is(digest, first.digest);
  t.is(events, first.events);
  t.deepEqual(moments, first.moments);
  t.not((await simulate(planOf(6, 'edges'))).digest, first.digest);
});

test('a plan is plain data, and a copy of it is the same plan', async (t) => {
  const plan = planOf(7, 'skewed');
  t.deepEqual(JSON.parse(JSON.stringify(plan)), plan);
  t.true(plan.faults.length >= 20);
});

test('a process that fails ends the schedule, which says what it was', async (t) => {
  const outcome = await simulate(planOf(2, 'uniform'), {
    decorations: {
      prepareSummer: (options) => {
        options.clock.after(3_000, () => {
          throw new Error('a planted failure');
        });
        return prepareSummer(options);
      },
    },
  });
  t.is(kindOf(outcome), 'failed');
  t.regex(outcome.failures.join(), /summer-\d.* exited unexpectedly with 1 .*a planted failure/);
});

test('a broker that lets a late copy of a raise fence its own summer is found out', async (t) => {
  const decorations = patchedBroker(({ owners }) => {
    const raise = owners.raise.bind(owners);
    owners.raise = (shard, path, options) => raise(shard, path, { ...options, from: owners.shards[shard]?.epoch ?? 0 });
  });
  const { failures } = await simulate(planOf(3, 'uniform'), { decorations });
  t.regex(failures.join(), /summer-\d.* is fenced, but nobody else has raised it/);
});

test('a store that forgets its outbox is found out, and the violation has a witness', async (t) => {
  const decorations: Decorations = {
    summer: (options, { tookEffect }) => ({ ...options, store: withoutOutbox(options.store, tookEffect) }),
  };
  const plan = planOf(1, 'skewed');
  const outcome = await simulate(plan, { decorations });
  t.true(outcome.tookEffect);
  t.true(outcome.violations.length > 0, JSON.stringify(outcome.failures));
  const lines = await whyLines({ seed: 1, plan, decorations: () => decorations });
  t.true(
    lines.some((line) => line.includes('shard')),
    lines.join('\n'),
  );
  t.regex(lines.join('\n'), /the planted bug took effect/);
});

/** A store whose reader finds no finished sums. */
function withoutOutbox(store: Store, tookEffect: () => void): Store {
  return {
    path: store.path,
    get: (table, key) => store.get(table, key),
    keys: (table, range) => store.keys(table, range),
    range: (table, range) => {
      const found = store.range(table, range);
      if (table !== 'outbox' || found.length === 0) return found;
      tookEffect();
      return [];
    },
    commit: (writes) => store.commit(writes),
    diskBytes: () => store.diskBytes(),
    close: () => store.close(),
  };
}
