/** The metrics of a soak for Prometheus, from the log of the run and from what the sampler sees once a second. */

import type { ProcessUsage } from '../../../src/fleet/process-usage.ts';
import type { Totals } from '../../../src/fleet/meter.ts';
import { LatencyHistogram } from '../../../src/measure/histogram.ts';
import { FaultTallies } from '../../guarantee/fault-tallies.ts';
import type { LogEntry } from '../../guarantee/history-log.ts';
import type { Phase } from '../../guarantee/phase.ts';
import { type Metric, type MetricSample, exposition } from './exposition.ts';

/** Upper ends of the buckets of latencies, seconds. */
export const LATENCY_BOUNDS_S: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];

/** One second of the run. */
export type Second = {
  readonly phase: Phase;
  readonly elapsedMs: number;
  readonly totals: Totals;
  /** The latency of the sums that were verified in this second. */
  readonly latency: LatencyHistogram;
  readonly usage: ReadonlyMap<string, ProcessUsage>;
  readonly diskBytes: number | null;
};

/** The values before the first second. */
const NOTHING: Totals = {
  chunksPublished: 0,
  bytesPublished: 0,
  chunksFolded: 0,
  sumsVerified: 0,
  chunksVerified: 0,
  bytesVerified: 0,
  filesOpen: 0,
  sumsOutstanding: 0,
};

export class SoakMetrics {
  readonly #seed: number;
  readonly #latency = new LatencyHistogram();
  readonly #faults = new FaultTallies();
  /** By kind, how many proofs were contradicted. */
  readonly #refuted = new Map<string, number>();
  #latencySumS = 0;
  #violations = 0;
  #crashes = 0;
  #second: Omit<Second, 'latency'> | null = null;

  constructor(options: { readonly seed: number }) {
    this.#seed = options.seed;
  }

  /** A listener of the history. */
  hear({ event }: LogEntry): void {
    this.#faults.add(event);
    if (event.event === 'fault-refuted') this.#refuted.set(event.kind, (this.#refuted.get(event.kind) ?? 0) + 1);
    if (event.event === 'violation' || event.event === 'found') this.#violations += 1;
    if (event.event === 'crashed') this.#crashes += 1;
  }

  sample({ latency, ...second }: Second): void {
    this.#second = second;
    this.#latency.add(latency);
    this.#latencySumS += (latency.count * (latency.meanNs ?? 0)) / 1e9;
  }

  text(): string {
    return exposition([
      ...this.#ofRun(),
      ...this.#ofFlow(),
      this.#ofLatency(),
      this.#ofFaults(),
      ...this.#ofProcesses(),
    ]);
  }

  #ofRun(): Metric[] {
    const { elapsedMs = 0, phase = 'warm-up' } = this.#second ?? {};
    return [
      counter('violations_total', 'Violations of the guarantee that were found.', this.#violations),
      counter('crashes_total', 'Processes that a signal ended which the run had not sent.', this.#crashes),
      gauge('elapsed_seconds', 'Since the start of the run.', [{ value: elapsedMs / 1e3 }]),
      gauge('info', 'What runs, and in which phase it is.', [
        { value: 1, labels: { seed: String(this.#seed), phase } },
      ]),
    ];
  }

  #ofFlow(): Metric[] {
    const totals = this.#second?.totals ?? NOTHING;
    return [
      counter('chunks_published_total', 'Data chunks that were acknowledged.', totals.chunksPublished),
      counter('bytes_published_total', 'Their bytes.', totals.bytesPublished),
      counter('chunks_folded_total', 'Data chunks that summers have folded.', totals.chunksFolded),
      counter('files_verified_total', 'Files whose one sum was right.', totals.sumsVerified),
      counter('chunks_verified_total', 'Data chunks of these files.', totals.chunksVerified),
      gauge('files_open', 'Files that are being written.', [{ value: totals.filesOpen }]),
      gauge('sums_outstanding', 'Files that have ended and have no sum.', [{ value: totals.sumsOutstanding }]),
    ];
  }

  #ofLatency(): Metric {
    const { count } = this.#latency;
    const counts = this.#latency.countsAtMost(LATENCY_BOUNDS_S.map((bound) => bound * 1e9));
    return {
      name: named('sum_latency_seconds'),
      type: 'histogram',
      help: "From the intended time of a file's end to its verified sum.",
      samples: [
        ...LATENCY_BOUNDS_S.map((bound, index) => bucket(String(bound), counts[index] ?? 0)),
        bucket('+Inf', count),
        { suffix: '_sum', value: this.#latencySumS },
        { suffix: '_count', value: count },
      ],
    };
  }

  /** A counter never falls: a proof that was contradicted still counts as proven, and as refuted too. */
  #ofFaults(): Metric {
    const samples = [...this.#faults.kinds].flatMap(([kind, { begun, proven, healed, recovered }]) => {
      const refuted = this.#refuted.get(kind) ?? 0;
      const counts = {
        injected: begun.size,
        proven: proven.size + refuted,
        refuted,
        healed: healed.size,
        recovered: recovered.size,
      };
      return Object.entries(counts).map(([state, value]) => ({ labels: { kind, state }, value }));
    });
    return { name: named('faults_total'), type: 'counter', help: 'Faults that came so far, by kind.', samples };
  }

  #ofProcesses(): Metric[] {
    const usage = [...(this.#second?.usage ?? [])];
    const by = (read: (of: ProcessUsage) => number | null): MetricSample[] =>
      usage.map(([name, of]) => ({ labels: { process: name }, value: read(of) }));
    return [
      gauge(
        'process_resident_memory_bytes',
        'Resident memory.',
        by(({ rssBytes }) => rssBytes),
      ),
      gauge(
        'process_anonymous_memory_bytes',
        'Resident memory that is of no file.',
        by((of) => of.anonymousBytes),
      ),
      gauge(
        'process_open_descriptors',
        'Open file descriptors.',
        by(({ descriptors }) => descriptors),
      ),
      gauge('disk_bytes', 'What the stores take on disk.', [{ value: this.#second?.diskBytes ?? null }]),
    ];
  }
}

function bucket(le: string, value: number): MetricSample {
  return { suffix: '_bucket', labels: { le }, value };
}

function named(name: string): string {
  return `stream_sum_${name}`;
}

function counter(name: string, help: string, value: number): Metric {
  return { name: named(name), type: 'counter', help, samples: [{ value }] };
}

function gauge(name: string, help: string, samples: readonly MetricSample[]): Metric {
  return { name: named(name), type: 'gauge', help, samples };
}
