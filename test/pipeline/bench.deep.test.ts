/** All of the pipeline suite with smoke parameters, on the real processes. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parseBenchOptions } from '../../bench/options.ts';
import { runBench } from '../../bench/run.ts';
import { benchTables } from '../../bench/tables.ts';
import { MAIN, temporaryFolder } from '../../src/cli/testing/test-process.ts';
import { componentLaunch } from '../../src/fleet/component-process.ts';
import { readCsv } from '../../src/results/csv.ts';
import { DEPENDENCIES, SMOKE } from './testing/smoke-bench.ts';

test('every benchmark of the pipeline runs on real processes, and every sum is verified', async (t) => {
  const results = temporaryFolder(t);
  const launch = componentLaunch(MAIN);
  const { folder, files } = await runBench(parseBenchOptions({ ...SMOKE, results }), { ...DEPENDENCIES, launch });
  const samples = readCsv(join(folder, 'samples.csv'));
  t.true(samples.every(({ round }) => round === '3'));
  const metrics = (benchmark: string): Set<string | undefined> =>
    new Set(samples.filter((row) => row['benchmark'] === benchmark && row['value'] !== '').map(({ metric }) => metric));
  for (const benchmark of ['throughput', 'growth']) {
    for (const metric of ['chunks_published_per_s', 'cpu_s_per_million_chunks', 'rss_bytes', 'event_loop_lag_max_s']) {
      t.true(metrics(benchmark).has(metric), `${benchmark} has ${metric}`);
    }
  }
  // A window of a smoke run has so few batches that one which waits at its end leaves p99 without a value.
  t.true(metrics('latency').has('acknowledgement_latency_p50_s'));
  t.true(metrics('recovery').has('recovery_median_s'));
  t.is(samples.filter(({ benchmark }) => benchmark === 'ceiling').length, 4 * 2);
  t.true(readCsv(join(folder, 'latency.csv')).some(({ stage, hdr }) => stage === 'acknowledgement' && hdr !== ''));
  t.is(JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')).verdict, 'HOLDS');
  t.false(existsSync(join(folder, 'data')));
  t.is(benchTables(files.samples, []).filter((line) => line.startsWith('pipeline: ')).length, 5);
});
