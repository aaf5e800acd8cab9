import test from 'ava';
import { UsageError } from '../src/core/errors.ts';
import { SUITES } from './harness/scales.ts';
import { checkAgainst, parseBenchOptions, roundsOptions } from './options.ts';

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
    t.true(roundsOptions(parseBenchOptions({ ...FLAGS, ...scale }), 'hash').rounds >= 10);
  }
  t.is(roundsOptions(parseBenchOptions(FLAGS), 'pipeline').rounds, 3);
  t.is(roundsOptions(parseBenchOptions({ ...FLAGS, rounds: 7 }), 'pipeline').rounds, 7);
});

test('a benchmark that no suite has is refused before anything is made, even beside one that exists', (t) => {
  const refused = (flags: Parameters<typeof parseBenchOptions>[0], message: RegExp): void => {
    t.throws(() => parseBenchOptions(flags), { instanceOf: UsageError, message });
  };
  refused(
    { ...FLAGS, suite: ['codec'], only: ['generte'] },
    /--only generte: .* suite codec; expected one of generate,/,
  );
  refused({ ...FLAGS, only: ['throughput', 'foo'] }, /--only foo: .* suites hash, pipeline;/);
  refused({ ...FLAGS, quick: true, suite: ['pipeline'], only: ['growth'] }, /--only growth: .* pipeline with --quick;/);
  t.deepEqual(parseBenchOptions({ ...FLAGS, suite: ['pipeline'], only: ['growth'] }).only, ['growth']);
});

test('an engine is measured by the suite pipeline alone, with the benchmarks that it has', (t) => {
  const engine = 'gazette';
  t.is(parseBenchOptions(FLAGS).engine, 'embedded');
  t.like(parseBenchOptions({ ...FLAGS, engine, full: true, bin: 'x' }), { engine, suites: ['pipeline'], bin: 'x' });
  t.deepEqual(parseBenchOptions({ ...FLAGS, engine, quick: true, only: ['recovery'] }).only, ['recovery']);
  for (const [flags, message] of [
    [{ engine, suite: ['all'] }, /--engine gazette: suite hash has no journals/],
    [{ engine, suite: ['pipeline', 'store'] }, /--engine gazette: suite store has no journals/],
    [{ engine, only: ['ceiling'] }, /--only ceiling: .* pipeline with --engine gazette; expected one of throughput,/],
    [{ bin: 'x' }, /--bin needs --engine gazette/],
  ] as const) {
    t.throws(() => parseBenchOptions({ ...FLAGS, ...flags }), { instanceOf: UsageError, message });
  }
});

test('rounds of two builds that could prove nothing are refused before anything is built', (t) => {
  for (const rounds of [1, 4, 5]) {
    t.throws(() => checkAgainst({ rounds }), { instanceOf: UsageError, message: /--rounds \d: .* 6 rounds or more/ });
  }
  t.notThrows(() => checkAgainst({ rounds: 6 }));
  t.notThrows(() => checkAgainst({ rounds: null }));
});
