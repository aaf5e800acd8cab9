import test from 'ava';
import { LatencyHistogram } from '../../src/measure/histogram.ts';
import { compareLatencies } from './latency.ts';
import { loadRun } from './loading.ts';
import { noisyRows, temporaryFolder, writeRun } from './testing/run-folders.ts';

const MS = 1e6;

test('histograms of a side are merged, and percentiles are those of all values', async (t) => {
  const results = temporaryFolder(t);
  // 99 % of the values are in the fast run. The mean of the two medians would be 50 times too great.
  const fast = Array.from({ length: 990 }, () => MS);
  const slow = Array.from({ length: 10 }, () => 101 * MS);
  const write = (name: string, latenciesNs: readonly number[], censored: number): Promise<string> =>
    writeRun(results, name, {
      samples: noisyRows({ seed: 1 }),
      latency: [{ phase: 'steady', stage: 'sum', censored, latenciesNs }],
    });
  const old = [await write('a', fast, 0), await write('b', slow, 0)].map(loadRun);
  const next = [await write('c', [...fast, ...slow], 0)].map(loadRun);
  const { rows, problems } = compareLatencies(old, next);
  t.deepEqual(problems, []);
  t.is(rows[0]?.name, 'steady sum');
  t.deepEqual(rows[0]?.old, rows[0]?.new);
  t.true(Math.abs((rows[0]?.old.p50Ns ?? 0) - MS) < MS / 500);
});

test('censored values of all runs push percentiles up, and a rank among them has no value', async (t) => {
  const results = temporaryFolder(t);
  const values = Array.from({ length: 100 }, (_, index) => (index + 1) * MS);
  const write = (name: string, censored: number | null): Promise<string> =>
    writeRun(results, name, {
      samples: noisyRows({ seed: 1 }),
      latency: [{ phase: 'faults', stage: 'sum', censored, latenciesNs: values }],
    });
  const old = [await write('a', null)].map(loadRun);
  const next = [await write('b', 5), await write('c', 5)].map(loadRun);
  const [row] = compareLatencies(old, next).rows;
  t.is(row?.old.censored, null);
  t.is(row?.new.censored, 10);
  const merged = LatencyHistogram.decode(old[0]?.latency[0]?.['hdr'] ?? '');
  merged.add(LatencyHistogram.decode(old[0]?.latency[0]?.['hdr'] ?? ''));
  t.is(row?.new.p90Ns, merged.percentileNs(90, 10));
  t.is(row?.new.p99Ns, null);
  t.not(row?.old.p99Ns, null);
});

test('a stage in which nothing was measured on either side is left out', async (t) => {
  const results = temporaryFolder(t);
  const empty = [{ phase: 'audit', stage: 'sum', censored: 0, latenciesNs: [] }];
  const write = (name: string): Promise<string> =>
    writeRun(results, name, { samples: noisyRows({ seed: 1 }), latency: empty });
  const found = compareLatencies([loadRun(await write('a'))], [loadRun(await write('b'))]);
  t.deepEqual(found, { rows: [], problems: [] });
});
