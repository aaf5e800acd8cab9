/** Run folders on disk, as a bench or a soak writes them, for tests. */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Prng } from '../../../src/core/prng.ts';
import { CsvFile } from '../../../src/results/csv.ts';
import { LatencyHistogram } from '../../../src/measure/histogram.ts';
import { digestFiles, RUN_SCHEMA_VERSION, type RunFile, writeRunFile } from '../../../src/results/run-folder.ts';
import { SAMPLE_COLUMNS, type Sample } from '../../../src/results/samples.ts';

/** The part of a test's context that is used here. */
export type Teardown = { teardown(call: () => void): void };

/** A new folder, which is removed when the test has ended. */
export function temporaryFolder(t: Teardown): string {
  const folder = mkdtempSync(join(tmpdir(), 'stream-sum-compare-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return folder;
}

export type LatencyValues = {
  readonly phase: string;
  readonly stage: string;
  readonly censored: number | null;
  readonly latenciesNs: readonly number[];
};

export type RunSpecification = {
  readonly samples: readonly Sample[];
  readonly latency?: readonly LatencyValues[];
  /** Replaces fields of what an undisturbed run on one machine writes. */
  readonly run?: Partial<RunFile>;
};

/** Writes a complete run folder and returns its path. */
export async function writeRun(
  results: string,
  name: string,
  { samples, latency = [], run = {} }: RunSpecification,
): Promise<string> {
  const folder = join(results, name);
  mkdirSync(folder);
  writeSamples(join(folder, 'samples.csv'), samples);
  if (latency.length > 0) writeLatency(join(folder, 'latency.csv'), latency);
  const names = ['samples.csv', ...(latency.length > 0 ? ['latency.csv'] : [])];
  const digests = await digestFiles(folder, names);
  await writeRunFile(folder, { ...UNDISTURBED, digests, ...run });
  return folder;
}

export function writeSamples(path: string, samples: readonly Sample[]): void {
  const file = CsvFile.create(path, SAMPLE_COLUMNS);
  file.append(...samples);
  file.close();
}

function writeLatency(path: string, rows: readonly LatencyValues[]): void {
  const file = CsvFile.create(path, 'phase,stage,unit,count,censored,min,p50,hdr'.split(','));
  for (const { phase, stage, censored, latenciesNs } of rows) {
    const histogram = new LatencyHistogram();
    for (const latencyNs of latenciesNs) histogram.record(latencyNs);
    file.append({ phase, stage, unit: 's', count: histogram.count, censored, hdr: histogram.encode() });
  }
  file.close();
}

export const UNDISTURBED: RunFile = {
  schemaVersion: RUN_SCHEMA_VERSION,
  kind: 'bench',
  commandLine: ['bench'],
  configuration: { transport: 'ipc', partitions: 8, results: 'results' },
  seed: 1,
  commit: '0123456789abcdef0123456789abcdef01234567',
  dirty: false,
  environment: {
    cpu: 'a processor',
    isa: ['sha_ni'],
    cores: 2,
    memoryBytes: 8e9,
    kernel: '6.1.0',
    filesystem: 'ext4 /dev/vda1',
    node: 'v20.19.0',
    zeromq: '6.8.0',
    libzmq: '4.3.5',
    lmdb: '3.5.6',
    addonBackend: 'portable',
    v8: '11.3.244.8-node.33',
    processor: {
      vendor: 'AuthenticAMD',
      family: '26',
      model: '2',
      stepping: '1',
      microcode: '0xb101021',
      frequencyMHz: 2600,
      caches: ['L1 Data 48K', 'L2 Unified 1024K'],
      hypervisor: 'unnamed',
    },
    system: {
      filesystemOptions: 'rw,relatime',
      diskCache: 'write through',
      writeback: { dirty_ratio: '20' },
      cpuLimit: null,
      memoryLimitBytes: null,
      transparentHugepages: 'madvise',
      mitigations: { spectre_v2: 'Mitigation; Retpolines' },
      loadAtStart: 0.1,
    },
  },
  startedAt: '2026-01-01T00:00:00.000Z',
  endedAt: '2026-01-01T00:01:00.000Z',
  verdict: 'HOLDS',
  exitCode: 0,
  reasons: [],
  digests: {},
};

export type NoisyRows = {
  readonly seed: number;
  readonly rounds?: number;
  /** Noise of one value, as a share of it. */
  readonly noise?: number;
  /** By metric: 1.05 is 5 % more. */
  readonly factors?: Readonly<Record<string, number>>;
};

const METRICS: readonly (readonly [metric: string, unit: string, better: Sample['better'], value: number])[] = [
  ['chunks_per_s', '1/s', 'higher', 250_000],
  ['bytes_per_s', 'B/s', 'higher', 256e6],
  ['latency_p50_s', 's', 'lower', 0.004],
  ['cpu_s_per_million_chunks', 's', 'lower', 7],
  ['rss_bytes', 'B', 'lower', 90e6],
];

/** Rounds of five metrics. A part of a round's noise is the same for all runs of a seed, as in interleaved runs. */
export function noisyRows({ seed, rounds = 10, noise = 0.01, factors = {} }: NoisyRows): Sample[] {
  const prng = Prng.fromSeed(seed);
  return Array.from({ length: rounds }, (_, index) =>
    METRICS.map(([metric, unit, better, value]): Sample => {
      const factor = (factors[metric] ?? 1) * (1 + noise * (prng.between(-1000, 1000) / 1000));
      const row = { suite: 'pipeline', benchmark: 'throughput', parameters: 'chunk_bytes=1024', metric, unit, better };
      return { ...row, round: index + 1, value: value * factor };
    }),
  ).flat();
}
