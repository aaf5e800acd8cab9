import test from 'ava';
import fc from 'fast-check';
import { Prng } from '../../src/core/prng.ts';
import { ViolationError } from '../../src/core/errors.ts';
import { isSteady, type RoundsListener, type RoundsOptions, runRounds, shuffled } from './rounds.ts';
import type { Task } from './task.ts';
import { timedTask } from './timed-task.ts';

const PLAN: RoundsOptions = {
  rounds: 3,
  firstRound: 5,
  warmUpRoundsMax: 0,
  turn: { milliseconds: 0, callsMin: 1 },
  seed: 1,
};

/** A task with given figures; the last figure is repeated. */
function scripted(name: string, figures: readonly number[], changes: Partial<Task> = {}): Task {
  let next = 0;
  return {
    benchmark: name,
    parameters: {},
    warmsUp: true,
    measure: () => {
      const value = figures[Math.min(next, figures.length - 1)] ?? 0;
      next += 1;
      return Promise.resolve({ measurements: [{ metric: 'time_s', unit: 's', better: 'lower', value }] });
    },
    check: () => undefined,
    ...changes,
  };
}

function recorder(): { listener: RoundsListener; outcomes: [string, number, number | null][]; unsteady: string[] } {
  const outcomes: [string, number, number | null][] = [];
  const unsteady: string[] = [];
  const listener: RoundsListener = {
    signal: new AbortController().signal,
    onTurn: () => undefined,
    onOutcome: (task, round, { measurements }) => outcomes.push([task.benchmark, round, measurements[0].value]),
    onUnsteady: (tasks) => unsteady.push(...tasks.map(({ benchmark }) => benchmark)),
  };
  return { listener, outcomes, unsteady };
}

test('every round runs every task once, in an order of its own', async (t) => {
  const names = Array.from({ length: 8 }, (_, index) => `task-${index}`);
  const { listener, outcomes } = recorder();
  await runRounds(
    names.map((name) => scripted(name, [1])),
    PLAN,
    listener,
  );
  const orders = [5, 6, 7].map((round) => outcomes.filter(([, of]) => of === round).map(([name]) => name));
  for (const order of orders)
    t.deepEqual(
      order.toSorted((a, b) => a.localeCompare(b)),
      names,
    );
  t.is(new Set(orders.map((order) => order.join())).size, 3);
});

test('the warm-up of a task ends when it is steady, and it is said when it never is', async (t) => {
  const { listener, outcomes, unsteady } = recorder();
  const tasks = [
    scripted('steady', [9, 3, 2, 2, 2, 7]),
    scripted('unsteady', [1, 2]),
    scripted('wavering', [1, 2, 1, 2, 1, 2, 1, 2, 1, 2]),
    scripted('by itself', [4], { warmsUp: false }),
  ];
  await runRounds(tasks, { ...PLAN, rounds: 1, warmUpRoundsMax: 6 }, listener);
  t.deepEqual(unsteady, ['wavering']);
  t.is(outcomes.find(([name]) => name === 'steady')?.[2], 7);
  t.is(outcomes.find(([name]) => name === 'by itself')?.[2], 4);
});

test('figures are steady when the last three lie within a twentieth', (t) => {
  t.true(isSteady([9, 1, 1.02, 1.05]));
  t.false(isSteady([1, 1.02, 1.06]));
  t.false(isSteady([1, 1]));
  t.false(isSteady([1, Number.NaN, 1]));
});

function wrong(): never {
  throw new ViolationError('mismatched', 'planted');
}

test('a wrong result, found after the last round, is an error', async (t) => {
  const { listener } = recorder();
  const tasks = [scripted('right', [1]), scripted('wrong', [1], { check: wrong })];
  await t.throwsAsync(runRounds(tasks, PLAN, listener), { instanceOf: ViolationError, message: 'planted' });
});

test('shuffling keeps every value, and each can come first', (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer()), fc.nat(), (values, seed) => {
      const order = shuffled(values, Prng.fromSeed(seed));
      t.deepEqual(
        order.toSorted((a, b) => a - b),
        values.toSorted((a, b) => a - b),
      );
    }),
  );
  const firsts = new Set(Array.from({ length: 200 }, (_, seed) => shuffled([1, 2, 3, 4], Prng.fromSeed(seed))[0]));
  t.is(firsts.size, 4);
});

test('a timed task prepares each call, calls nothing more than it counts, and fails with what it runs', async (t) => {
  let prepared = 0;
  let calls = 0;
  const options = { benchmark: 'calls', parameters: {}, metric: 'call_time_s', check: () => undefined };
  const task = timedTask({
    ...options,
    operations: 4,
    prepare: () => {
      prepared += 1;
    },
    run: () => {
      calls += 1;
    },
  });
  const { measurements } = await task.measure({ milliseconds: 0, callsMin: 7 });
  t.deepEqual([prepared, calls], [7, 7]);
  t.true((measurements[0].value ?? 0) > 0);
  const failing = timedTask({
    ...options,
    operations: 1,
    isAsync: true,
    run: () => Promise.reject(new Error('planted')),
  });
  await t.throwsAsync(failing.measure({ milliseconds: 0, callsMin: 1 }), { message: 'planted' });
});

test('after an interrupt no turn begins', async (t) => {
  const { listener, outcomes } = recorder();
  const interrupted = new AbortController();
  const tasks = [scripted('one', [1]), scripted('two', [2])];
  const onOutcome: typeof listener.onOutcome = (...outcome) => {
    listener.onOutcome(...outcome);
    interrupted.abort();
  };
  await t.throwsAsync(runRounds(tasks, PLAN, { ...listener, onOutcome, signal: interrupted.signal }), {
    code: 'ERR_INTERRUPTED',
  });
  t.is(outcomes.length, 1);
});
