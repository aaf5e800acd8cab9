import test from 'ava';
import { LatencyHistogram } from '../../src/measure/histogram.ts';
import type { FlowWindow } from './flow-window.ts';
import { distrust, flowMeasurements, latencyMeasurements, steadinessRemarks, unjudged } from './measurements.ts';

function histogramOf(...values: readonly number[]): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (const latencyNs of values) histogram.record(latencyNs);
  return histogram;
}

const WINDOW: FlowWindow = {
  seconds: 2,
  counts: {
    chunksPublished: 4_000_000,
    bytesPublished: 128_000_000,
    chunksFolded: 3_600_000,
    sumsVerified: 0,
    chunksVerified: 4_900_000,
    bytesVerified: 156_800_000,
    filesOpen: 0,
    sumsOutstanding: 0,
  },
  cpuSeconds: new Map([
    ['broker', 1],
    ['summer-0', 2],
  ]),
  writtenBytes: 384_000_000,
  journalGrowthBytes: 64_000_000,
  rssBytes: new Map([['broker', 1e8]]),
  eventLoopLagNs: new Map([['broker', 2e6]]),
  sum: histogramOf(1e6, 2e6, 3e6),
  acknowledgement: histogramOf(1e6),
  scheduleLag: histogramOf(5e5),
  censoredSums: 0,
  censoredAcknowledgements: 0,
  steadiness: { foldedPart: 1, verifiedPart: 1, generations: 3, looks: 9, reusesPages: true },
};

function value(metric: string, process?: string): number | null | undefined {
  return flowMeasurements(WINDOW).find((one) => one.metric === metric && one.process === process)?.value;
}

function p99(censoredSums: number): number | null | undefined {
  const measurements = latencyMeasurements({ ...WINDOW, censoredSums });
  return measurements.find(({ metric }) => metric === 'sum_latency_p99_s')?.value;
}

test('throughput counts what was published and folded in the window, and not whose sums were verified', (t) => {
  t.is(value('chunks_per_s'), 1_800_000);
  t.is(value('bytes_per_s'), 57_600_000);
  t.is(value('chunks_published_per_s'), 2_000_000);
  t.is(value('chunks_verified_per_s'), 2_450_000);
  const counts = { ...WINDOW.counts, chunksFolded: 5_000_000 };
  const [rate] = flowMeasurements({ ...WINDOW, counts });
  t.is(rate.value, 2_000_000, 'what was published before the window and folded in it does not count');
});

test('nothing is judged by the chunks of verified files', (t) => {
  t.is(flowMeasurements(WINDOW).find(({ metric }) => metric === 'chunks_verified_per_s')?.better, 'none');
});

test('costs count by published chunks', (t) => {
  t.is(value('cpu_s_per_million_chunks', 'broker'), 0.25);
  t.is(value('cpu_s_per_million_chunks', 'all'), 0.75);
  t.is(value('written_bytes_per_payload_byte'), 3);
  t.is(value('journal_growth_per_payload_byte'), 0.5);
  t.is(value('event_loop_lag_max_s', 'broker'), 0.002);
});

test('without any flow, costs are missing and not infinite', (t) => {
  const counts = { ...WINDOW.counts, chunksPublished: 0, bytesPublished: 0 };
  const measurements = flowMeasurements({ ...WINDOW, counts });
  t.is(measurements.find(({ metric }) => metric === 'cpu_s_per_million_chunks')?.value, null);
  t.is(measurements.find(({ metric }) => metric === 'written_bytes_per_payload_byte')?.value, null);
});

test('sums whose latency is not known push percentiles up, not down', (t) => {
  t.is(p99(0), 0.003);
  t.is(p99(1), null);
});

test('a latency whose schedule lagged by 5 ms, or by a quarter of it, is not to be trusted', (t) => {
  t.is(distrust(4.9e6, 20e6), null);
  t.regex(distrust(5.1e6, 100e6) ?? '', /5\.10 ms \(p99\), more than 5 ms/);
  t.regex(distrust(3e6, 10e6) ?? '', /more than a quarter of the latency's p99 of 10\.0 ms/);
  t.regex(distrust(null, 10e6) ?? '', /lag of the schedule is unknown/);
  t.is(distrust(1e6, null), null);
});

test('batches that were not acknowledged push percentiles up, not down', (t) => {
  const measurements = latencyMeasurements({ ...WINDOW, censoredAcknowledgements: 1 });
  t.is(measurements.find(({ metric }) => metric === 'acknowledgement_latency_p99_s')?.value, null);
});

test('it is said whether the journal reused its pages, and when the row was never steady', (t) => {
  const steady = WINDOW.steadiness;
  const [reused, ...others] = steadinessRemarks(steady, steady);
  t.regex(reused ?? '', /reused its pages/);
  t.deepEqual(others, []);
  const [grew, unsteady] = steadinessRemarks({ ...steady, reusesPages: false }, { ...steady, verifiedPart: 1.23 });
  t.regex(grew ?? '', /still grew/);
  t.regex(unsteady ?? '', /^never steady: .* 3\.0 generations .* 1\.23 times as many verified$/);
});

test('figures for information are the same figures, of which nothing is better', (t) => {
  const [found, shown] = [flowMeasurements(WINDOW), unjudged(flowMeasurements(WINDOW))];
  t.deepEqual(
    shown,
    found.map((one) => ({ ...one, better: 'none' })),
  );
});
