import test from 'ava';
import type { Sample } from '../src/results/samples.ts';
import { rowsOf } from './rows.ts';
import { benchTables } from './tables.ts';

const CHUNK_TIME = {
  suite: 'hash',
  benchmark: 'sliced-chunks',
  metric: 'chunk_time_s',
  unit: 's',
  better: 'lower',
} as const;
const LATENCY = {
  suite: 'pipeline',
  benchmark: 'latency',
  parameters: 'rate=2000',
  unit: 's',
  better: 'lower',
} as const;

function chunkTimes(contender: string, chunkBytes: number, values: readonly (number | null)[]): Sample[] {
  const parameters = `contender=${contender} files=1000 chunk_bytes=${chunkBytes}`;
  return values.map((value, index) => ({ ...CHUNK_TIME, parameters, round: index + 1, value }));
}

function latency(metric: string, value: number): Sample {
  return { ...LATENCY, metric, round: 1, value };
}

function latencyTable(lag: number): string {
  return benchTables([latency('sum_latency_p99_s', 0.02), latency('schedule_lag_p99_s', lag)], []).join('\n');
}

test('a row is the median of its rounds, and has none where a round has no value', (t) => {
  const rows = rowsOf([...chunkTimes('a', 32, [3, null, 1]), ...chunkTimes('b', 32, [null])]);
  t.deepEqual(
    rows.map(({ median, values }) => [median, values]),
    [
      [null, [1, 3]],
      [null, []],
    ],
  );
});

test('rows are in the order of their names, numbers by value', (t) => {
  const rows = rowsOf([65_536, 32, 1024].flatMap((bytes) => chunkTimes('a', bytes, [1])));
  t.deepEqual(
    rows.map(({ parameters }) => parameters.split('=').at(-1)),
    ['32', '1024', '65536'],
  );
});

test('contenders stand beside each other, with ratios of the medians', (t) => {
  const samples = [
    ...chunkTimes('node:crypto', 32, [90e-9, 100e-9, 110e-9]),
    ...chunkTimes('stream-sum', 32, [40e-9, 25e-9, 24e-9]),
    ...chunkTimes('stream-sum', 1024, [1e-6]),
  ];
  const text = benchTables(samples, []).join('\n');
  t.regex(text, /node:crypto +100 ns +-\n/);
  t.regex(text, /stream-sum +25 ns +1 us\n/);
  t.regex(text, /faster than node:crypto by +4\.00x +-\n/);
});

test('a latency whose schedule lagged too far is marked', (t) => {
  t.false(latencyTable(0.004).includes('not to be trusted'));
  t.true(latencyTable(0.0051).includes('not to be trusted'));
});

test('remarks are shown, long ones cut, and many counted', (t) => {
  const lines = benchTables(
    [],
    Array.from({ length: 22 }, (_, index) => `remark ${index}`),
  );
  t.true(lines.includes('  and 2 more in run.json'));
  t.true(benchTables([], ['x'.repeat(500)]).every((line) => line.length < 200));
});
