import test from 'ava';
import fc from 'fast-check';
import { LatencyHistogram } from '../../src/measure/histogram.ts';
import { flowWindow, type FlowWindow, type Mark, type Recorded } from './flow-window.ts';
import { latencyMeasurements } from './measurements.ts';

const STEADY = { foldedPart: 1, verifiedPart: 1, generations: 3, looks: 9, reusesPages: true };

function markAt(seconds: number, { sums = 0, batches = 0 } = {}): Mark {
  return {
    atNs: seconds * 1e9,
    totals: {
      chunksPublished: 0,
      bytesPublished: 0,
      chunksFolded: 0,
      sumsVerified: 0,
      chunksVerified: 0,
      bytesVerified: 0,
      filesOpen: 0,
      sumsOutstanding: sums,
    },
    batchesUnderWay: batches,
    cpuSeconds: new Map([['broker', seconds]]),
    writtenBytes: new Map(),
    brokerDiskBytes: 0,
  };
}

function recordedOf(sums: number, latencyNs = 3e6): Recorded {
  const [sum, acknowledgement] = [new LatencyHistogram(), new LatencyHistogram()];
  if (sums > 0) sum.record(latencyNs, sums);
  if (sums > 0) acknowledgement.record(latencyNs, sums);
  const none = { rssBytes: new Map<string, number>(), eventLoopLagNs: new Map<string, number>() };
  return { ...none, sum, acknowledgement, scheduleLag: new LatencyHistogram(), censoredSums: 0 };
}

function windowOf(begin: Mark, end: Mark, recorded: Recorded): FlowWindow {
  return flowWindow([begin, end], recorded, { processes: 1, steadiness: STEADY });
}

function valueOf(window: FlowWindow, metric: string): number | null | undefined {
  return latencyMeasurements(window).find((one) => one.metric === metric)?.value;
}

test('sums that are stuck when a window ends count as slower than all that came', (t) => {
  const stuck = windowOf(markAt(0), markAt(6, { sums: 100_000 }), recordedOf(100));
  t.is(stuck.censoredSums, 100_000);
  t.is(valueOf(stuck, 'sum_latency_p50_s'), null);
  t.is(valueOf(stuck, 'sum_latency_p99_9_s'), null);
  const few = windowOf(markAt(0), markAt(6, { sums: 1 }), recordedOf(100));
  t.is(valueOf(few, 'sum_latency_p50_s'), 0.003);
  t.is(valueOf(few, 'sum_latency_p99_9_s'), null);
});

test('what waited when the window began, and as much of it at its end, is of the windows before', (t) => {
  const window = windowOf(markAt(0, { sums: 40, batches: 3 }), markAt(6, { sums: 40, batches: 2 }), recordedOf(100));
  t.deepEqual([window.censoredSums, window.censoredAcknowledgements], [0, 0]);
  t.is(valueOf(window, 'sum_latency_p99_9_s'), 0.003);
});

test('batches that are under way beyond those of the begin have no acknowledgement yet', (t) => {
  const window = windowOf(markAt(0, { batches: 1 }), markAt(6, { batches: 5 }), recordedOf(100));
  t.is(window.censoredAcknowledgements, 4);
  t.is(valueOf(window, 'acknowledgement_latency_p50_s'), 0.003);
  t.is(valueOf(window, 'acknowledgement_latency_p99_s'), null);
});

test('leaving sums stuck never makes a percentile better', (t) => {
  fc.assert(
    fc.property(fc.nat({ max: 200 }), fc.nat({ max: 200 }), fc.nat({ max: 50 }), (came, stuck, before) => {
      const whole = windowOf(markAt(0, { sums: before }), markAt(1, { sums: before }), recordedOf(came + stuck));
      const some = windowOf(markAt(0, { sums: before }), markAt(1, { sums: before + stuck }), recordedOf(came));
      for (const metric of ['sum_latency_p50_s', 'sum_latency_p99_s', 'sum_latency_p99_9_s']) {
        const [all, left] = [valueOf(whole, metric), valueOf(some, metric)];
        t.true(left === null || left === all, `${metric}: ${all} ${left}`);
      }
    }),
  );
});
