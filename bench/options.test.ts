import test from 'ava';
import { UsageError } from '../src/core/errors.ts';
import { parseBenchOptions, roundsPlan, SUITES } from './options.ts';

const FLAGS = { firstRound: 1, seed: 1, results: 'results' };

test('hash and pipeline are run unless suites are named, and all of them in full', (t) => {
  t.deepEqual(parseBenchOptions(FLAGS).suites, ['hash', 'pipeline']);
  t.deepEqual(parseBenchOptions({ ...FLAGS, quick: true }).suites, ['hash', 'pipeline']);
  t.deepEqual(parseBenchOptions({ ...FLAGS, full: true }).suites, SUITES);
  t.deepEqual(parseBenchOptions({ ...FLAGS, suite: ['store', 'codec'] }).suites, ['codec', 'store']);
  t.deepEqual(parseBenchOptions({ ...FLAGS, suite: ['all'] }).suites, SUITES);
});

test('a suite that does not exist and two scales are refused in one line', (t) => {
  t.throws(() => parseBenchOptions({ ...FLAGS, suite: ['hsah'] }), { instanceOf: UsageError, message: /hsah.*hash/ });
  const both = { ...FLAGS, quick: true, full: true } as const;
  t.throws(() => parseBenchOptions(both), { instanceOf: UsageError, message: /--quick and --full/ });
});

test('micro-benchmarks have 10 rounds and more, a pipeline fewer, unless they are asked for', (t) => {
  for (const scale of [{}, { quick: true }, { full: true }] as const) {
    t.true(roundsPlan(parseBenchOptions({ ...FLAGS, ...scale }), 'hash').rounds >= 10);
  }
  t.is(roundsPlan(parseBenchOptions(FLAGS), 'pipeline').rounds, 3);
  t.is(roundsPlan(parseBenchOptions({ ...FLAGS, rounds: 7 }), 'pipeline').rounds, 7);
});
