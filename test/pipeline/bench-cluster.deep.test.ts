// The pipeline suite on real clusters of Gazette, with smoke parameters. Takes a minute and more.

import { join } from 'node:path';
import { parseBenchOptions } from '../../bench/options.ts';
import { runBench } from '../../bench/run.ts';
import { findGazetteEngine } from '../../soak/cluster/measured-cluster.ts';
import { temporaryFolder } from '../../src/cli/testing/test-process.ts';
import { componentLaunch } from '../../src/fleet/component-process.ts';
import { readCsv } from '../../src/results/csv.ts';
import { clusterTest } from './testing/real-cluster.ts';

const MAIN = join(import.meta.dirname, '../../src/cli/main.js');
const TIMEOUT_MS = 600_000;

clusterTest('every row of a pipeline on Gazette has a value, with one replica and with three', async (t) => {
  t.timeout(TIMEOUT_MS);
  const flags = { smoke: true, firstRound: 1, seed: 7, results: temporaryFolder(t) } as const;
  const { folder, run } = await runBench(parseBenchOptions({ ...flags, engine: 'gazette' }), {
    launch: componentLaunch(MAIN),
    progress: { update: () => undefined, say: () => undefined, done: () => undefined },
    versions: { zeromq: null, libzmq: null, lmdb: null, addonBackend: null },
    sourceRoot: '/',
    signal: new AbortController().signal,
    commandLine: ['bench'],
    engine: await findGazetteEngine(null),
  });
  t.is(run.verdict, 'HOLDS');
  const samples = readCsv(join(folder, 'samples.csv'));
  const has = (benchmark: string, metric: string, parameter: string): boolean =>
    samples.some(
      (row) =>
        row['benchmark'] === benchmark &&
        row['metric'] === metric &&
        ` ${row['parameters']} `.includes(` ${parameter} `) &&
        row['value'] !== '',
    );
  for (const replication of ['replication=1', 'replication=3']) {
    t.true(has('throughput', 'chunks_per_s', replication), replication);
    t.true(has('throughput', 'cpu_s_per_million_chunks', replication), replication);
    // The window has so few batches that one which waits at its end leaves p99 without a value.
    t.true(has('latency', 'acknowledgement_latency_p50_s', replication), replication);
    t.true(has('recovery', 'recovery_median_s', replication), replication);
  }
  for (const member of ['broker-3', 'etcd-3', 'summer-0', 'chunker-0', 'all']) {
    t.true(has('throughput', 'cpu_s_per_million_chunks', `process=${member}`), member);
  }
  t.true(has('recovery', 'recovery_median_s', 'fault=kill-broker'));
});
