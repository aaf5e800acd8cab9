/** Makes a folder as a soak leaves it, of any length and with any verdict, for the tests of its report. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { csvText } from '../../../src/results/csv.ts';
import { LATENCY_COLUMNS, latencyRow } from '../../../src/results/latency-row.ts';
import { LatencyHistogram } from '../../../src/measure/histogram.ts';

export type Made = {
  readonly seconds?: number;
  /** The time between two faults. */
  readonly faultEveryS?: number;
  readonly run?: Readonly<Record<string, unknown>>;
  readonly violations?: string;
  /** Seconds without a row. */
  readonly isMissing?: (second: number) => boolean;
};

const PROCESSES = ['broker', 'summer_0', 'summer_1', 'summer_2', 'chunker_0', 'chunker_1', 'chunker_2', 'soak'];
const VIOLATION_HEAD = 'elapsed_s,kind,process,journal,offset,file_id,index,detail\r\n';
const KINDS = ['kill-broker', 'kill-summer', 'pause-broker', 'partition-drop', 'partition-reset'];
const MOMENTS = ['idle', 'appending', 'in a commit'];

/** The values depend only on the second. The caller removes the folder. */
export function makeSoakFolder(made: Made = {}): { readonly folder: string; readonly remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'stream-sum-report-'));
  const { seconds = 60, faultEveryS = 5 } = made;
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  mkdirSync(join(folder, 'logs'));
  for (const name of ['broker', 'summer-0', 'chunker-0']) write(`logs/${name}.log`, '');
  write('run.json', JSON.stringify({ ...RUN, ...made.run }));
  write('intervals.csv', intervalsText(seconds, made.isMissing ?? (() => false)));
  write('faults.csv', faultsText(seconds, faultEveryS));
  write('violations.csv', VIOLATION_HEAD + (made.violations ?? ''));
  write('latency.csv', latencyText());
  write('samples.csv', 'suite,benchmark,parameters,metric,unit,better,round,value\r\n');
  return { folder, remove: () => rmSync(folder, { recursive: true }) };
}

const RUN = {
  schemaVersion: 1,
  kind: 'soak',
  commandLine: ['soak', '--duration', '60s'],
  configuration: {
    durationMs: 60_000,
    seed: 7,
    chunkers: 3,
    summers: 3,
    partitions: 8,
    chunks: { low: 100, high: 100 },
    chunkBytes: { low: 1, high: 64 },
    rate: 20_000,
    faults: ['kill', 'pause', 'partition'],
    faultPlan: null,
  },
  seed: 7,
  commit: 'c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00',
  dirty: false,
  environment: { cpu: 'a processor', cores: 2, isa: ['avx2', 'sha_ni'], processor: { family: 6 }, system: null },
  startedAt: '2026-11-26T00:00:00.000Z',
  endedAt: '2026-11-26T00:01:00.000Z',
  verdict: 'HOLDS',
  exitCode: 0,
  reasons: [],
  audit: '204,221 batches and 31 checkpoints, to the end',
  digests: {},
};

function phaseOf(second: number, seconds: number): string {
  const share = second / seconds;
  return share <= 0.1
    ? 'warm-up'
    : share <= 0.2
      ? 'steady'
      : share <= 0.85
        ? 'faults'
        : share <= 0.95
          ? 'heal'
          : 'drain';
}

/** Written for speed: a run of 72 hours has 259,200 rows. */
function intervalsText(seconds: number, isMissing: (second: number) => boolean): string {
  const head = [
    ...'elapsed_s,phase,chunks_published,bytes_published,chunks_folded,sums_verified,files_open'.split(','),
    ...'sums_outstanding,latency_p50_s,latency_p99_s,latency_max_s'.split(','),
    ...PROCESSES.map((name) => `rss_bytes_${name}`),
    ...PROCESSES.map((name) => `fds_${name}`),
    'disk_bytes,violations',
  ];
  const lines = [head.join(',')];
  let last = 0;
  for (let second = 1; second <= seconds; second += 1) {
    if (isMissing(second)) continue;
    const phase = phaseOf(second, seconds);
    const dip = phase === 'faults' && second % 7 === 0;
    const rate = phase === 'drain' ? 0 : dip ? 4_000 + (second % 11) * 100 : 20_000 + (second % 13) * 10;
    const published = rate * (second - last);
    last = second;
    const p50 = dip ? 0.9 : 0.018 + (second % 5) / 1e3;
    const memory = PROCESSES.map((_, at) => (dip && at === 1 ? '' : 90e6 + at * 4e6 + (second % 97) * 1e4));
    lines.push(
      `${second},${phase},${published},${published * 32},${published},${dip ? 0 : 194},300,${second % 40},` +
        `${p50},${p50 * 3},${p50 * 5},${memory.join(',')},${PROCESSES.map((_, at) => 40 + at).join(',')},52000000,0`,
    );
  }
  return `${lines.join('\r\n')}\r\n`;
}

function faultsText(length: number, everyS: number): string {
  const head =
    'id,kind,target,moment,planned_s,injected_s,proven_s,healed_s,recovered_s,evidence,first_recovered_s,' +
    'partitions_hit,partitions_recovered,at_s,length_s,instead_of,link_mode,longest_gap_s';
  const lines = [head];
  for (let at = 0.2 * length, id = 1; at < 0.8 * length; at += everyS, id += 1) {
    const kind = KINDS[id % KINDS.length] ?? '';
    const moment = MOMENTS[id % MOMENTS.length] ?? '';
    const after = (seconds: number): string => (at + seconds).toFixed(3);
    const [proven, healed, recovered] = [after(0.05), after(0.8), after(1.2 + (id % 9) / 5)];
    lines.push(
      `${id},${kind},summer-${id % 3},${moment},${at},${at},${proven},${healed},${recovered},exit signal SIGKILL,` +
        `${healed},3,3,${at},0,,,${(id % 9) / 5}`,
    );
  }
  return `${lines.join('\r\n')}\r\n`;
}

function latencyText(): string {
  const rows = ['warm-up', 'steady', 'faults', 'heal', 'drain'].flatMap((phase, index) => {
    const histogram = new LatencyHistogram();
    for (let ms = 1; ms <= 1_000; ms += 1) histogram.record(ms * 1e5 * (phase === 'faults' ? 20 : index + 1));
    const none = new LatencyHistogram();
    return [
      latencyRow({ phase, stage: 'sum' }, histogram, phase === 'faults' ? 2 : 0),
      latencyRow({ phase, stage: 'acknowledgement' }, none, null),
    ];
  });
  return csvText(LATENCY_COLUMNS, rows);
}
