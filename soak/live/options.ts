/** What a soak can be asked for: the options as typed, checked and turned into numbers. Errors are UsageErrors. */

import { randomInt } from 'node:crypto';
import { UsageError } from '../../src/core/errors.ts';
import {
  parseBytes,
  parseCount,
  parseCountWithin,
  parseDuration,
  parseRange,
  type Range,
  rangeText,
} from '../../src/core/units.ts';
import { batchBytesWithin } from '../../src/chunker/prepare-chunker.ts';
import { batchBytesMaxOf } from '../../src/journal/broker/state.ts';
import {
  CLIENT_FAMILIES,
  CLUSTER_FAMILIES,
  DEFAULT_FAMILIES,
  LIVE_FAMILIES,
  type LiveFamily,
  kindsOf,
} from '../guarantee/fault-kinds.ts';
import { auditDepthOf } from './audit-depth.ts';
import { checkPlan, familiesOf, readFaultPlan } from './faults/fault-plan.ts';
import { parseExpectation } from './expectation.ts';
import { FAMILY_FAULTS_MIN, outlookOf } from './outlook.ts';
import { planPhases } from './phases.ts';
import { CLUSTER_OPTION_DEFINITIONS, defaultSla, parseClusterOptions, parseScenario } from './cluster-options.ts';
import type { ClusterOptions, SoakOptions } from './soak-options.ts';

/** Options as commander hands them over: texts, and booleans for flags. */
export type SoakOptionTexts = Readonly<Record<string, unknown>>;

/** Flags, description, default; in the order of `--help`. */
export const SOAK_OPTION_DEFINITIONS: readonly (readonly [flags: string, description: string, defaultText?: string])[] =
  [
    ['--duration <time>', 'how long to run before the drain: 60s, 5m, 2h, 3d', '60s'],
    ['--seed <n>', 'decides the data and the faults (default: a random one, which is reported)'],
    ['--chunkers <n>', 'processes that generate files and verify their sums', '3'],
    ['--summers <n>', 'processes that compute sums', '3'],
    ['--partitions <n>', 'chunk journals', '8'],
    ['--files <n>', 'files open at once in each chunker', '100'],
    ['--chunks <n|a..b>', 'data chunks of a file', '100'],
    ['--chunk-bytes <size|a..b>', 'bytes of a chunk', '32'],
    [
      '--rate <n|max>',
      'chunks a second of all chunkers, on an open-loop schedule; max: as fast as acknowledged',
      '20000',
    ],
    ['--batch-bytes <size>', 'the most bytes of one record batch', '256KiB'],
    ['--retention <size>', 'the most bytes that a journal may hold', '256MiB'],
    ['--sla <time>', 'the longest that a sum may take (default: 30s, with --engine gazette 90s)'],
    ['--transport <ipc|tcp>', 'between the processes', 'ipc'],
    [
      '--faults <list|all|none>',
      `of ${LIVE_FAMILIES.join(', ')}; on a cluster of ${CLUSTER_FAMILIES.join(', ')}; soak/FAULTS.md says what each ` +
        `does and what is expected (default: ${DEFAULT_FAMILIES.join(',')}; on a cluster ${CLIENT_FAMILIES.join(',')})`,
    ],
    [
      '--fault-interval <time>',
      'between two faults, on average (default: 5s, or less in a short run, so that each kind has its turn)',
    ],
    ['--fault-plan <file>', 'repeat the faults of an earlier run, from its faults.csv, instead of --faults'],
    [
      '--upgrade-from <ref|folder>',
      'begin with the build of this commit, or the one in this folder, and replace it by this build meanwhile',
    ],
    [
      '--audit <auto|follow|end|none>',
      'follow: check all journals and stores meanwhile; end: what is left at the end; auto: follow unless the rate is max or high',
      'auto',
    ],
    [
      '--data <folder>',
      'keep the stores there and go on from what it holds (default: a fresh one, removed at the end)',
    ],
    ['--results <folder>', "the run's own folder is made in it", 'results'],
    ['--keep-data', 'do not remove the fresh data folder'],
    [
      '--history <recent|keep>',
      'keep: record all that is judged, so that audit can judge it again; recent: the newest 64 MiB, without payloads',
      'recent',
    ],
    [
      '--metrics-port <port>',
      'serve metrics for Prometheus at http://127.0.0.1:PORT/metrics; 0: any port that is free',
    ],
    [
      '--expect <bound>',
      "what must be so, or the exit code is 11: 'p99<50ms', 'faults.p99<5s', 'recovery<2s', 'rate>1900'; repeatable",
    ],
    ['--json', 'print the verdict on stdout as one JSON document, and everything else on stderr'],
    ['--junit <file>', 'write the verdict as JUnit XML too'],
    ...CLUSTER_OPTION_DEFINITIONS,
  ];

