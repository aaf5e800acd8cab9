import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import { UsageError } from '../../../src/core/errors.ts';
import { LatencyHistogram } from '../../../src/measure/histogram.ts';
import { CONTENT_TYPE, exposition } from './exposition.ts';
import { MetricsServer } from './metrics-server.ts';
import { LATENCY_BOUNDS_S, SoakMetrics } from './soak-metrics.ts';

/** The lines of the format by its grammar: a comment, or a sample with labels and a value. */
const LABEL = String.raw`[a-z]+="(?:[^"\\\n]|\\[\\"n])*"`;
const SAMPLE = String.raw`[a-z_]+(?:\{${LABEL}(?:,${LABEL})*\})? (?:[+-]Inf|-?[\d.]+(?:e[+-]?\d+)?)`;
const LINE = new RegExp(`^(?:# HELP [a-z_]+ \\S.*|# TYPE [a-z_]+ (?:counter|gauge|histogram)|${SAMPLE})$`);

/** Each sample by its name and labels. */
function samplesOf(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of text.trimEnd().split('\n')) {
    if (!LINE.test(line)) throw new Error(`no line of the format: ${line}`);
    if (line.startsWith('#')) continue;
    const at = line.lastIndexOf(' ');
    const name = line.slice(0, at);
    if (samples.has(name)) throw new Error(`${name} comes twice`);
    samples.set(name, Number(line.slice(at + 1)));
  }
  return samples;
}

const TOTALS = {
  chunksPublished: 50,
  bytesPublished: 1_600,
  chunksFolded: 48,
  sumsVerified: 4,
  chunksVerified: 40,
  bytesVerified: 1_280,
  filesOpen: 3,
  sumsOutstanding: 2,
};

/** The metrics after one second in which four sums were verified and a fault was injected. */
function metrics(): SoakMetrics {
  const made = new SoakMetrics({ seed: 7 });
  const fault = { id: 1, kind: 'kill-broker', target: 'broker', atNs: 1 } as const;
  made.hear({ n: 1, event: { event: 'fault', ...fault } });
  made.hear({ n: 2, event: { event: 'fault-effective', ...fault } });
  const violation = { atNs: 2, process: 'summer-0', kind: 'gap', detail: 'planted' } as const;
  made.hear({ n: 3, event: { event: 'violation', ...violation } });
  const latency = new LatencyHistogram();
  for (const ms of [3, 4, 80, 120_000]) latency.record(ms * 1e6);
  const usage = { rssBytes: 1e8, anonymousBytes: 5e7, descriptors: null, cpuSeconds: 1, writtenBytes: 0 };
  made.sample({
    phase: 'faults',
    elapsedMs: 61_500,
    totals: TOTALS,
    latency,
    usage: new Map([['summer-0', usage]]),
    diskBytes: 4_096,
  });
  return made;
}

test('what a soak has seen is told in the words and numbers of the format', (t) => {
  const samples = samplesOf(metrics().text());
  const of = (name: string): number | undefined => samples.get(`stream_sum_${name}`);
  t.is(of('violations_total'), 1);
  t.is(of('files_verified_total'), 4);
  t.is(of('chunks_published_total'), 50);
  t.is(of('elapsed_seconds'), 61.5);
  t.is(of('info{seed="7",phase="faults"}'), 1);
  t.is(of('faults_total{kind="kill-broker",state="injected"}'), 1);
  t.is(of('faults_total{kind="kill-broker",state="proven"}'), 1);
  t.is(of('faults_total{kind="kill-broker",state="recovered"}'), 0);
  t.is(of('process_resident_memory_bytes{process="summer-0"}'), 1e8);
  // An unknown value is left out; it is not 0.
  t.is(of('process_open_descriptors{process="summer-0"}'), undefined);
  t.is(of('sum_latency_seconds_count'), 4);
  t.is(of('sum_latency_seconds_bucket{le="0.0025"}'), 0);
  t.is(of('sum_latency_seconds_bucket{le="0.005"}'), 2);
  t.is(of('sum_latency_seconds_bucket{le="0.1"}'), 3);
  t.is(of('sum_latency_seconds_bucket{le="60"}'), 3);
  t.is(of('sum_latency_seconds_bucket{le="+Inf"}'), 4);
  t.true(Math.abs((of('sum_latency_seconds_sum') ?? 0) - 120.087) < 0.2);
});

