import test from 'ava';
import fc from 'fast-check';
import { OperatingError } from '../core/errors.ts';
import { build, encodeIntoCompressedBase64 } from 'hdr-histogram-js';
import { LATENCY_NS_HIGHEST, LATENCY_NS_LOWEST, LatencyHistogram } from './histogram.ts';

const latencies = fc.array(fc.integer({ min: 0, max: 3_600e9 }), { minLength: 1, maxLength: 200 });

function histogramOf(values: readonly number[]): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

test('a percentile is within a thousandth, or a microsecond, of the exact one', (t) => {
  fc.assert(
    fc.property(latencies, fc.constantFrom(0, 50, 90, 99, 100), (values, percent) => {
      const sorted = values.toSorted((a, b) => a - b);
      const exact = sorted[Math.max(1, Math.ceil((percent / 100) * sorted.length)) - 1] ?? 0;
      const found = histogramOf(values).percentileNs(percent) ?? Number.NaN;
      t.true(Math.abs(found - exact) <= Math.max(1_000, exact / 1_000), `${found} for ${exact}`);
    }),
  );
});

test('merging the deltas of two processes is the same as recording into one', (t) => {
  fc.assert(
    fc.property(latencies, latencies, (left, right) => {
      const merged = new LatencyHistogram();
      for (const part of [histogramOf(left), histogramOf(right)]) {
        merged.add(LatencyHistogram.decode(part.encode() ?? ''));
      }
      t.deepEqual(merged.summary(), histogramOf([...left, ...right]).summary());
    }),
  );
});

test('no value is lost in a file, neither at powers of two nor among histograms of other sizes', (t) => {
  for (let exponent = 0; 2 ** exponent < LATENCY_NS_HIGHEST; exponent += 1) {
    for (const value of [2 ** exponent - 1, 2 ** exponent, Math.floor((2 ** exponent * 2047) / 2048)]) {
      const merged = histogramOf([5]);
      merged.add(LatencyHistogram.decode(histogramOf([7e6, value]).encode() ?? ''));
      t.is(merged.count, 3, `${value}`);
      const smaller = build({
        bitBucketSize: 64,
        autoResize: true,
        lowestDiscernibleValue: LATENCY_NS_LOWEST,
        highestTrackableValue: 60e9,
        numberOfSignificantValueDigits: 3,
      });
      smaller.recordValue(value);
      t.is(LatencyHistogram.decode(encodeIntoCompressedBase64(smaller)).count, 1, `${value}, from a smaller one`);
    }
  }
  const highest = histogramOf([LATENCY_NS_HIGHEST * 2]);
  highest.add(LatencyHistogram.decode(highest.encode() ?? ''));
  t.is(highest.count, 2);
});

test('taking resets, so that each delta is counted once', (t) => {
  const histogram = histogramOf([5e6, 6e6]);
  t.is(LatencyHistogram.decode(histogram.take() ?? '').count, 2);
  t.is(histogram.take(), null);
  histogram.record(7e6);
  t.is(LatencyHistogram.decode(histogram.take() ?? '').count, 1);
});

test('an empty histogram has no percentiles, and no zeros either', (t) => {
  t.deepEqual(new LatencyHistogram().summary(3), {
    count: 0,
    minNs: null,
    p50Ns: null,
    p90Ns: null,
    p99Ns: null,
    p99_9Ns: null,
    p99_99Ns: null,
    maxNs: null,
  });
});

test('losing samples never improves a percentile', (t) => {
  const histogram = histogramOf(Array.from({ length: 99 }, (_, index) => (index + 1) * 1e6));
  t.true((histogram.percentileNs(50, 1) ?? 0) >= (histogram.percentileNs(50) ?? 0));
  t.is(histogram.percentileNs(100, 1), null);
  t.is(histogram.percentileNs(99, 100), null);
  fc.assert(
    fc.property(latencies, fc.nat(500), fc.constantFrom(50, 90, 99), (values, censored, percent) => {
      const all = histogramOf(values);
      const found = all.percentileNs(percent, censored);
      t.true(found === null || found >= (all.percentileNs(percent) ?? 0));
    }),
  );
});

test('a latency beyond the highest is recorded as the highest', (t) => {
  const found = histogramOf([LATENCY_NS_HIGHEST * 2]).percentileNs(100) ?? 0;
  t.true(Math.abs(found - LATENCY_NS_HIGHEST) <= LATENCY_NS_HIGHEST / 1_000);
});

test('a text that is no histogram is an operating error', (t) => {
  const whole = histogramOf([1e6, 2e6, 3e9]).encode() ?? '';
  for (const bad of ['', 'abc', 'AAAA', whole.slice(0, 24), `HISTF${whole}`]) {
    t.throws(() => LatencyHistogram.decode(bad), { instanceOf: OperatingError, code: 'ERR_HISTOGRAM' }, bad);
  }
});