const SEED_RANGE: Range = { low: 0, high: 0xffff_ffff };
const PROCESS_RANGE: Range = { low: 1, high: 64 };

/** Checks what can be checked here; what depends on a store or a socket is the components' to refuse. */
export function parseSoakOptions(texts: SoakOptionTexts): SoakOptions {
  const text = (name: string): string => {
    const value = texts[name];
    if (typeof value !== 'string' || value === '') throw new UsageError(`--${dashed(name)}: a value is required`);
    return value;
  };
  const within = (name: string, range: Range): number => parseCountWithin(text(name), `--${dashed(name)}`, range);
  const cluster = parseClusterOptions(texts);
  const scenario = parseScenario(texts);
  const faultPlan =
    scenario ?? (texts['faultPlan'] === undefined ? null : readFaultPlan(text('faultPlan'), '--fault-plan'));
  const upgradeFrom = texts['upgradeFrom'] === undefined ? null : text('upgradeFrom');
  const options: SoakOptions = {
    durationMs: atLeast(parseDuration(text('duration'), '--duration'), 1_000, '--duration', '1s'),
    seed: texts['seed'] === undefined ? randomInt(2 ** 32) : within('seed', SEED_RANGE),
    chunkers: within('chunkers', PROCESS_RANGE),
    summers: within('summers', PROCESS_RANGE),
    partitions: within('partitions', { low: 1, high: 4_096 }),
    files: within('files', { low: 1, high: 1_000_000 }),
    chunks: parseRange(text('chunks'), '--chunks', parseCount),
    chunkBytes: parseRange(text('chunkBytes'), '--chunk-bytes', parseBytes),
    rate: parseRate(text('rate')),
    batchBytes: atLeast(parseBytes(text('batchBytes'), '--batch-bytes'), 1, '--batch-bytes', '1'),
    retentionBytes: atLeast(parseBytes(text('retention'), '--retention'), 1, '--retention', '1'),
    slaMs: atLeast(
      parseDuration(texts['sla'] === undefined ? defaultSla(cluster) : text('sla'), '--sla'),
      1,
      '--sla',
      '1ms',
    ),
    transport: oneOf(text('transport'), '--transport', ['ipc', 'tcp']),
    faults:
      faultPlan === null
        ? parseFamilies(texts['faults'] === undefined ? null : text('faults'), { cluster, upgradeFrom })
        : familiesOf(faultPlan),
    faultIntervalMs: 0,
    faultPlan,
    upgradeFrom,
    audit: oneOf(text('audit'), '--audit', ['auto', 'follow', 'end', 'none']),
    data: texts['data'] === undefined ? null : text('data'),
    results: text('results'),
    keepData: texts['keepData'] === true,
    ...(cluster === null ? {} : { cluster }),
    history: oneOf(text('history'), '--history', ['recent', 'keep']),
    metricsPort: texts['metricsPort'] === undefined ? null : within('metricsPort', { low: 0, high: 65_535 }),
    expectations: textsOf(texts['expect']).map((expected) => parseExpectation(expected, '--expect')),
  };
  const asked = texts['faultInterval'] === undefined ? null : parseDuration(text('faultInterval'), '--fault-interval');
  const faultIntervalMs =
    asked === null ? defaultFaultIntervalMs(options) : atLeast(asked, 100, '--fault-interval', '100ms');
  const whole = { ...options, faultIntervalMs };
  checkTogether(whole);
  outlookOf(whole);
  return whole;
}

/** An option that may be given several times. */
function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

const FAULT_INTERVAL_MS = 5_000;
/** Shorter ones are for who asks for them: a component takes some tenths of a second to come back. */
const FAULT_INTERVAL_MS_MIN = 1_000;
/** A fault of a cluster lasts longer, up to 26 s. */
const CLUSTER_INTERVAL_MS = 12_000;
/** From a fault's beginning to its end, where there is time for two of each family and more. */
const USUAL_FAULT_MS = 3_000;

/** Short enough that each kind of fault has its turn, where that leaves it the time to end. */
function defaultFaultIntervalMs(options: SoakOptions): number {
  const faults = planPhases(options).find(({ phase }) => phase === 'faults');
  if (faults === undefined) return FAULT_INTERVAL_MS;
  if (options.faults.some((family) => family === 'member' || family === 'network')) return CLUSTER_INTERVAL_MS;
  const turnMs = Math.floor(faults.durationMs / Math.max(1, kindsOf(options.faults, options).length));
  const leastMs = Math.floor(faults.durationMs / Math.max(1, FAMILY_FAULTS_MIN * options.faults.length));
  const lowMs = Math.max(FAULT_INTERVAL_MS_MIN, Math.min(USUAL_FAULT_MS, leastMs));
  return Math.max(lowMs, Math.min(FAULT_INTERVAL_MS, turnMs));
}

