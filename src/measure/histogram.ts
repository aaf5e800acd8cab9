/**
 * Latencies in nanoseconds, as an HdrHistogram: three significant digits from one microsecond up, in a fixed few
 * hundred KiB however many values it holds. Deltas of several processes merge without loss; percentiles are never
 * averaged.
 */

import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64, type Histogram } from 'hdr-histogram-js';
import { assert, isCount } from '../core/assert.ts';
import { OperatingError } from '../core/errors.ts';

/** Values below this one share one bucket. */
export const LATENCY_NS_LOWEST: number = 1_000;
/** Greater values are recorded as this value: one week. */
export const LATENCY_NS_HIGHEST: number = 7 * 86_400 * 1e9;

/** The content of a row of latency.csv. Null: there is no such value, or it lies among the censored values. */
export type LatencySummary = {
  readonly count: number;
  readonly minNs: number | null;
  readonly p50Ns: number | null;
  readonly p90Ns: number | null;
  readonly p99Ns: number | null;
  readonly p99_9Ns: number | null;
  readonly p99_99Ns: number | null;
  readonly maxNs: number | null;
};

export class LatencyHistogram {
  readonly #histogram: Histogram = build({
    bitBucketSize: 64,
    // All histograms have one size. When hdr-histogram-js 3.0.1 merges two sizes, it looks for the largest value up to
    // 511 ns above it. That can lie beyond the array, and then counts become NaN.
    autoResize: false,
    lowestDiscernibleValue: LATENCY_NS_LOWEST,
    highestTrackableValue: LATENCY_NS_HIGHEST,
    numberOfSignificantValueDigits: 3,
  });

  get count(): number {
    return this.#histogram.totalCount;
  }

  /** Null when empty. */
  get meanNs(): number | null {
    return this.count === 0 ? null : this.#histogram.mean;
  }

  /** Records the latency `count` times. A negative latency is a bug of the caller. */
  record(latencyNs: number, count: number = 1): void {
    assert(latencyNs >= 0, 'a latency is not negative');
    this.#histogram.recordValueWithCount(Math.min(Math.round(latencyNs), LATENCY_NS_HIGHEST), count);
  }

  add(other: LatencyHistogram): void {
    if (other.count > 0) this.#histogram.add(other.#histogram);
  }

  reset(): void {
    this.#histogram.reset();
  }

  /** HdrHistogram V2 compressed, base64; null when empty. */
  encode(): string | null {
    return this.count === 0 ? null : encodeIntoCompressedBase64(this.#histogram);
  }

  /** Encodes and resets: the values since the last call; null when there are none. */
  take(): string | null {
    const encoded = this.encode();
    if (encoded !== null) this.reset();
    return encoded;
  }

  /** Throws OperatingError ERR_HISTOGRAM when the text is not such an encoding. */
  static decode(encoded: string): LatencyHistogram {
    const histogram = new LatencyHistogram();
    try {
      histogram.#histogram.add(decodeFromCompressedBase64(encoded, 64, false, LATENCY_NS_HIGHEST));
    } catch (cause) {
      throw new OperatingError('ERR_HISTOGRAM', 'malformed latency histogram', { cause });
    }
    return histogram;
  }

  /**
   * The smallest recorded value that `percent` of all values do not exceed, in nanoseconds. The `censored` values count
   * as greater than every recorded value. A rank among them has no value (null), and neither has an empty histogram.
   */
  percentileNs(percent: number, censored: number = 0): number | null {
    assert(isCount(censored), 'censored is a count');
    const count = this.count;
    const rank = Math.max(1, Math.ceil((percent / 100) * (count + censored)));
    return rank > count ? null : this.#histogram.getValueAtPercentile((100 * rank) / count);
  }

  /** How many values are at most each of `boundsNs`, with three exact digits. */
  countsAtMost(boundsNs: readonly number[]): number[] {
    return boundsNs.map((boundNs) => {
      let [within, beyond] = [0, this.count + 1];
      while (beyond - within > 1) {
        const rank = Math.floor((within + beyond) / 2);
        if (this.#histogram.getValueAtPercentile((100 * rank) / this.count) <= boundNs) within = rank;
        else beyond = rank;
      }
      return within;
    });
  }

  summary(censored: number = 0): LatencySummary {
    return {
      count: this.count,
      minNs: this.percentileNs(0),
      p50Ns: this.percentileNs(50, censored),
      p90Ns: this.percentileNs(90, censored),
      p99Ns: this.percentileNs(99, censored),
      p99_9Ns: this.percentileNs(99.9, censored),
      p99_99Ns: this.percentileNs(99.99, censored),
      maxNs: this.percentileNs(100),
    };
  }
}
