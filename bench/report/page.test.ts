import { tmpdir } from 'node:os';
import test from 'ava';
import { readEnvironment } from '../../src/results/environment.ts';
import { LatencyHistogram } from '../../src/measure/histogram.ts';
import { latencyRow } from '../../src/results/latency-row.ts';
import { RUN_SCHEMA_VERSION, type RunFile } from '../../src/results/run-folder.ts';
import type { Sample } from '../../src/results/samples.ts';
import { figuresOf } from '../../src/report/figures.ts';
import { foreignParts } from '../../src/report/testing/foreign.ts';
import { chartsOf } from './charts.ts';
import { reportPage } from './page.ts';

const RUN: RunFile = {
  schemaVersion: RUN_SCHEMA_VERSION,
  kind: 'bench',
  commandLine: ['bench', '--only', '<script>'],
  configuration: {},
  seed: 1,
  commit: 'c0ffee',
  dirty: false,
  environment: readEnvironment(tmpdir(), { zeromq: null, libzmq: null, lmdb: null, addonBackend: null }),
  startedAt: '2026-11-23T00:00:00.000Z',
  endedAt: null,
  verdict: 'HOLDS',
  exitCode: 0,
  reasons: [],
  remarks: ['a remark with <b>'],
  digests: {},
};

function sample(benchmark: string, parameters: string, metric: string, value: number): Sample {
  return { suite: 'pipeline', benchmark, parameters, metric, unit: 's', better: 'lower', round: 1, value };
}

const SAMPLES: readonly Sample[] = [
  sample('throughput', 'chunk_bytes=32', 'bytes_per_s', 6e7),
  sample('ceiling', 'part=hashing chunk_bytes=32', 'bytes_per_s', 9e8),
  sample('throughput', 'chunk_bytes=32 process=broker', 'cpu_s_per_million_chunks', 0.2),
  sample('throughput', 'chunk_bytes=32 process=all', 'cpu_s_per_million_chunks', 0.8),
  sample('recovery', 'fault=kill-broker', 'recovery_median_s', 0.4),
  ...[100, 100_000].map((files) =>
    sample('growth', `files=${files} chunk_bytes=32 process=all`, 'cpu_s_per_million_chunks', files / 1e5),
  ),
];

test('the page needs nothing else: no script, no style, no picture from elsewhere', (t) => {
  const page = reportPage({ run: RUN, samples: SAMPLES, latencies: [] });
  t.deepEqual(
    figuresOf(page).map(({ chart }) => chart),
    JSON.parse(JSON.stringify(chartsOf(SAMPLES, []))),
  );
  t.deepEqual(foreignParts(page), []);
  t.true(page.includes('a remark with &lt;b&gt;') && page.includes('--only &lt;script&gt;'));
});

test('each part of the pipeline that was measured has its chart', (t) => {
  const histogram = new LatencyHistogram();
  for (let ms = 1; ms <= 100; ms += 1) histogram.record(ms * 1e6);
  const rows = [1, 2].map(() => latencyRow({ phase: 'latency rate=2000', stage: 'sum' }, histogram, 0));
  const charts = chartsOf(SAMPLES, rows);
  t.deepEqual(
    charts.map(({ title }) => title.split(/[,;]/)[0]),
    [
      'Throughput',
      'CPU time by process',
      'Latency of sums',
      'Recovery',
      'Growth by files: CPU-seconds for a million chunks',
      'Growth by files: chunks a second',
    ],
  );
  const [latency] = charts.filter(({ title }) => title.startsWith('Latency'));
  const p99 = latency?.series[0]?.values.find((value) => Array.isArray(value) && Math.round(value[0]) === 100);
  t.true(Array.isArray(p99) && Math.abs(p99[1] - 0.099) < 0.001);
});

test('percentiles that fall among censored sums are not drawn', (t) => {
  const histogram = new LatencyHistogram();
  histogram.record(1e6);
  const [chart] = chartsOf([], [latencyRow({ phase: 'latency rate=2000', stage: 'sum' }, histogram, 1)]);
  t.is(chart?.series[0]?.values.length, 2);
});