function checkTogether(options: SoakOptions): void {
  if (options.cluster?.place === null && options.data !== null)
    throw new UsageError('--data: a cluster that a soak starts is a new one each time, and its data is not kept');
  if (options.faults.includes('upgrade') && options.upgradeFrom === null) {
    throw new UsageError('--faults upgrade: --upgrade-from must name the build by which the run begins');
  }
  if (options.upgradeFrom !== null && options.cluster !== undefined) {
    throw new UsageError('--upgrade-from: only a soak with its own broker can be upgraded');
  }
  if (options.faultPlan !== null)
    checkPlan(options.faultPlan, { ...options, isFollowed: auditDepthOf(options).depth === 'follow' });
  const { partitions, retentionBytes } = options;
  batchBytesWithin(options);
  const batchBytesMax = batchBytesMaxOf({ partitions, retentionBytes, sumsBytes: retentionBytes });
  if (options.batchBytes > batchBytesMax) {
    throw new UsageError(
      `--batch-bytes ${options.batchBytes}: must be at most ${batchBytesMax} with --retention ${retentionBytes} and ` +
        `--partitions ${partitions}`,
    );
  }
  if (options.summers > options.partitions) {
    throw new UsageError(`--summers: ${options.summers} summers cannot share --partitions ${options.partitions}`);
  }
  if (options.rate !== 'max' && options.rate < options.chunkers) {
    throw new UsageError(`--rate: ${options.rate} chunks a second are too few for --chunkers ${options.chunkers}`);
  }
}

/** `chunkBytes` to `chunk-bytes`. */
function dashed(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function atLeast(value: number, lowest: number, option: string, lowestText: string): number {
  if (value < lowest) throw new UsageError(`${option}: must be at least ${lowestText}`);
  return value;
}

/**
 * A list of families, in any order; `all` and `none` stand alone. Null: it was not asked. With a build to upgrade from,
 * upgrades come with whatever was asked for.
 */
function parseFamilies(
  text: string | null,
  { cluster, upgradeFrom }: { readonly cluster: ClusterOptions | null; readonly upgradeFrom: string | null },
): LiveFamily[] {
  const asked = parseList(text, cluster);
  return familiesWith(cluster).filter(
    (family) => asked.includes(family) || (family === 'upgrade' && upgradeFrom !== null),
  );
}

function parseList(text: string | null, cluster: ClusterOptions | null): readonly string[] {
  const families = familiesWith(cluster);
  if (text === null) return cluster === null ? DEFAULT_FAMILIES : CLIENT_FAMILIES;
  if (text === 'none') return [];
  if (text === 'all') return families.filter((family) => family !== 'upgrade');
  const asked = text.split(',');
  const unknown = asked.find((name) => !families.some((family) => family === name));
  if (unknown !== undefined) {
    throw new UsageError(
      `--faults: ${JSON.stringify(unknown)} is none of ${families.join(', ')}; all and none stand alone`,
    );
  }
  return asked;
}

/** A cluster that is somebody else's is not hurt. */
function familiesWith(cluster: ClusterOptions | null): readonly LiveFamily[] {
  if (cluster === null) return LIVE_FAMILIES;
  return cluster.place === null ? CLUSTER_FAMILIES : CLIENT_FAMILIES;
}

function parseRate(text: string): number | 'max' {
  return text === 'max' ? 'max' : parseCountWithin(text, '--rate', { low: 1, high: 1e9 });
}

function oneOf<Choice extends string>(text: string, option: string, choices: readonly Choice[]): Choice {
  const found = choices.find((choice) => choice === text);
  if (found === undefined) throw new UsageError(`${option}: must be ${choices.join(' or ')}: ${JSON.stringify(text)}`);
  return found;
}

/** The workload in a few words, the same text for the same workload: `chunkers=3 summers=3 ...`. */
export function workloadParameters(options: SoakOptions): Record<string, string | number> {
  return {
    chunkers: options.chunkers,
    summers: options.summers,
    partitions: options.partitions,
    files: options.files,
    chunks: rangeText(options.chunks),
    chunk_bytes: rangeText(options.chunkBytes),
    rate: options.rate,
    batch_bytes: options.batchBytes,
    transport: options.transport,
    faults: options.faults.length === 0 ? 'none' : options.faults.join(','),
  };
}
