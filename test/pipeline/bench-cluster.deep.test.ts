// The pipeline suite of an engine that is a cluster: over components and a cluster that do no work, and on real
// clusters of Gazette, which takes a minute and more.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { judge } from '../../bench/compare/testing/judging.ts';
import { parseBenchOptions } from '../../bench/options.ts';
import { runBench } from '../../bench/run.ts';
import { benchTables } from '../../bench/tables.ts';
import { findGazetteEngine } from '../../soak/cluster/measured-cluster.ts';
import { MAIN, temporaryFolder } from '../../src/cli/testing/test-process.ts';
import { EXIT, OperatingError } from '../../src/core/errors.ts';
import { componentLaunch } from '../../src/fleet/component-process.ts';
import { readCsv } from '../../src/results/csv.ts';
import { fakeEngine, fakeExample, nameOf, run } from './testing/fake-engine.ts';
import { clusterTest } from './testing/real-cluster.ts';
import { DEPENDENCIES } from './testing/smoke-bench.ts';

const TIMEOUT_MS = 600_000;

function sorted(list: readonly string[]): string[] {
  return list.toSorted((a, b) => a.localeCompare(b));
}

/** Among the parameters of a row. */
function on(replication: number): string {
  return `engine=gazette replication=${replication}`;
}

test('each row names the engine and the replicas, and each pipeline has a separate cluster', async (t) => {
  const { engine, log } = fakeEngine();
  const { folder, files } = await run(t, [], engine);
  const names = readCsv(join(folder, 'samples.csv')).map(({ benchmark, parameters = '' }) =>
    `${benchmark} ${parameters}`.replace(/ process=\S+/, ''),
  );
  const expected = [
    ...[1, 3].flatMap((replication) => [
      `throughput chunk_bytes=32 batch_bytes=1048576 ${on(replication)}`,
      `latency rate=2000 chunk_bytes=32 ${on(replication)}`,
      `recovery fault=kill-summer rate=20000 chunk_bytes=32 ${on(replication)}`,
    ]),
    `recovery fault=kill-broker rate=20000 chunk_bytes=32 ${on(3)}`,
  ];
  t.deepEqual(sorted([...new Set(names)]), sorted(expected));
  t.is(log.filter((line) => line === 'start 1-1-1 for summer-0 chunker-0').length, 3);
  t.is(log.filter((line) => line === 'start 3-3-3 for summer-0 chunker-0').length, 4);
  t.is(log.filter((line) => line === 'stop').length, 7);
  t.is(log.filter((line) => line === 'kill a broker').length, 1);
  const { configuration } = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'));
  t.is(configuration.engine.name, 'gazette');
  t.deepEqual(configuration.engine.programs, { etcd: '00', gazette: '11' });
  t.deepEqual(configuration.engine.clusters[1], { brokers: 3, replication: 3, etcd: 3 });
  t.is(configuration.workload.recovery.slaMs, 90_000);
  t.false(existsSync(join(folder, 'data')));
  const page = readFileSync(join(folder, 'report.html'), 'utf8');
  t.true(page.includes(on(1)) && page.includes(on(3)));
  t.true(benchTables(files.samples, []).some((line) => /CPU-s\/M.*broker.*etcd.*summers/.test(line)));
});

test('a row of an engine is not compared with a row of another, and its runs are with each other', async (t) => {
  const { engine } = fakeEngine();
  const only = ['throughput'];
  const embedded = await run(t, only, null);
  const [first, second] = [await run(t, only, engine), await run(t, only, engine)];
  const different = judge([embedded.folder], [first.folder]);
  t.deepEqual(different.comparison.rows, []);
  t.true(different.comparison.differences.some(({ name }) => name === 'configuration.engine'));
  t.is(different.allowed.exitCode, EXIT.inconclusive, 'also where a gate may compare different configurations');
  const alike = judge([first.folder], [second.folder]);
  t.deepEqual(alike.comparison.differences, []);
  t.true(alike.comparison.rows.length > 0);
  t.true(alike.comparison.rows.every(({ parameters }) => parameters.includes('engine=gazette')));
});

test('without its programs the example of the engine is left out by name', async (t) => {
  const { engine } = fakeEngine();
  const { run: described, files } = await run(t, ['throughput'], engine);
  t.is(described.verdict, 'HOLDS');
  t.true(
    described.remarks?.includes('pipeline throughput program=gazette-example engine=gazette: left out: no program'),
  );
  t.false(files.samples.some(({ parameters }) => parameters.includes('program=')));
  const { files: others } = await run(t, ['recovery'], engine);
  t.false(
    others.remarks.some((line) => line.includes('left out')),
    'a row that nobody asked for is not left out',
  );
});

test('the example of the engine has rows with its own name on each cluster', async (t) => {
  const { example, asked, log } = fakeExample();
  const { files } = await run(t, ['throughput'], fakeEngine({ example }).engine);
  const rows = files.samples.filter(({ parameters }) => parameters.includes('program=gazette-example '));
  for (const replication of [1, 3]) {
    const own = rows.filter(({ parameters }) => parameters.includes(on(replication)));
    const valueOf = (metric: string, process = ''): number =>
      own.find((row) => row.metric === metric && row.parameters.endsWith(process))?.value ?? 0;
    t.true(valueOf('chunks_per_s') > 0);
    t.is(Math.round(valueOf('bytes_per_s') / valueOf('chunks_per_s')), 32);
    for (const process of ['summer-0', 'chunker-0', 'broker-1']) {
      t.true(
        own.some(({ parameters }) => parameters.endsWith(`process=${process}`)),
        process,
      );
    }
    t.true(own.some(({ metric, parameters }) => metric.startsWith('cpu_s') && parameters.endsWith('process=all')));
  }
  t.deepEqual(
    asked.map(({ shape }) => nameOf(shape)).toSorted((a, b) => a.localeCompare(b)),
    ['1-1-1', '3-3-3'],
  );
  t.deepEqual(log, ['stop', 'stop']);
  t.true(asked.every(({ dataFolder }) => !existsSync(dataFolder)));
});

test('a chunker of the example that fails ends the run, which says so, and the example is stopped', async (t) => {
  const { example, log } = fakeExample({ end: 'chunker-0 of the example exited with 1; mis-matched sum!' });
  await t.throwsAsync(run(t, ['throughput'], fakeEngine({ example }).engine), {
    instanceOf: OperatingError,
    message: /exited with 1; mis-matched sum!/,
  });
  t.deepEqual(log, ['stop']);
});

clusterTest('every row of a pipeline on Gazette has a value, with one replica and with three', async (t) => {
  t.timeout(TIMEOUT_MS);
  const flags = { smoke: true, firstRound: 1, seed: 7, results: temporaryFolder(t) } as const;
  const { folder, run: described } = await runBench(parseBenchOptions({ ...flags, engine: 'gazette' }), {
    ...DEPENDENCIES,
    launch: componentLaunch(MAIN),
    engine: await findGazetteEngine(null),
  });
  t.is(described.verdict, 'HOLDS');
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