test('no count of faults falls when a proof is contradicted, nor when the fault is drawn again', (t) => {
  const made = metrics();
  const again = { id: 2, kind: 'kill-broker', target: 'broker', atNs: 3 } as const;
  const states = ['injected', 'proven', 'refuted', 'healed', 'recovered'];
  const counts = (): number[] => {
    const samples = samplesOf(made.text());
    return states.map((state) => samples.get(`stream_sum_faults_total{kind="kill-broker",state="${state}"}`) ?? -1);
  };
  t.deepEqual(counts(), [1, 1, 0, 0, 0]);
  made.hear({ n: 4, event: { ...again, event: 'fault-refuted', id: 1 } });
  t.deepEqual(counts(), [1, 1, 1, 0, 0]);
  made.hear({ n: 5, event: { ...again, event: 'fault', insteadOf: 1 } });
  made.hear({ n: 6, event: { ...again, event: 'fault-effective' } });
  t.deepEqual(counts(), [1, 2, 1, 0, 0]);
});

test('latencies of several seconds add up, in buckets that never fall', (t) => {
  const made = metrics();
  const latency = new LatencyHistogram();
  for (let ms = 1; ms <= 2_000; ms += 1) latency.record(ms * 1e6);
  made.sample({ phase: 'heal', elapsedMs: 1, totals: TOTALS, latency, usage: new Map(), diskBytes: null });
  const samples = samplesOf(made.text());
  const buckets = LATENCY_BOUNDS_S.map((le) => samples.get(`stream_sum_sum_latency_seconds_bucket{le="${le}"}`) ?? 0);
  t.deepEqual(
    buckets,
    buckets.toSorted((a, b) => a - b),
  );
  for (const [index, bound] of LATENCY_BOUNDS_S.entries()) {
    const expected = Math.min(2_000, bound * 1e3) + [3, 4, 80, 120_000].filter((ms) => ms <= bound * 1e3).length;
    // Each value has three digits.
    t.true(Math.abs((buckets[index] ?? 0) - expected) <= 1 + expected / 500, `${bound}: ${buckets[index]}`);
  }
  t.is(samples.get('stream_sum_sum_latency_seconds_count'), 2_004);
});

test('labels and help keep their quotes, backslashes and line feeds', (t) => {
  const text = exposition([
    { name: 'a_b', type: 'gauge', help: 'one\ntwo', samples: [{ labels: { x: 'a"b\\c\nd' }, value: Infinity }] },
  ]);
  t.is(text, '# HELP a_b one\\ntwo\n# TYPE a_b gauge\na_b{x="a\\"b\\\\c\\nd"} +Inf\n');
});

test('metrics are scraped over HTTP, on this machine, and under one path', async (t) => {
  const made = metrics();
  const server = await MetricsServer.start(0, () => made.text());
  t.teardown(() => server.close());
  t.regex(server.url, /^http:\/\/127\.0\.0\.1:\d+\/metrics$/);
  const answer = await fetch(server.url);
  t.is(answer.status, 200);
  t.is(answer.headers.get('content-type'), CONTENT_TYPE);
  t.is(samplesOf(await answer.text()).get('stream_sum_violations_total'), 1);
  for (const path of ['', 'x']) t.is((await fetch(server.url.replace('metrics', path))).status, 404);
  t.is((await fetch(server.url, { method: 'POST' })).status, 404);
});

test('a port that is taken is refused in one line', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  t.teardown(() => taken.close());
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  await t.throwsAsync(
    MetricsServer.start(port, () => ''),
    { instanceOf: UsageError, message: /^--metrics-port \d+: .*EADDRINUSE/ },
  );
});
